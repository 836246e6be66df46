// Where extrema stand, and counts of what is not zero, in one pass over the input: value and place
// travel together. Launch shapes are described in reduce_kernels.h.
#include <entasis/kernels/cuda/internal/reduce_dispatch.h>

namespace entasis::cuda {
namespace {

template <class Extremum>
struct PlaceReduction {
  template <class Op, class F>
  static void with(const Op& op, Inputs in, Outputs out, const F& f) {
    const Tensor& x = in[0].tensor();
    with_compute_type(x.dtype(), [&]<class C>(Tag<C>) {
      using Fold = PlaceFold<C, Extremum>;
      Fold fold{out.back().raw_as<int64_t>(), flip_of(x.dtype())};
      if (out.size() == 2) {
        fold.values = out[0].raw();
        fold.dtype = x.dtype();
      }
      f(ReducerOf<Fold>({&x}, reduced_dims(op.dims(), x.dim())), fold);
    });
  }
};

enum class Truth { kCount, kAny, kAll };

template <Truth kTruth>
struct NonzeroReduction {
  template <class Op, class F>
  static void with(const Op& op, Inputs in, Outputs out, const F& f) {
    const Tensor& x = in[0].tensor();
    const DimMask dims = reduced_dims(op.dim, x.dim());
    const int64_t least = kTruth == Truth::kCount ? -1
                          : kTruth == Truth::kAny ? 1
                                                  : count_of(x, dims);
    if (x.dtype() == kBool || x.dtype() == kU8) {  // bytes are read as vectors, too
      f(Reducer<NonzeroFold<int32_t>, uint8_t>({&x}, dims), NonzeroFold<int32_t>(out[0], least));
      return;
    }
    with_compute_type(x.dtype(), [&]<class C>(Tag<C>) {
      f(ReducerOf<NonzeroFold<C>>({&x}, dims), NonzeroFold<C>(out[0], least));
    });
  }
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_reduction_places(Kernels& kernels) {
  using namespace cuda;
  add_reduction<Argmax, PlaceReduction<Larger>>(kernels);
  add_reduction<Argmin, PlaceReduction<Smaller>>(kernels);
  add_reduction<MaxDim, PlaceReduction<Larger>>(kernels);
  add_reduction<MinDim, PlaceReduction<Smaller>>(kernels);
  add_reduction<Any, NonzeroReduction<Truth::kAny>>(kernels);
  add_reduction<All, NonzeroReduction<Truth::kAll>>(kernels);
  add_reduction<CountNonzero, NonzeroReduction<Truth::kCount>>(kernels);
}

}  // namespace entasis
