// Conversion of adjacent elements: one kernel for each pair of dtypes.
//
// A thread converts four groups of neighbours, a group being 16 bytes of the wider type, a block
// apart, so that the accesses of a warp are adjacent on both sides. Bytes moved: each element once
// in and once out. ceil(n / (1024 groups)) blocks of 256 threads, no shared memory.
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/copy_elements.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/vec.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kGroups = 4;  // of a thread

// A bool is read as its byte, which need not be 0 or 1.
template <class From>
using Stored = std::conditional_t<std::is_same_v<From, bool>, uint8_t, From>;
template <class To, class From>
__device__ __forceinline__ To convert_stored(Stored<From> x) {
  if constexpr (std::is_same_v<From, bool>) {
    return convert_to<To>(uint8_t(x != 0));
  } else {
    return convert_to<To>(x);
  }
}

template <class To, class From>
inline constexpr int kGroup = 16 / int(sizeof(To) > sizeof(From) ? sizeof(To) : sizeof(From));

template <class To, class From>
__global__ void __launch_bounds__(kThreads)
    convert_groups(To* to, const Stored<From>* from, int64_t n) {
  constexpr int kSize = kGroup<To, From>;
  const int64_t first = (int64_t{blockIdx.x} * kThreads * kGroups + threadIdx.x) * kSize;
  Pack<Stored<From>, kSize> in[kGroups];
#pragma unroll
  for (int u = 0; u < kGroups; ++u) {
    const int64_t i = first + u * kThreads * kSize;
    if (i + kSize <= n) in[u] = load_pack<kSize>(from + i);
  }
#pragma unroll
  for (int u = 0; u < kGroups; ++u) {
    const int64_t i = first + u * kThreads * kSize;
    if (i + kSize <= n) {
      Pack<To, kSize> out;
#pragma unroll
      for (int j = 0; j < kSize; ++j) out.at[j] = convert_stored<To, From>(in[u].at[j]);
      store_pack<kSize>(to + i, out);
    } else {
#pragma unroll
      for (int j = 0; j < kSize; ++j) {
        if (i + j < n) to[i + j] = convert_stored<To, From>(from[i + j]);
      }
    }
  }
}

// A signed integer of up to 32 bits is made like the unsigned one of its size: both are low bits of
// an i64.
template <class F>
void dispatch_target(DType dtype, const F& f) {
  switch (dtype) {
    case kF32:
    case kF64:
    case kF16:
    case kBF16:
      return dispatch_floating_point(dtype, f);
    case kI8:
    case kU8:
      return f(Tag<uint8_t>());
    case kI16:
    case kU16:
      return f(Tag<uint16_t>());
    case kI32:
    case kU32:
      return f(Tag<uint32_t>());
    case kI64:
      return f(Tag<int64_t>());
    case kU64:
      return f(Tag<uint64_t>());
    default:
      return f(Tag<bool>());
  }
}

}  // namespace

void convert_adjacent(void* to, DType to_dtype, const void* from, DType from_dtype, int64_t n,
                      cudaStream_t stream) {
  dispatch_target(to_dtype, [&](auto to_tag) {
    dispatch_all(from_dtype, [&](auto from_tag) {
      using To = typename decltype(to_tag)::type;
      using From = typename decltype(from_tag)::type;
      launch(&convert_groups<To, From>,
             blocks_for(n, int64_t{kThreads} * kGroups * kGroup<To, From>), dim3(kThreads), 0,
             stream, static_cast<To*>(to), static_cast<const Stored<From>*>(from), n);
    });
  });
}

}  // namespace entasis::cuda
