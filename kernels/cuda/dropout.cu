// Dropout and its gradient, each in one pass. A dropped element is 0 even if it was infinite or
// NaN.
//
// drop_dense: a thread makes one or two blocks of four words, and from them mask and results of as
// many elements, which it reads and writes by 16 bytes. Bytes moved for f32: 4 read, 4 + 1 written
// an element. ceil(n / 1024) blocks of 256 threads; of halves half as many. drop_strided: the same,
// element by element, where the input lies otherwise than the result.
//
// scale_dense, scale_strided: the gradient, from the mask. For f32: 4 + 1 read, 4 written an
// element.
#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/philox.h>
#include <entasis/kernels/cuda/internal/vec.h>
#include <entasis/kernels/cuda/internal/walk.h>
#include <entasis/ops/dropout_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;

// Elements of a thread; whole blocks of words.
template <class M>
inline constexpr int kCount = sizeof(M) == 2 ? 8 : 4;
// Elements of an access.
template <class M>
inline constexpr int kAccess = kVecSize<M> < kCount<M> ? kVecSize<M> : kCount<M>;

template <class M>
__device__ __forceinline__ M scaled(M x, bool kept, Computed<M> scale) {
  return kept ? convert_to<M>(convert_to<Computed<M>>(x) * scale) : convert_to<M>(Computed<M>(0));
}

// The elements that a thread reads and writes together: whole ones by wide accesses, the last ones
// singly.
template <class M>
struct Group {
  M at[kCount<M>];

  __device__ __forceinline__ void load(const M* from, int64_t rest) {
    if (rest >= kCount<M>) {
#pragma unroll
      for (int i = 0; i < kCount<M>; i += kAccess<M>) {
        const Pack<M, kAccess<M>> pack = load_pack<kAccess<M>>(from + i);
#pragma unroll
        for (int j = 0; j < kAccess<M>; ++j) at[i + j] = pack.at[j];
      }
    } else {
#pragma unroll
      for (int i = 0; i < kCount<M>; ++i) {
        if (i < rest) at[i] = from[i];
      }
    }
  }
  __device__ __forceinline__ void store(M* to, int64_t rest) const {
    if (rest >= kCount<M>) {
#pragma unroll
      for (int i = 0; i < kCount<M>; i += kAccess<M>) {
        Pack<M, kAccess<M>> pack;
#pragma unroll
        for (int j = 0; j < kAccess<M>; ++j) pack.at[j] = at[i + j];
        store_pack<kAccess<M>>(to + i, pack);
      }
    } else {
#pragma unroll
      for (int i = 0; i < kCount<M>; ++i) {
        if (i < rest) to[i] = at[i];
      }
    }
  }
};

// ---- Forward

template <class M>
struct DropArgs {
  const M* from;
  M* to;
  uint8_t* mask;
  int64_t n;
  RandomState random;
  uint32_t threshold;
  Computed<M> scale;
};

// Which of a thread's elements are kept: bit i for element first + i.
template <class M>
__device__ __forceinline__ uint32_t draw_kept(const DropArgs<M>& args, int64_t first) {
  const Philox philox(args.random);
  uint32_t kept = 0;
#pragma unroll
  for (int b = 0; b < kCount<M> / 4; ++b) {
    uint32_t words[4];
    philox.words(first / 4 + b, words);
#pragma unroll
    for (int i = 0; i < 4; ++i)
      kept |= ((words[i] >> 8) >= args.threshold ? 1u : 0u) << (4 * b + i);
  }
  return kept;
}

template <class M>
__global__ void __launch_bounds__(kThreads) drop_dense(const __grid_constant__ DropArgs<M> args) {
  const int64_t first = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kCount<M>;
  const int64_t rest = args.n - first;
  if (rest <= 0) return;
  Group<M> group;
  group.load(args.from + first, rest);
  const uint32_t kept = draw_kept(args, first);
  Pack<uint8_t, kCount<M>> mask;
#pragma unroll
  for (int i = 0; i < kCount<M>; ++i) {
    mask.at[i] = kept >> i & 1;
    group.at[i] = scaled(group.at[i], mask.at[i] != 0, args.scale);
  }
  group.store(args.to + first, rest);
  if (rest >= kCount<M>) {
    store_pack<kCount<M>>(args.mask + first, mask);
  } else {
#pragma unroll
    for (int i = 0; i < kCount<M>; ++i) {
      if (i < rest) args.mask[first + i] = mask.at[i];
    }
  }
}

// The walk is in the memory order of the result, which the mask lies like: result, mask, input.
template <class M>
__global__ void __launch_bounds__(kThreads)
    drop_strided(const __grid_constant__ DropArgs<M> args,
                 const __grid_constant__ Walk<3, uint64_t> walk) {
  const int64_t first = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kCount<M>;
  if (first >= args.n) return;
  const uint32_t kept = draw_kept(args, first);
#pragma unroll
  for (int i = 0; i < kCount<M>; ++i) {
    if (first + i >= args.n) return;
    int64_t offset[3];
    walk.offsets(uint64_t(first + i), offset);
    const bool keep = (kept >> i & 1) != 0;
    args.to[offset[0]] = scaled(args.from[offset[2]], keep, args.scale);
    args.mask[offset[1]] = keep;
  }
}

// ---- Backward

template <class M>
struct ScaleArgs {
  const M* from;
  M* to;
  const uint8_t* mask;
  int64_t n;
  Computed<M> scale;
};

template <class M>
__global__ void __launch_bounds__(kThreads) scale_dense(const __grid_constant__ ScaleArgs<M> args) {
  const int64_t first = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kCount<M>;
  const int64_t rest = args.n - first;
  if (rest <= 0) return;
  Group<M> group;
  group.load(args.from + first, rest);
  Pack<uint8_t, kCount<M>> mask{};
  if (rest >= kCount<M>) {
    mask = load_pack<kCount<M>>(args.mask + first);
  } else {
#pragma unroll
    for (int i = 0; i < kCount<M>; ++i) {
      if (i < rest) mask.at[i] = args.mask[first + i];
    }
  }
#pragma unroll
  for (int i = 0; i < kCount<M>; ++i) {
    group.at[i] = scaled(group.at[i], mask.at[i] != 0, args.scale);
  }
  group.store(args.to + first, rest);
}

template <class M>
__global__ void __launch_bounds__(kThreads)
    scale_strided(const __grid_constant__ ScaleArgs<M> args,
                  const __grid_constant__ Walk<3, uint64_t> walk) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= args.n) return;
  int64_t offset[3];
  walk.offsets(uint64_t(i), offset);
  args.to[offset[0]] = scaled(args.from[offset[2]], args.mask[offset[1]] != 0, args.scale);
}

// Result, mask and input, in the memory order of the result.
Space<3> space_of(const Tensor& result, const Tensor& mask, const Tensor& input) {
  return Space<3>(WalkOrder::kMemory, result.shape(),
                  {&result.strides(), &mask.strides(), &input.strides()});
}
template <class M>
bool is_dense(const Space<3>& space, const void* result, const void* mask, const void* input) {
  return space.is_run(0) && space.is_run(1) && space.is_run(2) && is_vec_aligned(result) &&
         is_pack_aligned<uint8_t, kCount<M>>(mask) && is_vec_aligned(input);
}

}  // namespace

void native_dropout(CudaContext& context, const NativeDropout& op, Inputs in, Outputs out) {
  const Tensor &input = in[0].tensor(), &result = out[0], &mask = out[1];
  const int64_t n = result.numel();
  if (n == 0) return;
  const Space<3> space = space_of(result, mask, input);
  dispatch_floating_point(result.dtype(), [&](auto tag) {
    using M = typename decltype(tag)::type;
    const DropArgs<M> args{
        input.raw_as<const M>(), result.raw_as<M>(),      mask.raw_as<uint8_t>(),          n,
        context.random(),        dropout_threshold(op.p), Computed<M>(dropout_scale(op.p))};
    const dim3 blocks = blocks_for(n, int64_t{kThreads} * kCount<M>);
    if (is_dense<M>(space, result.raw(), mask.raw(), input.raw())) {
      launch(&drop_dense<M>, blocks, dim3(kThreads), 0, context.stream(), args);
    } else {
      launch(&drop_strided<M>, blocks, dim3(kThreads), 0, context.stream(), args,
             space.template walk<uint64_t>());
    }
  });
}

void dropout_backward(CudaContext& context, const DropoutBackward& op, Inputs in, Outputs out) {
  const Tensor &gy = in[0].tensor(), &mask = in[1].tensor(), &result = out[0];
  const int64_t n = result.numel();
  if (n == 0) return;
  const Space<3> space = space_of(result, mask, gy);
  dispatch_floating_point(result.dtype(), [&](auto tag) {
    using M = typename decltype(tag)::type;
    const ScaleArgs<M> args{gy.raw_as<const M>(), result.raw_as<M>(), mask.raw_as<const uint8_t>(),
                            n, Computed<M>(dropout_scale(op.p))};
    if (is_dense<M>(space, result.raw(), mask.raw(), gy.raw())) {
      launch(&scale_dense<M>, blocks_for(n, int64_t{kThreads} * kCount<M>), dim3(kThreads), 0,
             context.stream(), args);
    } else {
      launch(&scale_strided<M>, blocks_for(n, kThreads), dim3(kThreads), 0, context.stream(), args,
             space.template walk<uint64_t>());
    }
  });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_dropout(Kernels& kernels) {
  kernels.add<&cuda::native_dropout>();
  kernels.add<&cuda::dropout_backward>();
}

}  // namespace entasis
