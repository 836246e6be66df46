#include <entasis/backends/cuda/staging.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <mutex>

#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/streams.h>

namespace entasis::cuda {
namespace {

constexpr size_t kPiece = size_t{4} << 20;  // a quarter of a millisecond of PCIe 4
constexpr size_t kMostPieces = 16;          // pinned memory is dear to the host

struct Piece {
  char* data = nullptr;
  cudaEvent_t done = nullptr;  // recorded after the copy that reads it
};

// One for each device: its pieces in the order of their use.
struct Pool {
  std::mutex mutex;
  std::deque<Piece> pieces;
};

Pool& pool_of(int device) {
  static auto* pools = new std::array<Pool, kMaxDevices>;
  return (*pools)[size_t(device)];
}

bool is_done(const Piece& piece) {
  const cudaError_t status = cudaEventQuery(piece.done);
  if (status == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  check(status, "cudaEventQuery");
  return true;
}

// The oldest piece if it is free, a new one while there may be more, else the oldest when it is
// done.
Piece take_piece(Pool& pool) {
  {
    const std::lock_guard lock(pool.mutex);
    if (!pool.pieces.empty() &&
        (pool.pieces.size() >= kMostPieces || is_done(pool.pieces.front()))) {
      const Piece piece = pool.pieces.front();
      pool.pieces.pop_front();
      check(cudaEventSynchronize(piece.done), "cudaEventSynchronize");
      return piece;
    }
  }
  Piece piece;
  check(cudaHostAlloc(reinterpret_cast<void**>(&piece.data), kPiece, cudaHostAllocDefault),
        "cudaHostAlloc");
  check(cudaEventCreateWithFlags(&piece.done, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  return piece;
}

}  // namespace

void copy_from_host(void* to, const void* from, size_t bytes, StreamId stream) {
  const int device = device_of(stream);
  use_device(device);
  Pool& pool = pool_of(device);
  for (size_t done = 0; done < bytes; done += kPiece) {
    const size_t size = std::min(kPiece, bytes - done);
    const Piece piece = take_piece(pool);
    std::memcpy(piece.data, static_cast<const char*>(from) + done, size);
    check(cudaMemcpyAsync(static_cast<char*>(to) + done, piece.data, size, cudaMemcpyHostToDevice,
                          handle_of(stream)),
          "cudaMemcpyAsync");
    check(cudaEventRecord(piece.done, handle_of(stream)), "cudaEventRecord");
    const std::lock_guard lock(pool.mutex);
    pool.pieces.push_back(piece);
  }
}

}  // namespace entasis::cuda
