// A block for each row, of as many threads as the row has elements, but at most 1024. It goes
// through the row front to back, that many elements at a time; each is read and written once.
#include <entasis/kernels/cuda/internal/scan.h>

#include <algorithm>

#include <entasis/kernels/cuda/internal/launch.h>

namespace entasis::cuda {
namespace {

constexpr int kMostThreads = 1024;

template <class T>
__global__ void __launch_bounds__(kMostThreads) scan_row(T* data, int64_t length, T* totals) {
  T* const row = data + blockIdx.x * length;
  T before = 0;
  for (int64_t begin = 0; begin < length; begin += blockDim.x) {
    const int64_t i = begin + threadIdx.x;
    const T value = i < length ? row[i] : 0;
    T total = 0;
    const T sum = block_sum_before(value, total);
    if (i < length) row[i] = before + sum;
    before += total;
  }
  if (threadIdx.x == 0) totals[blockIdx.x] = before;
}

}  // namespace

template <class T>
void scan_rows(T* data, int64_t length, int rows, T* totals, cudaStream_t stream) {
  const int64_t warps = (std::min<int64_t>(length, kMostThreads) + kWarpSize - 1) / kWarpSize;
  launch(&scan_row<T>, dim3(unsigned(rows)), dim3(unsigned(warps) * kWarpSize), 0, stream, data,
         length, totals);
}

template void scan_rows<uint32_t>(uint32_t*, int64_t, int, uint32_t*, cudaStream_t);
template void scan_rows<uint64_t>(uint64_t*, int64_t, int, uint64_t*, cudaStream_t);

}  // namespace entasis::cuda
