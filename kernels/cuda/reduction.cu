// Reductions: sum, mean, sum_to and amax. Bytes moved: every input element once, results and few
// partial results besides; launch shapes are described in reduce_kernels.h. argmax and var are in
// files of their own.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/reduce_dispatch.h>

namespace entasis::cuda {

// ---- sum, mean, sum_to

// Calls f(reducer, fold) for the sum of `in` over `dims` into `out`; floats are divided by the
// number of elements if `mean`.
template <class F>
static auto with_sum(const Tensor& in, DimMask dims, bool mean, const Tensor& out, const F& f) {
  double divisor = 1;
  for (int d = 0; mean && d < in.dim(); ++d) {
    if (dims >> d & 1) divisor *= double(in.shape()[d]);
  }
  return with_compute_type(in.dtype(), [&]<class C>(Tag<C>) {
    return f(ReducerOf<SumFold<C>>({&in}, dims), SumFold<C>{out.raw(), out.dtype(), divisor});
  });
}

static size_t sum_scratch(const Tensor& in, DimMask dims, const Tensor& out) {
  return with_sum(in, dims, false, out,
                  [](const auto& reducer, const auto&) { return reducer.scratch_bytes(); });
}
static void run_sum(CudaContext& context, const Tensor& in, DimMask dims, bool mean,
                    const Tensor& out) {
  with_sum(in, dims, mean, out, [&](const auto& reducer, const auto& fold) {
    reducer.run(fold, context.scratch<void>(), context.stream());
  });
}

void sum(CudaContext& context, const Sum& op, Inputs in, Outputs out) {
  run_sum(context, in[0].tensor(), reduced_dims(op.dim, in[0].dim()), false, out[0]);
}
static size_t scratch_of_sum(const Sum& op, Inputs in, Outputs out) {
  return sum_scratch(in[0].tensor(), reduced_dims(op.dim, in[0].dim()), out[0]);
}

void mean(CudaContext& context, const Mean& op, Inputs in, Outputs out) {
  run_sum(context, in[0].tensor(), reduced_dims(op.dim, in[0].dim()), true, out[0]);
}
static size_t scratch_of_mean(const Mean& op, Inputs in, Outputs out) {
  return sum_scratch(in[0].tensor(), reduced_dims(op.dim, in[0].dim()), out[0]);
}

void sum_to(CudaContext& context, const SumTo& op, Inputs in, Outputs out) {
  run_sum(context, in[0].tensor(), summed_dims(in[0].shape(), op.shape), false, out[0]);
}
static size_t scratch_of_sum_to(const SumTo& op, Inputs in, Outputs out) {
  return sum_scratch(in[0].tensor(), summed_dims(in[0].shape(), op.shape), out[0]);
}

// ---- amax

template <class F>
static auto with_max(const Amax& op, Inputs in, Outputs out, const F& f) {
  const Tensor& x = in[0].tensor();
  return with_compute_type(x.dtype(), [&]<class C>(Tag<C>) {
    return f(ReducerOf<MaxFold<C>>({&x}, reduced_dims(op.dim, x.dim())),
             MaxFold<C>{out[0].raw(), x.dtype(), flip_of(x.dtype())});
  });
}

void amax(CudaContext& context, const Amax& op, Inputs in, Outputs out) {
  with_max(op, in, out, [&](const auto& reducer, const auto& fold) {
    reducer.run(fold, context.scratch<void>(), context.stream());
  });
}
static size_t scratch_of_amax(const Amax& op, Inputs in, Outputs out) {
  return with_max(op, in, out,
                  [](const auto& reducer, const auto&) { return reducer.scratch_bytes(); });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_reduction(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::sum, &cuda::scratch_of_sum>();
  kernels.add_with_scratch<&cuda::mean, &cuda::scratch_of_mean>();
  kernels.add_with_scratch<&cuda::sum_to, &cuda::scratch_of_sum_to>();
  kernels.add_with_scratch<&cuda::amax, &cuda::scratch_of_amax>();
}

}  // namespace entasis
