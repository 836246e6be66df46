// Sums, products and extrema. Bytes moved: every input element once, results and few partial
// results besides; launch shapes are described in reduce_kernels.h. Places and counts are in files
// of their own.
#include <entasis/kernels/cuda/internal/reduce_dispatch.h>

namespace entasis::cuda {
namespace {

template <template <class> class Fold, class F>
void with_sum(const Tensor& in, DimMask dims, const Tensor& out, double divisor, const F& f) {
  with_compute_type(in.dtype(), [&]<class C>(Tag<C>) {
    f(ReducerOf<Fold<C>>({&in}, dims), Fold<C>(out, divisor));
  });
}
template <class C>
using PlainSum = SumFold<C>;
template <class C>
using SumWithoutNan = SumFold<C, ZeroForNan>;

template <template <class> class Fold>
struct SumReduction {
  template <class Op, class F>
  static void with(const Op& op, Inputs in, Outputs out, const F& f) {
    with_sum<Fold>(in[0].tensor(), reduced_dims(op.dim, in[0].dim()), out[0], 1, f);
  }
};
struct MeanReduction {
  template <class F>
  static void with(const Mean& op, Inputs in, Outputs out, const F& f) {
    const DimMask dims = reduced_dims(op.dim, in[0].dim());
    with_sum<PlainSum>(in[0].tensor(), dims, out[0], double(count_of(in[0].tensor(), dims)), f);
  }
};
struct SumToReduction {
  template <class F>
  static void with(const SumTo& op, Inputs in, Outputs out, const F& f) {
    with_sum<PlainSum>(in[0].tensor(), summed_dims(in[0].shape(), op.shape), out[0], 1, f);
  }
};

struct ProdReduction {
  template <class F>
  static void with(const Prod& op, Inputs in, Outputs out, const F& f) {
    const Tensor& x = in[0].tensor();
    with_compute_type(x.dtype(), [&]<class C>(Tag<C>) {
      f(ReducerOf<ProdFold<C>>({&x}, reduced_dims(op.dim, x.dim())),
        ProdFold<C>{out[0].raw(), out[0].dtype()});
    });
  }
};

template <class Extremum>
struct ExtremumReduction {
  template <class Op, class F>
  static void with(const Op& op, Inputs in, Outputs out, const F& f) {
    const Tensor& x = in[0].tensor();
    with_compute_type(x.dtype(), [&]<class C>(Tag<C>) {
      using Fold = ExtremumFold<C, Extremum>;
      f(ReducerOf<Fold>({&x}, reduced_dims(op.dim, x.dim())),
        Fold{out[0].raw(), x.dtype(), flip_of(x.dtype())});
    });
  }
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_reduction(Kernels& kernels) {
  using namespace cuda;
  add_reduction<Sum, SumReduction<PlainSum>>(kernels);
  add_reduction<NanSum, SumReduction<SumWithoutNan>>(kernels);
  add_reduction<Prod, ProdReduction>(kernels);
  add_reduction<Mean, MeanReduction>(kernels);
  add_reduction<SumTo, SumToReduction>(kernels);
  add_reduction<Amax, ExtremumReduction<Larger>>(kernels);
  add_reduction<Amin, ExtremumReduction<Smaller>>(kernels);
}

}  // namespace entasis
