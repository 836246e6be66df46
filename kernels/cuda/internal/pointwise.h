// The kernels around every pointwise formula.
//
// pointwise_vector: all operands of one type and lying alike, or single values. A thread computes
// two
//   vectors of 16 bytes; bytes moved: each operand and the result once; ceil(n / (512 vectors))
//   blocks of 256 threads, no shared memory.
// pointwise_strided: any strides and broadcasting, any dtypes: a thread computes four elements, a
// block
//   apart, so that neighbours read neighbours; offsets by 32-bit divisions (larger tensors are
//   cut). ceil(n / 1024) blocks of 256 threads.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/scalar.h>
#include <entasis/kernels/cuda/internal/strided.h>
#include <entasis/kernels/cuda/internal/vec.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis::cuda {

inline constexpr int kMaxPointwiseInputs = kMaxLoopOperands - 1;

// The operands of a launch: a pointer each, or a value in the type of computation.
struct PointwiseOperands {
  void* out = nullptr;
  const void* in[kMaxPointwiseInputs] = {};
  uint64_t value[kMaxPointwiseInputs] = {};  // the bits of a T
  uint32_t is_value = 0;                     // a bit for each input
  DType out_dtype = kF32;
  DType in_dtype[kMaxPointwiseInputs] = {};
};

using PointwiseVector = void (*)(const PointwiseOperands&, int64_t n, cudaStream_t);
using PointwiseStrided = void (*)(const PointwiseOperands&, const LoopNest&, cudaStream_t);

// The types in memory that formulas run on without a conversion by dtype.
enum class DirectType : uint8_t { kF32, kF64, kF16, kBF16, kI32, kI64, kU8 };
inline constexpr int kDirectTypes = 7;
enum class Lanes : uint8_t { kF32, kF64, kI32, kI64, kU8 };
inline constexpr int kLaneTypes = 5;

struct PointwiseEntry {
  const char* name;  // of the op
  PointwiseTraits traits;
  PointwiseVector vector[kDirectTypes];  // null where the op has no such type
  PointwiseStrided strided[kLaneTypes];
};

// Registers a kernel for the op of each entry; the entries live as long as the program.
void add_pointwise(Kernels& kernels, std::span<const PointwiseEntry> entries);

// ---- Kernels

inline constexpr int kPointwiseThreads = 256;
inline constexpr int kVectorsPerThread = 2;
inline constexpr int kElementsPerThread = 4;

template <class T>
__device__ __forceinline__ T value_of(uint64_t bits) {
  T value;
  memcpy(&value, &bits, sizeof(T));
  return value;
}

template <class F, class T, size_t... k>
__device__ __forceinline__ T call_formula(const T (&x)[sizeof...(k)], std::index_sequence<k...>) {
  return F::of(Scalar<T>(x[k])...).v;
}

template <class F, class M, int kArity>
__global__ void __launch_bounds__(kPointwiseThreads)
    pointwise_vector(const __grid_constant__ PointwiseOperands p, int64_t n) {
  using T = Computed<M>;
  constexpr int kSize = kVecSize<M>;
  constexpr auto kOperands = std::make_index_sequence<kArity>();
  const int64_t first = int64_t(blockIdx.x) * (kPointwiseThreads * kVectorsPerThread) + threadIdx.x;
  Vec<M> in[kVectorsPerThread][kArity];
#pragma unroll
  for (int u = 0; u < kVectorsPerThread; ++u) {
    const int64_t i = (first + u * kPointwiseThreads) * kSize;
#pragma unroll
    for (int k = 0; k < kArity; ++k) {
      if (!(p.is_value >> k & 1) && i + kSize <= n) {
        in[u][k] = load_vec(static_cast<const M*>(p.in[k]) + i);
      }
    }
  }
#pragma unroll
  for (int u = 0; u < kVectorsPerThread; ++u) {
    const int64_t i = (first + u * kPointwiseThreads) * kSize;
    if (i >= n) return;
    T x[kArity];
    if (i + kSize <= n) {
      Vec<M> out;
#pragma unroll
      for (int j = 0; j < kSize; ++j) {
#pragma unroll
        for (int k = 0; k < kArity; ++k) {
          x[k] = p.is_value >> k & 1 ? value_of<T>(p.value[k]) : convert_to<T>(in[u][k].at[j]);
        }
        out.at[j] = convert_to<M>(call_formula<F, T>(x, kOperands));
      }
      store_vec(static_cast<M*>(p.out) + i, out);
    } else {
      for (int64_t j = i; j < n; ++j) {
#pragma unroll
        for (int k = 0; k < kArity; ++k) {
          x[k] = p.is_value >> k & 1 ? value_of<T>(p.value[k])
                                     : convert_to<T>(static_cast<const M*>(p.in[k])[j]);
        }
        static_cast<M*>(p.out)[j] = convert_to<M>(call_formula<F, T>(x, kOperands));
      }
    }
  }
}

template <class F, class T, int kArity>
__global__ void __launch_bounds__(kPointwiseThreads)
    pointwise_strided(const __grid_constant__ PointwiseOperands p,
                      const __grid_constant__ Strides<kArity + 1> strides, uint32_t n) {
  constexpr auto kOperands = std::make_index_sequence<kArity>();
  const uint32_t first = blockIdx.x * (kPointwiseThreads * kElementsPerThread) + threadIdx.x;
  T x[kElementsPerThread][kArity];
  int32_t to[kElementsPerThread];
#pragma unroll
  for (int u = 0; u < kElementsPerThread; ++u) {
    const uint32_t i = first + u * kPointwiseThreads;
    if (i >= n) break;
    int32_t offset[kArity + 1];
    strides.offsets(i, offset);
    to[u] = offset[0];
#pragma unroll
    for (int k = 0; k < kArity; ++k) {
      x[u][k] = p.is_value >> k & 1 ? value_of<T>(p.value[k])
                                    : load_as<T>(p.in[k], offset[k + 1], p.in_dtype[k]);
    }
  }
#pragma unroll
  for (int u = 0; u < kElementsPerThread; ++u) {
    if (first + u * kPointwiseThreads >= n) return;
    store_as<T>(p.out, to[u], p.out_dtype, call_formula<F, T>(x[u], kOperands));
  }
}

// ---- From a formula to an entry

template <class F, class M, int kArity>
void launch_vector(const PointwiseOperands& operands, int64_t n, cudaStream_t stream) {
  constexpr int64_t kPerBlock = int64_t(kPointwiseThreads) * kVectorsPerThread * kVecSize<M>;
  launch(&pointwise_vector<F, M, kArity>, dim3(unsigned((n + kPerBlock - 1) / kPerBlock)),
         dim3(kPointwiseThreads), 0, stream, operands, n);
}
template <class F, class T, int kArity>
void launch_strided(const PointwiseOperands& operands, const LoopNest& nest, cudaStream_t stream) {
  constexpr int64_t kPerBlock = int64_t(kPointwiseThreads) * kElementsPerThread;
  launch(&pointwise_strided<F, T, kArity>, dim3(unsigned((nest.numel + kPerBlock - 1) / kPerBlock)),
         dim3(kPointwiseThreads), 0, stream, operands, strides_of<kArity + 1>(nest),
         uint32_t(nest.numel));
}

// A formula as a type: `Name::of(x...)` is `function(x...)`, a formula of scalars that stands in
// kernels/formulas or among the functions of scalar.h.
#define ENTASIS_FORMULA(Name, function)                 \
  struct Name {                                         \
    template <class... V>                               \
    static __device__ __forceinline__ auto of(V... x) { \
      return function(x...);                            \
    }                                                   \
  };

// Which types an op is compiled for.
enum class FormulaTypes { kAll, kFloats };

template <class Op, class F, FormulaTypes kTypes>
constexpr PointwiseEntry make_entry() {
  constexpr int n = Op::traits.arity;
  PointwiseEntry entry{Op::name, Op::traits, {}, {}};
  entry.vector[0] = &launch_vector<F, float, n>;
  entry.vector[1] = &launch_vector<F, double, n>;
  entry.vector[2] = &launch_vector<F, half_t, n>;
  entry.vector[3] = &launch_vector<F, bfloat16_t, n>;
  entry.strided[0] = &launch_strided<F, float, n>;
  entry.strided[1] = &launch_strided<F, double, n>;
  if constexpr (kTypes == FormulaTypes::kAll) {
    entry.vector[4] = &launch_vector<F, int32_t, n>;
    entry.vector[5] = &launch_vector<F, int64_t, n>;
    entry.vector[6] = &launch_vector<F, uint8_t, n>;
    entry.strided[2] = &launch_strided<F, int32_t, n>;
    entry.strided[3] = &launch_strided<F, int64_t, n>;
    entry.strided[4] = &launch_strided<F, uint8_t, n>;
  }
  return entry;
}

}  // namespace entasis::cuda
