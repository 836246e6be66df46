// argmax and var, in one pass over the input; launch shapes are described in reduce_kernels.h.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/reduce_dispatch.h>

namespace entasis::cuda {

// ---- argmax: value and place travel together.

template <class F>
static auto with_argmax(const Argmax& op, Inputs in, Outputs out, const F& f) {
  const Tensor& x = in[0].tensor();
  return with_compute_type(x.dtype(), [&]<class C>(Tag<C>) {
    return f(ReducerOf<ArgmaxFold<C>>({&x}, reduced_dims(op.dims(), x.dim())),
             ArgmaxFold<C>{out[0].raw_as<int64_t>(), flip_of(x.dtype())});
  });
}

void argmax(CudaContext& context, const Argmax& op, Inputs in, Outputs out) {
  with_argmax(op, in, out, [&](const auto& reducer, const auto& fold) {
    reducer.run(fold, context.scratch<void>(), context.stream());
  });
}
static size_t scratch_of_argmax(const Argmax& op, Inputs in, Outputs out) {
  return with_argmax(op, in, out,
                     [](const auto& reducer, const auto&) { return reducer.scratch_bytes(); });
}

// ---- var

template <class C>
struct VarFold : MomentsFold<C> {
  void* out;
  DType dtype;
  double divisor;

  VarFold(const Tensor& to, double divided_by)
      : out(to.raw()), dtype(to.dtype()), divisor(divided_by) {}
  __device__ __forceinline__ void write(const Moments& m, int64_t number) const {
    store_real(out, number, dtype, m.deviation / divisor);
  }
};

template <class F>
static auto with_var(const Var& op, Inputs in, Outputs out, const F& f) {
  const Tensor& x = in[0].tensor();
  const DimMask dims = reduced_dims(op.dim, x.dim());
  double elements = 1;
  for (int d = 0; d < x.dim(); ++d) {
    if (dims >> d & 1) elements *= double(x.shape()[d]);
  }
  const double divisor = std::max(0.0, elements - op.correction);
  return with_compute_float(x.dtype(), [&]<class C>(Tag<C>) {
    return f(ReducerOf<VarFold<C>>({&x}, dims), VarFold<C>(out[0], divisor));
  });
}

void var(CudaContext& context, const Var& op, Inputs in, Outputs out) {
  with_var(op, in, out, [&](const auto& reducer, const auto& fold) {
    reducer.run(fold, context.scratch<void>(), context.stream());
  });
}
static size_t scratch_of_var(const Var& op, Inputs in, Outputs out) {
  return with_var(op, in, out,
                  [](const auto& reducer, const auto&) { return reducer.scratch_bytes(); });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_reduction_statistics(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::argmax, &cuda::scratch_of_argmax>();
  kernels.add_with_scratch<&cuda::var, &cuda::scratch_of_var>();
}

}  // namespace entasis
