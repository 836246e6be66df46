// Rules, gradients and rows of the reductions.
#include <entasis/ops/reduction.h>

#include <algorithm>
#include <string>
#include <string_view>

#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/lookup_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/predicate.h>
#include <entasis/ops/reduction_internal.h>
#include <entasis/ops/shape.h>

namespace entasis {

DimMask reduced_dims(const Dims& dim, int rank) {
  const DimMask all = (DimMask{1} << rank) - 1;
  if (dim.empty()) return all;
  DimMask mask = 0;
  for (int64_t d : dim) {
    const DimMask bit = DimMask{1} << wrap_dim(d, rank);
    if (mask & bit) {
      throw ValueError("dim " + std::to_string(d) + " is named twice in " + to_string(dim));
    }
    mask |= bit;
  }
  return mask & all;  // of a 0-d tensor dim 0 may be named, but there is none
}

DimMask summed_dims(const Dims& input, const Dims& shape) {
  const int lead = input.size() - shape.size();
  DimMask mask = lead > 0 ? (DimMask{1} << lead) - 1 : 0;
  bool fits = lead >= 0;
  for (int i = 0; fits && i < shape.size(); ++i) {
    if (shape[i] == input[lead + i]) continue;
    fits = shape[i] == 1;
    mask |= DimMask{1} << (lead + i);
  }
  if (!fits) {
    throw ShapeError("shape " + to_string(shape) + " does not broadcast to " + to_string(input));
  }
  return mask;
}

Dims reduced_shape(const Dims& shape, DimMask reduced, bool keepdim) {
  Dims left;
  for (int i = 0; i < shape.size(); ++i) {
    if (!(reduced >> i & 1)) {
      left.push_back(shape[i]);
    } else if (keepdim) {
      left.push_back(1);
    }
  }
  return left;
}

int64_t elements_each(const Dims& dim, const Dims& shape) {
  const DimMask mask = reduced_dims(dim, shape.size());
  int64_t count = 1;
  for (int i = 0; i < shape.size(); ++i) {
    if (mask >> i & 1) count *= shape[i];
  }
  return count;
}

Tensor with_kept_dims(const Tensor& t, const Dims& dim, bool keepdim, const Dims& input) {
  if (keepdim) return t;
  return reshape(t, reduced_shape(input, reduced_dims(dim, input.size()), true));
}

DimMask nonempty_dims(const char* what, const Dims& dim, const Dims& shape) {
  const DimMask mask = reduced_dims(dim, shape.size());
  for (int i = 0; i < shape.size(); ++i) {
    if ((mask >> i & 1) && shape[i] == 0) {
      throw IndexError(std::string("no ") + what + " over dim " + std::to_string(i) + " of shape " +
                       to_string(shape) + ", which has no elements");
    }
  }
  return mask;
}

Tensor at_chosen_places(const Tensor& gy, const Tensor& index, int64_t dim, bool keepdim,
                        const Dims& input) {
  if (input.empty()) return gy;
  const Dims dims = {dim};
  return gather_backward(with_kept_dims(gy, dims, keepdim, input),
                         with_kept_dims(index, dims, keepdim, input), input,
                         wrap_dim(dim, input.size()));
}

Tensor shared_by_equals(const Tensor& gy, const Tensor& x, const Tensor& y, const Dims& dim,
                        bool keepdim) {
  const Tensor equal = eq(x, with_kept_dims(y, dim, keepdim, x.shape()));
  return mul(equal, div(with_kept_dims(gy, dim, keepdim, x.shape()), sum(equal, dim, true)));
}

bool sums_without_cast(DType input, DType wanted) {
  return input == wanted || (is_half(input) && wanted == kF32) ||
         (!is_floating_point(input) && is_integer(wanted));
}

namespace {

constexpr SaveMask kSavesNothing[] = {saves_nothing};
constexpr SaveMask kSavesInput[] = {saves_in(0)};

Spec reduced_spec(DType dtype, const Operand& in, const Dims& dim, bool keepdim) {
  return Spec::dense(dtype, reduced_shape(in.shape(), reduced_dims(dim, in.dim()), keepdim));
}

}  // namespace

template <>
struct Rule<Sum> {
  static Spec infer(const Sum& op, Inputs in) {
    return reduced_spec(sum_dtype(op.dtype, in[0].dtype()), in[0], op.dim, op.keepdim);
  }
  static constexpr auto& saves = kSavesNothing;
  static Grads vjp(const Sum& op, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(0);
    return {expand(with_kept_dims(gy[0], op.dim, op.keepdim, shape), shape)};
  }
};

template <>
struct Rule<Mean> {
  static Spec infer(const Mean& op, Inputs in) {
    const DType dtype = op.dtype.value_or(in[0].dtype());
    if (!is_floating_point(dtype)) {
      throw DtypeError(std::string("the mean of ") + name_of(dtype) +
                       " is not defined; name a floating-point dtype");
    }
    return reduced_spec(dtype, in[0], op.dim, op.keepdim);
  }
  static constexpr auto& saves = kSavesNothing;
  static Grads vjp(const Mean& op, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(0);
    // Of no elements there is no share; dividing by 1 keeps the second gradient from 0 / 0.
    const Tensor share = div(gy[0], std::max<int64_t>(elements_each(op.dim, shape), 1));
    return {expand(with_kept_dims(share, op.dim, op.keepdim, shape), shape)};
  }
};

template <>
struct Rule<SumTo> {
  static Spec infer(const SumTo& op, Inputs in) {
    summed_dims(in[0].shape(), op.shape);
    return Spec::dense(in[0].dtype(), op.shape);
  }
  static constexpr auto& saves = kSavesNothing;
  static Grads vjp(const SumTo&, const Saved& saved, Grads gy) {
    return {expand(gy[0], saved.shape(0))};
  }
};

// NaN takes no part, and gets no gradient.
template <>
struct Rule<NanSum> {
  static Spec infer(const NanSum& op, Inputs in) {
    return reduced_spec(sum_dtype(op.dtype, in[0].dtype()), in[0], op.dim, op.keepdim);
  }
  static constexpr auto& saves = kSavesInput;
  static Grads vjp(const NanSum& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    return {mul(logical_not(isnan(x)), with_kept_dims(gy[0], op.dim, op.keepdim, x.shape()))};
  }
};

namespace {

template <class Op>
constexpr const char* kExtremum =
    std::string_view(Op::name).find("max") != std::string_view::npos ? "maximum" : "minimum";

// Of equals each has its share of the gradient.
template <class Op>
struct ExtremumOverDims {
  static Spec infer(const Op& op, Inputs in) {
    nonempty_dims(kExtremum<Op>, op.dim, in[0].shape());
    return reduced_spec(in[0].dtype(), in[0], op.dim, op.keepdim);
  }
  static constexpr SaveMask saves[] = {saves_in(0) | saves_out(0)};
  static Grads vjp(const Op& op, const Saved& saved, Grads gy) {
    return {shared_by_equals(gy[0], saved.in(0), saved.out(0), op.dim, op.keepdim)};
  }
};

template <class Op>
struct PlaceOfExtremum {
  static Spec infer(const Op& op, Inputs in) {
    nonempty_dims(kExtremum<Op>, op.dims(), in[0].shape());
    return reduced_spec(kI64, in[0], op.dims(), op.keepdim);
  }
};

template <class Op>
struct ExtremumAndPlace {
  static std::array<Spec, 2> infer(const Op& op, Inputs in) {
    nonempty_dims(kExtremum<Op>, op.dims(), in[0].shape());
    return {reduced_spec(in[0].dtype(), in[0], op.dims(), op.keepdim),
            reduced_spec(kI64, in[0], op.dims(), op.keepdim)};
  }
  static constexpr SaveMask saves[] = {saves_out(1)};
  static constexpr uint32_t not_differentiable = 0b10;
  static Grads vjp(const Op& op, const Saved& saved, Grads gy) {
    return {at_chosen_places(gy[0], saved.out(1), *op.dim, op.keepdim, saved.shape(0))};
  }
};

// PyTorch's any and all of u8 are u8.
template <class Op>
struct TruthOverDims {
  static Spec infer(const Op& op, Inputs in) {
    const DType dtype = in[0].dtype() == kU8 ? kU8 : kBool;
    return reduced_spec(dtype, in[0], op.dim, op.keepdim);
  }
};

}  // namespace

template <>
struct Rule<Amax> : ExtremumOverDims<Amax> {};
template <>
struct Rule<Amin> : ExtremumOverDims<Amin> {};
template <>
struct Rule<Argmax> : PlaceOfExtremum<Argmax> {};
template <>
struct Rule<Argmin> : PlaceOfExtremum<Argmin> {};
template <>
struct Rule<MaxDim> : ExtremumAndPlace<MaxDim> {};
template <>
struct Rule<MinDim> : ExtremumAndPlace<MinDim> {};
template <>
struct Rule<Any> : TruthOverDims<Any> {};
template <>
struct Rule<All> : TruthOverDims<All> {};
template <>
struct Rule<CountNonzero> {
  static Spec infer(const CountNonzero& op, Inputs in) {
    return reduced_spec(kI64, in[0], op.dim, op.keepdim);
  }
};

namespace {

// A sum in `op.dtype`, which the elements are cast to first where the kernel does not do that.
template <class Op>
Tensor apply_sum(const Op& op, const Tensor& input, Location at) {
  if (!op.dtype || !input.defined() || sums_without_cast(input.dtype(), *op.dtype)) {
    return apply(op, at, input);
  }
  const Frame frame(Op::name, at);
  return apply(op, at, to(input, *op.dtype, at));
}

}  // namespace

Tensor sum(const Tensor& input, const Dims& dim, bool keepdim, std::optional<DType> dtype,
           Location at) {
  return apply_sum(Sum{{dim, keepdim, dtype}}, input, at);
}

Tensor mean(const Tensor& input, const Dims& dim, bool keepdim, std::optional<DType> dtype,
            Location at) {
  const Mean op{{dim, keepdim, dtype}};
  const bool castable = !dtype || is_floating_point(*dtype);  // else the rule says what is wrong
  return castable ? apply_sum(op, input, at) : apply(op, at, input);
}

Tensor nansum(const Tensor& input, const Dims& dim, bool keepdim, std::optional<DType> dtype,
              Location at) {
  return apply_sum(NanSum{{dim, keepdim, dtype}}, input, at);
}

Tensor nanmean(const Tensor& input, const Dims& dim, bool keepdim, std::optional<DType> dtype,
               Location at) {
  return composite("nanmean", at, [&] {
    check_defined(input);
    if (!is_floating_point(input.dtype())) {
      throw DtypeError(std::string("the mean of ") + name_of(input.dtype()) +
                       " is not defined; cast it to a floating-point dtype");
    }
    if (dtype && !is_floating_point(*dtype)) {
      throw DtypeError(std::string("a mean in ") + name_of(*dtype) +
                       " is not defined; name a floating-point dtype");
    }
    const Tensor total = nansum(input, dim, keepdim, dtype, at);
    return div(total, sum(logical_not(isnan(input, at), at), dim, keepdim, {}, at), at);
  });
}

Tensor amax(const Tensor& input, const Dims& dim, bool keepdim, Location at) {
  return apply(Amax{{dim, keepdim}}, at, input);
}
Tensor amin(const Tensor& input, const Dims& dim, bool keepdim, Location at) {
  return apply(Amin{{dim, keepdim}}, at, input);
}
Tensor max(const Tensor& input, Location at) {
  return composite("max", at, [&] { return amax(input, {}, false, at); });
}
Tensor min(const Tensor& input, Location at) {
  return composite("min", at, [&] { return amin(input, {}, false, at); });
}
MinMax aminmax(const Tensor& input, std::optional<int64_t> dim, bool keepdim, Location at) {
  return composite("aminmax", at, [&] {
    const Dims dims = dim ? Dims{*dim} : Dims();
    return MinMax{amin(input, dims, keepdim, at), amax(input, dims, keepdim, at)};
  });
}

Tensor argmax(const Tensor& input, std::optional<int64_t> dim, bool keepdim, Location at) {
  return apply(Argmax{{dim, keepdim}}, at, input);
}
Tensor argmin(const Tensor& input, std::optional<int64_t> dim, bool keepdim, Location at) {
  return apply(Argmin{{dim, keepdim}}, at, input);
}
ValuesIndices max_dim(const Tensor& input, int64_t dim, bool keepdim, Location at) {
  auto [values, indices] = apply_multiple<2>(MaxDim{{dim, keepdim}}, at, input);
  return {values, indices};
}
ValuesIndices min_dim(const Tensor& input, int64_t dim, bool keepdim, Location at) {
  auto [values, indices] = apply_multiple<2>(MinDim{{dim, keepdim}}, at, input);
  return {values, indices};
}

Tensor any(const Tensor& input, const Dims& dim, bool keepdim, Location at) {
  return apply(Any{{dim, keepdim}}, at, input);
}
Tensor all(const Tensor& input, const Dims& dim, bool keepdim, Location at) {
  return apply(All{{dim, keepdim}}, at, input);
}
Tensor count_nonzero(const Tensor& input, const Dims& dim, Location at) {
  return apply(CountNonzero{{dim}}, at, input);
}

Tensor sum_to(const Tensor& input, const Dims& shape, Location at) {
  if (input.defined() && input.shape() == shape) return input;
  return apply(SumTo{shape}, at, input);
}

namespace {

constinit const Row rows[] = {
    row<&sum>(
        "sum", args("input", "dim"_a = Dims(), "keepdim"_a = false, "dtype"_a = std::nullopt),
        "Sum over the dimensions `dim`, or over all of them. `keepdim` keeps them with size 1. "
        "Integers and bool sum in i64; `dtype` casts the elements first. f32 sums are accurate "
        "to 1e-6 relative and independent of the number of threads."),
    row<&mean>(
        "mean", args("input", "dim"_a = Dims(), "keepdim"_a = false, "dtype"_a = std::nullopt),
        "Mean over the dimensions `dim`, or over all of them; NaN over no elements. For "
        "floating-point tensors, unless `dtype` names a floating-point type to cast to first."),
    row<&amax>(
        "amax", args("input", "dim"_a = Dims(), "keepdim"_a = false),
        "The largest element over the dimensions `dim`, or over all of them; NaN if there is "
        "one. Equal elements share the gradient evenly. Over no elements it raises IndexError."),
    row<&amin>(
        "amin", args("input", "dim"_a = Dims(), "keepdim"_a = false),
        "The smallest element over the dimensions `dim`, or over all of them; NaN if there is "
        "one. Equal elements share the gradient evenly. Over no elements it raises IndexError."),
    row<&aminmax>("aminmax", args("input", "dim"_a = std::nullopt, "keepdim"_a = false),
                  "amin and amax along `dim`, or over all dimensions, as two tensors.",
                  {.results = "min max"}),
    row<&argmax>("argmax", args("input", "dim"_a = std::nullopt, "keepdim"_a = false),
                 "Index (i64) of the first largest element along `dim`, or without `dim` in the "
                 "flattened tensor. NaN counts as the largest."),
    row<&argmin>("argmin", args("input", "dim"_a = std::nullopt, "keepdim"_a = false),
                 "Index (i64) of the first smallest element along `dim`, or without `dim` in the "
                 "flattened tensor. NaN counts as the smallest."),
    row<static_cast<Tensor (*)(const Tensor&, Location)>(&max)>(
        "max", args("input"),
        "The largest of all elements, as amax gives it. In Python also `max(input, dim, keepdim)`, "
        "which is max_dim, and `max(input, other)`, which is maximum."),
    row<&max_dim>(
        "max_dim", args("input", "dim", "keepdim"_a = false),
        "The largest elements along `dim` and their indices (i64): the first of equals, or the "
        "first NaN. The gradient goes to that element alone.",
        {.torch = "max", .results = "values indices"}),
    row<static_cast<Tensor (*)(const Tensor&, Location)>(&min)>(
        "min", args("input"),
        "The smallest of all elements, as amin gives it. In Python also `min(input, dim, "
        "keepdim)`, "
        "which is min_dim, and `min(input, other)`, which is minimum."),
    row<&min_dim>(
        "min_dim", args("input", "dim", "keepdim"_a = false),
        "The smallest elements along `dim` and their indices (i64): the first of equals, or the "
        "first NaN. The gradient goes to that element alone.",
        {.torch = "min", .results = "values indices"}),
    row<&any>("any", args("input", "dim"_a = Dims(), "keepdim"_a = false),
              "Whether any element is not zero, over the dimensions `dim` or over all of them; NaN "
              "is not zero. bool, but u8 for u8. False over no elements."),
    row<&all>(
        "all", args("input", "dim"_a = Dims(), "keepdim"_a = false),
        "Whether no element is zero, over the dimensions `dim` or over all of them. bool, but "
        "u8 for u8. True over no elements."),
    row<&count_nonzero>("count_nonzero", args("input", "dim"_a = Dims()),
                        "How many elements are not zero (i64), over the dimensions `dim` or over "
                        "all of them; NaN is not zero."),
    row<&nansum>("nansum",
                 args("input", "dim"_a = Dims(), "keepdim"_a = false, "dtype"_a = std::nullopt),
                 "sum with NaN counted as 0."),
    row<&nanmean>(
        "nanmean", args("input", "dim"_a = Dims(), "keepdim"_a = false, "dtype"_a = std::nullopt),
        "Mean of the elements that are not NaN, over the dimensions `dim` or over all of them; NaN "
        "over none. For floating-point tensors."),
    row<&sum_to>("sum_to", args("input", "shape"),
                 "Sums broadcast dimensions away: the reverse of broadcasting a tensor of shape "
                 "`shape` to the shape of `input`. Returns `input` itself if the shapes agree.",
                 RowOptions{.torch = "sum_to_size"}),
};
constinit OpInfo* const ops[] = {
    &op_info<Sum>,  &op_info<Mean>,   &op_info<SumTo>,       &op_info<NanSum>, &op_info<Amax>,
    &op_info<Amin>, &op_info<Argmax>, &op_info<Argmin>,      &op_info<MaxDim>, &op_info<MinDim>,
    &op_info<Any>,  &op_info<All>,    &op_info<CountNonzero>};

}  // namespace

extern const RowList rows_reduction;
constinit const RowList rows_reduction{rows, ops};

}  // namespace entasis
