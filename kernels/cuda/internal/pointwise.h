// The kernels around every pointwise formula; blocks of 256 threads, no shared memory. Bytes moved:
// each operand and the result once.
//
// pointwise_vector: all operands of one type and lying alike, or single values. A thread computes
// two
//   vectors of 16 bytes (f64, i64: one); ceil(n / (512 vectors)) blocks.
// pointwise_strided: any strides and broadcasting, one type. A thread computes four elements, a
// block
//   apart, so that neighbours read neighbours; offsets by 32-bit divisions (larger tensors are
//   cut); ceil(n / 1024) blocks.
// pointwise_mixed: any dtypes besides: an element a thread, which converts as it loads and stores;
//   ceil(n / 256) blocks.
//
// A formula that is not for every value reports the first element that it is not for (rule 14).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/index_report.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/scalar.h>
#include <entasis/kernels/cuda/internal/strided.h>
#include <entasis/kernels/cuda/internal/vec.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis::cuda {

#include <entasis_formulas.inc>

inline constexpr int kMaxPointwiseInputs = kMaxLoopOperands - 1;

// The operands of a launch: a pointer each, or a value in the type of computation.
struct PointwiseOperands {
  void* out = nullptr;
  const void* in[kMaxPointwiseInputs] = {};
  uint64_t value[kMaxPointwiseInputs] = {};  // the bits of a T
  uint32_t is_value = 0;                     // a bit for each input
  DType out_dtype = kF32;
  DType in_dtype[kMaxPointwiseInputs] = {};
  // Of a formula that refuses values: where to, and the host's address of its demand.
  IndexCheck check = {};
  const char* demand = nullptr;
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
  const char* demand;                    // null of a formula for every value
  PointwiseVector vector[kDirectTypes];  // null where the op has no such type
  PointwiseStrided strided[kDirectTypes];
  PointwiseStrided mixed[kLaneTypes];
};

// Registers a kernel for the op of each entry; the entries live as long as the program.
void add_pointwise(Kernels& kernels, std::span<const PointwiseEntry> entries);

// The entry of a pointwise op, and what its kernel does, for kernels that take its step themselves.
const PointwiseEntry& pointwise_entry(const char* op);
void run_pointwise(CudaContext& context, const PointwiseEntry& entry, Inputs in, const Tensor& out);

// ---- Kernels

inline constexpr int kPointwiseThreads = 256;
// Formulas say so, by a specialisation, if two vectors of them would not leave registers.
template <class F>
inline constexpr bool kNeedsRegisters = false;
// Two double vectors would not leave registers for a long formula either.
template <class F, class M>
inline constexpr int kVectorsPerThread = sizeof(M) == 8 || kNeedsRegisters<F> ? 1 : 2;
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

// A formula that is not for every value has
//   static constexpr const char* kDemand   what its operands must be, in words
//   static bool refuses(x...)              whether they are not; they are computed all the same
template <class F>
concept Refusing = requires { F::kDemand; };

// The first element that a thread's formula refuses, by its position in the launch; of its operands
// the first is told.
template <class F, class T>
struct Refusal {
  template <size_t... k>
  __device__ void look(const T (&)[sizeof...(k)], int64_t, std::index_sequence<k...>) {}
  __device__ void tell(const PointwiseOperands&) const {}
};
template <Refusing F, class T>
struct Refusal<F, T> {
  int64_t position = -1;
  T value;

  template <size_t... k>
  __device__ __forceinline__ void look(const T (&x)[sizeof...(k)], int64_t at,
                                       std::index_sequence<k...>) {
    if (position >= 0 || !F::refuses(Scalar<T>(x[k])...)) return;
    position = at;
    value = x[0];
  }
  __device__ __forceinline__ void tell(const PointwiseOperands& p) const {
    if (position < 0) return;
    report(p.check, position, {.demand = p.demand, .value = double(value)});
  }
};

// Operands of the vector that starts at element i, in the type of computation. Of the last vector,
// which the end of the array may cut, the missing elements repeat its first.
template <class M, int kArity>
struct VectorOperands {
  using T = Computed<M>;
  static constexpr int kSize = kVecSize<M>;
  T x[kSize][kArity];

  __device__ __forceinline__ void load(const PointwiseOperands& p, int64_t i, int64_t n) {
#pragma unroll
    for (int k = 0; k < kArity; ++k) {
      if (p.is_value >> k & 1) {
        const T value = value_of<T>(p.value[k]);
#pragma unroll
        for (int j = 0; j < kSize; ++j) x[j][k] = value;
        continue;
      }
      const M* const from = static_cast<const M*>(p.in[k]) + i;
      if (i + kSize <= n) {
        const Vec<M> loaded = load_vec(from);
#pragma unroll
        for (int j = 0; j < kSize; ++j) x[j][k] = convert_to<T>(loaded.at[j]);
      } else {
#pragma unroll
        for (int j = 0; j < kSize; ++j) x[j][k] = convert_to<T>(from[i + j < n ? j : 0]);
      }
    }
  }
};

template <class F, class M, int kArity>
__global__ void __launch_bounds__(kPointwiseThreads)
    pointwise_vector(const __grid_constant__ PointwiseOperands p, int64_t n) {
  using T = Computed<M>;
  constexpr int kSize = kVecSize<M>, kVectors = kVectorsPerThread<F, M>;
  constexpr auto kOperands = std::make_index_sequence<kArity>();
  const int64_t first = int64_t(blockIdx.x) * (kPointwiseThreads * kVectors) + threadIdx.x;
  VectorOperands<M, kArity> operands[kVectors];
  Refusal<F, T> refusal;
#pragma unroll
  for (int u = 0; u < kVectors; ++u) {
    const int64_t i = (first + u * kPointwiseThreads) * kSize;
    if (i < n) operands[u].load(p, i, n);
  }
#pragma unroll
  for (int u = 0; u < kVectors; ++u) {
    const int64_t i = (first + u * kPointwiseThreads) * kSize;
    if (i >= n) break;
    M* const to = static_cast<M*>(p.out) + i;
    Vec<M> out;
#pragma unroll
    for (int j = 0; j < kSize; ++j) {
      out.at[j] = convert_to<M>(call_formula<F, T>(operands[u].x[j], kOperands));
      refusal.look(operands[u].x[j], i + j, kOperands);
    }
    if (i + kSize <= n) {
      store_vec(to, out);
    } else {
#pragma unroll
      for (int j = 0; j < kSize; ++j) {
        if (i + j < n) to[j] = out.at[j];
      }
    }
  }
  refusal.tell(p);
}

template <class F, class M, int kArity>
__global__ void __launch_bounds__(kPointwiseThreads)
    pointwise_strided(const __grid_constant__ PointwiseOperands p,
                      const __grid_constant__ Strides<kArity + 1> strides, uint32_t n) {
  using T = Computed<M>;
  constexpr auto kOperands = std::make_index_sequence<kArity>();
  const uint32_t first = blockIdx.x * (kPointwiseThreads * kElementsPerThread) + threadIdx.x;
  T x[kElementsPerThread][kArity];
  int32_t to[kElementsPerThread];
  Refusal<F, T> refusal;
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
                                    : convert_to<T>(static_cast<const M*>(p.in[k])[offset[k + 1]]);
    }
  }
#pragma unroll
  for (int u = 0; u < kElementsPerThread; ++u) {
    const uint32_t i = first + u * kPointwiseThreads;
    if (i >= n) break;
    static_cast<M*>(p.out)[to[u]] = convert_to<M>(call_formula<F, T>(x[u], kOperands));
    refusal.look(x[u], i, kOperands);
  }
  refusal.tell(p);
}

template <class F, class T, int kArity>
__global__ void __launch_bounds__(kPointwiseThreads)
    pointwise_mixed(const __grid_constant__ PointwiseOperands p,
                    const __grid_constant__ Strides<kArity + 1> strides, uint32_t n) {
  const uint32_t i = blockIdx.x * kPointwiseThreads + threadIdx.x;
  if (i >= n) return;
  int32_t offset[kArity + 1];
  strides.offsets(i, offset);
  T x[kArity];
#pragma unroll
  for (int k = 0; k < kArity; ++k) {
    x[k] = p.is_value >> k & 1 ? value_of<T>(p.value[k])
                               : load_as<T>(p.in[k], offset[k + 1], p.in_dtype[k]);
  }
  constexpr auto kOperands = std::make_index_sequence<kArity>();
  store_as<T>(p.out, offset[0], p.out_dtype, call_formula<F, T>(x, kOperands));
  Refusal<F, T> refusal;
  refusal.look(x, i, kOperands);
  refusal.tell(p);
}

// ---- From a formula to an entry

template <class F, class M, int kArity>
void launch_vector(const PointwiseOperands& operands, int64_t n, cudaStream_t stream) {
  constexpr int64_t kPerBlock = int64_t(kPointwiseThreads) * kVectorsPerThread<F, M> * kVecSize<M>;
  launch(&pointwise_vector<F, M, kArity>, dim3(unsigned((n + kPerBlock - 1) / kPerBlock)),
         dim3(kPointwiseThreads), 0, stream, operands, n);
}
template <class F, class M, int kArity>
void launch_strided(const PointwiseOperands& operands, const LoopNest& nest, cudaStream_t stream) {
  constexpr int64_t kPerBlock = int64_t(kPointwiseThreads) * kElementsPerThread;
  launch(&pointwise_strided<F, M, kArity>, dim3(unsigned((nest.numel + kPerBlock - 1) / kPerBlock)),
         dim3(kPointwiseThreads), 0, stream, operands, strides_of<kArity + 1>(nest),
         uint32_t(nest.numel));
}
template <class F, class T, int kArity>
void launch_mixed(const PointwiseOperands& operands, const LoopNest& nest, cudaStream_t stream) {
  launch(&pointwise_mixed<F, T, kArity>,
         dim3(unsigned((nest.numel + kPointwiseThreads - 1) / kPointwiseThreads)),
         dim3(kPointwiseThreads), 0, stream, operands, strides_of<kArity + 1>(nest),
         uint32_t(nest.numel));
}

template <class F, class M, int kArity>
constexpr void set_direct(PointwiseEntry& entry, DirectType type) {
  entry.vector[int(type)] = &launch_vector<F, M, kArity>;
  entry.strided[int(type)] = &launch_strided<F, M, kArity>;
}

// The entry of an op: compiled for floats and for integers, unless it computes these as floats or
// takes no floats.
template <class Op>
constexpr PointwiseEntry make_entry() {
  using F = FormulaOf<Op>;
  constexpr int n = Op::traits.arity;
  static_assert(n <= kMaxPointwiseInputs);
  PointwiseEntry entry{Op::name, Op::traits, nullptr, {}, {}, {}};
  if constexpr (Refusing<F>) entry.demand = F::kDemand;
  if constexpr (Op::traits.takes_float) {
    set_direct<F, float, n>(entry, DirectType::kF32);
    set_direct<F, double, n>(entry, DirectType::kF64);
    set_direct<F, half_t, n>(entry, DirectType::kF16);
    set_direct<F, bfloat16_t, n>(entry, DirectType::kBF16);
    entry.mixed[int(Lanes::kF32)] = &launch_mixed<F, float, n>;
    entry.mixed[int(Lanes::kF64)] = &launch_mixed<F, double, n>;
  }
  if constexpr (Op::traits.compute != Compute::kFloat) {
    set_direct<F, int32_t, n>(entry, DirectType::kI32);
    set_direct<F, int64_t, n>(entry, DirectType::kI64);
    set_direct<F, uint8_t, n>(entry, DirectType::kU8);
    entry.mixed[int(Lanes::kI32)] = &launch_mixed<F, int32_t, n>;
    entry.mixed[int(Lanes::kI64)] = &launch_mixed<F, int64_t, n>;
    entry.mixed[int(Lanes::kU8)] = &launch_mixed<F, uint8_t, n>;
  }
  return entry;
}

template <class... Ops>
constexpr std::array<PointwiseEntry, sizeof...(Ops)> entries_of(OpList<Ops...>) {
  return {make_entry<Ops>()...};
}

}  // namespace entasis::cuda
