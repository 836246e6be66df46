// Norms and logsumexp, in one pass over the input; launch shapes are described in reduce_kernels.h.
#include <entasis/kernels/cuda/internal/reduce_dispatch.h>
#include <entasis/kernels/cuda/internal/reduce_row.h>
#include <entasis/ops/statistics_internal.h>

namespace entasis::cuda {
namespace {

// Squares in double: no f32 overflows.
template <class C>
struct SquaresFold {
  using Value = C;
  using Acc = double;
  using Context = NoContext;
  using Join = AddUp;
  static constexpr int kInputs = 1;
  static constexpr bool kInOrder = false;
  static constexpr int kBlocks = 2;

  void* out;
  DType dtype;

  __device__ __forceinline__ Context context(int64_t) const { return {}; }
  static __device__ __forceinline__ Acc identity() { return 0; }
  template <int N, int kVec>
  __device__ __forceinline__ void add(Acc& acc, const Batch<C, 1, N, kVec>& batch, Context) const {
#pragma unroll
    for (int k = 0; k < N; ++k) acc += double(batch.x[0][k]) * double(batch.x[0][k]);
  }
  __device__ __forceinline__ void write(const Acc& acc, int64_t number) const {
    store_real(out, number, dtype, ::sqrt(acc));
  }
};

template <class C>
struct PowerOf {
  C exponent;
  __device__ __forceinline__ float operator()(float x) const {
    return ::powf(::fabsf(x), exponent);
  }
  __device__ __forceinline__ double operator()(double x) const {
    return ::pow(::fabs(x), exponent);
  }
};

template <class C>
struct PowersFold : SumOf<C, PowerOf<C>> {
  static constexpr int kBlocks = 1;  // powers need registers
  void* out;
  DType dtype;
  double root;

  PowersFold(const Tensor& to, double ord)
      : SumOf<C, PowerOf<C>>{PowerOf<C>{C(ord)}}, out(to.raw()), dtype(to.dtype()), root(1 / ord) {}
  __device__ __forceinline__ void write(double acc, int64_t number) const {
    store_real(out, number, dtype, ::pow(acc, root));
  }
};

struct NormReduction {
  template <class F>
  static void with(const VectorNorm& op, Inputs in, Outputs out, const F& f) {
    const Tensor& x = in[0].tensor();
    const DimMask dims = reduced_dims(op.dim, x.dim());
    with_compute_float(x.dtype(), [&]<class C>(Tag<C>) {
      const auto run = [&](const auto& fold) {
        f(ReducerOf<std::remove_cvref_t<decltype(fold)>>({&x}, dims), fold);
      };
      switch (norm_kind(op.ord)) {
        case NormKind::kCount:
          return run(SumFold<C, IsNonzero>(out[0]));
        case NormKind::kSum:
          return run(SumFold<C, Magnitude>(out[0]));
        case NormKind::kSquares:
          return run(SquaresFold<C>{out[0].raw(), out[0].dtype()});
        case NormKind::kLargest:
          return run(ExtremumFold<C, Larger, Magnitude>{out[0].raw(), x.dtype(), 0});
        case NormKind::kSmallest:
          return run(ExtremumFold<C, Smaller, Magnitude>{out[0].raw(), x.dtype(), 0});
        case NormKind::kPowers:
          return run(PowersFold<C>(out[0], op.ord));
      }
    });
  }
};

// As Exponentials of reduce_row.h, but exponentials are relative to 0 where the largest element is
// infinite: the sum is then infinite, and NaN only of NaN.
template <class C>
struct LogSumExpFold {
  using Value = C;
  using Acc = Exponentials<C>;
  using Context = NoContext;
  static constexpr int kInputs = 1;
  static constexpr bool kInOrder = false;
  static constexpr int kBlocks = 2;

  void* out;
  DType dtype;

  static __device__ __forceinline__ C reference(C max) { return max - max != C(0) ? C(0) : max; }
  static __device__ __forceinline__ double relative_to(C to, const Acc& a) {
    return a.sum == 0 ? 0.0 : a.sum * double(exp_of(reference(a.max) - to));
  }
  struct Join {
    __device__ __forceinline__ Acc operator()(const Acc& a, const Acc& b) const {
      const C max = LargerOrOther()(a.max, b.max), to = reference(max);
      return {max, relative_to(to, a) + relative_to(to, b)};
    }
  };

  __device__ __forceinline__ Context context(int64_t) const { return {}; }
  static __device__ __forceinline__ Acc identity() { return Acc::none(); }
  template <int N, int kVec>
  __device__ __forceinline__ void add(Acc& acc, const Batch<C, 1, N, kVec>& batch, Context) const {
    const C max = LargerOrOther()(acc.max, join_tree(batch.x[0], LargerOrOther()));
    const C to = reference(max);
    C e[N];
#pragma unroll
    for (int k = 0; k < N; ++k) e[k] = exp_of(batch.x[0][k] - to);
    if (max != acc.max) {
      acc.sum = relative_to(to, acc);
      acc.max = max;
    }
    acc.sum += double(join_tree(e, AddUp()));
  }
  __device__ __forceinline__ void write(const Acc& acc, int64_t number) const {
    store_real(out, number, dtype, double(reference(acc.max)) + ::log(acc.sum));
  }
};

struct LogSumExpReduction {
  template <class F>
  static void with(const LogSumExp& op, Inputs in, Outputs out, const F& f) {
    const Tensor& x = in[0].tensor();
    with_compute_float(x.dtype(), [&]<class C>(Tag<C>) {
      f(ReducerOf<LogSumExpFold<C>>({&x}, reduced_dims(op.dim, x.dim())),
        LogSumExpFold<C>{out[0].raw(), out[0].dtype()});
    });
  }
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_statistics_norm(Kernels& kernels) {
  cuda::add_reduction<VectorNorm, cuda::NormReduction>(kernels);
  cuda::add_reduction<LogSumExp, cuda::LogSumExpReduction>(kernels);
}

}  // namespace entasis
