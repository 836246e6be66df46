// Random draws, each element from its own words (core/generator.h).
//
// draw_dense, draw_strided: a thread makes one block of four words and from it the elements that it
// stands for, four or, of a 64-bit type, two; where the output is dense it writes them together.
// Integers and uniform numbers have the CPU's bits. Normal ones are within 4 ulp of the radius of
// their exact values (logf 1, sqrtf 0.5, sincospif 1, and rounding), the CPU's within 3. Bytes
// moved: n elements written. ceil(n / 1024) blocks of 256 threads; of a 64-bit type twice as many.
//
// randperm sorts the positions by keys (sort.cu).
#include <bit>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/philox.h>
#include <entasis/kernels/cuda/internal/scalar.h>
#include <entasis/kernels/cuda/internal/scratch.h>
#include <entasis/kernels/cuda/internal/sort.h>
#include <entasis/kernels/cuda/internal/vec.h>
#include <entasis/kernels/cuda/internal/walk.h>
#include <entasis/ops/random_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;

// Elements of a block of words.
template <class M>
inline constexpr int kDrawn = sizeof(M) == 8 ? 2 : 4;

// ---- From words to numbers: make(philox, block, words, numbers).

// The CPU's type of the same elements.
template <class M>
struct HostType {
  using type = M;
};
template <>
struct HostType<half_t> {
  using type = Half;
};
template <>
struct HostType<bfloat16_t> {
  using type = BFloat16;
};

template <class M>
struct MakeUniform {
  Computed<M> low, width, limit;

  __device__ __forceinline__ void operator()(const Philox&, int64_t, const uint32_t (&words)[4],
                                             M (&numbers)[kDrawn<M>]) const {
    constexpr int kWords = 4 / kDrawn<M>;
#pragma unroll
    for (int i = 0; i < kDrawn<M>; ++i) {
      const Computed<M> unit = unit_uniform<typename HostType<M>::type>(words + i * kWords);
      const Computed<M> number = low + unit * width;
      numbers[i] = convert_to<M>(number < limit ? number : limit);
    }
  }
};

// Box and Muller (1958): numbers 2k and 2k + 1 are the radius sqrt(-2 log u) times cosine and sine
// of 2 pi v. Two floats come from two words, two doubles from four.
template <class M>
struct MakeNormal {
  Computed<M> mean, std;

  __device__ __forceinline__ void operator()(const Philox&, int64_t, const uint32_t (&words)[4],
                                             M (&numbers)[kDrawn<M>]) const {
#pragma unroll
    for (int i = 0; i < kDrawn<M>; i += 2) {
      Computed<M> u, v, cosine, sine;
      if constexpr (sizeof(M) == 8) {
        u = uniform_double(words[0], words[1]) + 0x1p-53;
        v = uniform_double(words[2], words[3]);
        sincospi(2 * v, &sine, &cosine);
      } else {
        u = static_cast<float>(words[i]) * 0x1p-32f + 0x1p-33f;
        v = uniform_float(words[i + 1]);
        sincospif(2 * v, &sine, &cosine);
      }
      const Computed<M> radius = sqrt(Scalar<Computed<M>>(-2) * log(Scalar<Computed<M>>(u))).v;
      numbers[i] = convert_to<M>(std * (radius * cosine) + mean);
      numbers[i + 1] = convert_to<M>(std * (radius * sine) + mean);
    }
  }
};

// Uniform in [0, range) without bias (Lemire, "Fast random integer generation in an interval",
// 2019): the high half of bits * range; the few low halves that would make some results likelier
// are drawn again. Retry r of the element whose first word is word w of a block has block `block`
// of subsequence 1 + 4 r + w to itself.
template <class M>
struct MakeInteger {
  int64_t low;
  uint64_t range;

  __device__ __forceinline__ void operator()(const Philox& philox, int64_t block,
                                             const uint32_t (&words)[4],
                                             M (&numbers)[kDrawn<M>]) const {
    constexpr int kWords = 4 / kDrawn<M>;
#pragma unroll
    for (int i = 0; i < kDrawn<M>; ++i) {
      uint64_t drawn;
      if constexpr (kWords == 2) {
        drawn = bounded_wide(philox, block, words, 2 * i);
      } else {
        drawn = bounded(philox, block, words[i], i);
      }
      numbers[i] = convert_to<M>(static_cast<int64_t>(static_cast<uint64_t>(low) + drawn));
    }
  }

 private:
  __device__ __forceinline__ uint64_t bounded(const Philox& philox, int64_t block, uint32_t bits,
                                              int word) const {
    uint64_t product = bits * range;
    if ((product & 0xffffffffu) < range) {
      const uint64_t reject = ((uint64_t{1} << 32) - range) % range;
      uint32_t again[4];
      for (uint64_t retry = 0; (product & 0xffffffffu) < reject; ++retry) {
        philox.words(block, again, 1 + 4 * retry + word);
        product = again[0] * range;
      }
    }
    return product >> 32;
  }
  __device__ __forceinline__ uint64_t bounded_wide(const Philox& philox, int64_t block,
                                                   const uint32_t (&words)[4], int word) const {
    uint64_t bits = uint64_t{words[word + 1]} << 32 | words[word];
    if (bits * range < range) {
      const uint64_t reject = (0 - range) % range;
      uint32_t again[4];
      for (uint64_t retry = 0; bits * range < reject; ++retry) {
        philox.words(block, again, 1 + 4 * retry + word);
        bits = uint64_t{again[1]} << 32 | again[0];
      }
    }
    return __umul64hi(bits, range);
  }
};

// ---- Kernels

template <class M, class Make>
__global__ void __launch_bounds__(kThreads)
    draw_dense(M* to, int64_t n, const RandomState state, const Make make) {
  constexpr int kCount = kDrawn<M>;
  const int64_t block = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t first = block * kCount;
  if (first >= n) return;
  const Philox philox(state);
  uint32_t words[4];
  philox.words(block, words);
  Pack<M, kCount> numbers;
  make(philox, block, words, numbers.at);
  if (first + kCount <= n) {
    store_pack<kCount>(to + first, numbers);
  } else {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (first + i < n) to[first + i] = numbers.at[i];
    }
  }
}

template <class M, class Make>
__global__ void __launch_bounds__(kThreads)
    draw_strided(M* to, const __grid_constant__ Walk<1, uint64_t> walk, int64_t n,
                 const RandomState state, const Make make) {
  constexpr int kCount = kDrawn<M>;
  const int64_t block = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t first = block * kCount;
  if (first >= n) return;
  const Philox philox(state);
  uint32_t words[4];
  philox.words(block, words);
  M numbers[kCount];
  make(philox, block, words, numbers);
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    if (first + i < n) to[walk.offset(uint64_t(first + i))] = numbers[i];
  }
}

template <class M, class Make>
void draw(CudaContext& context, const Make& make, const Tensor& out) {
  const int64_t n = out.numel();
  if (n == 0) return;
  const dim3 blocks = blocks_for(n, int64_t{kThreads} * kDrawn<M>);
  const Space<1> space(WalkOrder::kMemory, out.shape(), {&out.strides()});
  if (space.is_run(0) && is_pack_aligned<M, kDrawn<M>>(out.raw())) {
    launch(&draw_dense<M, Make>, blocks, dim3(kThreads), 0, context.stream(), out.raw_as<M>(), n,
           context.random(), make);
  } else {
    launch(&draw_strided<M, Make>, blocks, dim3(kThreads), 0, context.stream(), out.raw_as<M>(),
           space.walk<uint64_t>(), n, context.random(), make);
  }
}

// ---- Permutations

// Key i is words 2 i and 2 i + 1.
__global__ void __launch_bounds__(kThreads)
    draw_keys(uint64_t* keys, uint64_t* positions, int64_t n, const RandomState state) {
  const int64_t block = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t first = 2 * block;
  if (first >= n) return;
  uint32_t words[4];
  Philox(state).words(block, words);
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    if (first + i >= n) return;
    keys[first + i] = uint64_t{words[2 * i + 1]} << 32 | words[2 * i];
    positions[first + i] = uint64_t(first + i);
  }
}

__global__ void __launch_bounds__(kThreads)
    write_positions(const uint64_t* positions, void* to, DType dtype, int64_t stride, int64_t n) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < n) store_as(to, i * stride, dtype, static_cast<int64_t>(positions[i]));
}

SortArrays<uint64_t> sort_arrays(ScratchPlan& plan, int64_t n) {
  SortArrays<uint64_t> arrays;
  for (int i = 0; i < 2; ++i) {
    arrays.keys[i] = plan.take<uint64_t>(n);
    arrays.values[i] = plan.take<uint64_t>(n);
  }
  arrays.counts = plan.take<uint64_t>(sort_counts(n));
  return arrays;
}

size_t randperm_scratch(const RandPerm&, Inputs, Outputs out) {
  ScratchPlan plan;
  sort_arrays(plan, out[0].numel());
  return plan.bytes();
}

}  // namespace

void uniform(CudaContext& context, const Uniform& op, Inputs, Outputs out) {
  dispatch_floating_point(out[0].dtype(), [&](auto tag) {
    using M = typename decltype(tag)::type;
    using C = Computed<M>;
    draw<M>(context,
            MakeUniform<M>{C(op.low), C(op.high - op.low),
                           last_below<typename HostType<M>::type>(op.low, op.high)},
            out[0]);
  });
}

void normal(CudaContext& context, const Normal& op, Inputs, Outputs out) {
  dispatch_floating_point(out[0].dtype(), [&](auto tag) {
    using M = typename decltype(tag)::type;
    using C = Computed<M>;
    draw<M>(context, MakeNormal<M>{C(op.mean), C(op.std)}, out[0]);
  });
}

void randint(CudaContext& context, const RandInt& op, Inputs, Outputs out) {
  dispatch_all(out[0].dtype(), [&](auto tag) {
    using M = typename decltype(tag)::type;
    draw<M>(context, MakeInteger<M>{op.low, op.range}, out[0]);
  });
}

// Sorting by random keys gives every order the same chance (but for equal keys, of which there is
// one in 2^64 pairs; their order is that of their positions) and is the same on every device.
void randperm(CudaContext& context, const RandPerm&, Inputs, Outputs out) {
  const int64_t n = out[0].numel();
  if (n == 0) return;
  ScratchPlan plan(context.scratch<void>());
  const SortArrays<uint64_t> arrays = sort_arrays(plan, n);
  const cudaStream_t stream = context.stream();
  launch(&draw_keys, blocks_for(n, 2 * kThreads), dim3(kThreads), 0, stream, arrays.keys[0],
         arrays.values[0], n, context.random());
  const int at = sort_pairs(arrays, n, 64, stream);
  launch(&write_positions, blocks_for(n, kThreads), dim3(kThreads), 0, stream, arrays.values[at],
         out[0].raw(), out[0].dtype(), out[0].strides()[0], n);
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_random(Kernels& kernels) {
  kernels.add<&cuda::uniform>();
  kernels.add<&cuda::normal>();
  kernels.add<&cuda::randint>();
  kernels.add_with_scratch<&cuda::randperm, &cuda::randperm_scratch>();
}

}  // namespace entasis
