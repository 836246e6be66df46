// Variance and its kin, in one pass over the input; launch shapes are described in
// reduce_kernels.h.
#include <entasis/kernels/cuda/internal/reduce_dispatch.h>
#include <entasis/ops/statistics_internal.h>

namespace entasis::cuda {
namespace {

template <class C>
struct VarianceFold : MomentsFold<C> {
  void* out;
  DType dtype;
  double divisor;
  bool is_root;
  void* mean = nullptr;  // where the means go, if they are wanted

  VarianceFold(const Tensor& to, double divided_by, bool root)
      : out(to.raw()), dtype(to.dtype()), divisor(divided_by), is_root(root) {}
  __device__ __forceinline__ void write(const Moments& m, int64_t number) const {
    const double variance = m.deviation / divisor;
    store_real(out, number, dtype, is_root ? ::sqrt(variance) : variance);
    if (mean != nullptr) store_real(mean, number, dtype, m.count == 0 ? ::nan("") : m.mean);
  }
};

template <bool kRoot>
struct VarianceReduction {
  template <class F>
  static void with(const OverDimsCorrected& op, Inputs in, Outputs out, const F& f) {
    const Tensor& x = in[0].tensor();
    const DimMask dims = reduced_dims(op.dim, x.dim());
    const double divisor = std::max(0.0, double(count_of(x, dims)) - op.correction);
    with_compute_float(x.dtype(), [&]<class C>(Tag<C>) {
      VarianceFold<C> fold(out[0], divisor, kRoot);
      if (out.size() == 2) fold.mean = out[1].raw();
      f(ReducerOf<VarianceFold<C>>({&x}, dims), fold);
    });
  }
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_statistics(Kernels& kernels) {
  using namespace cuda;
  add_reduction<Var, VarianceReduction<false>>(kernels);
  add_reduction<Std, VarianceReduction<true>>(kernels);
  add_reduction<VarMean, VarianceReduction<false>>(kernels);
  add_reduction<StdMean, VarianceReduction<true>>(kernels);
}

}  // namespace entasis
