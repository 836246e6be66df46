// Rules, gradients and rows of the reductions.
#include <entasis/ops/reduction.h>

#include <algorithm>
#include <string>

#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
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

namespace {

// `t`, a result of the reduction or its gradient, viewed so that it broadcasts against the input.
Tensor with_kept_dims(const Tensor& t, const Dims& dim, bool keepdim, const Dims& input) {
  if (keepdim) return t;
  return reshape(t, reduced_shape(input, reduced_dims(dim, input.size()), true));
}

int64_t elements_each(const Dims& dim, const Dims& input) {
  const DimMask mask = reduced_dims(dim, input.size());
  int64_t count = 1;
  for (int i = 0; i < input.size(); ++i) {
    if (mask >> i & 1) count *= input[i];
  }
  return count;
}

DType sum_dtype(std::optional<DType> wanted, DType input) {
  return wanted.value_or(is_floating_point(input) ? input : kI64);
}

// Whether the kernel reads `input` in such a way that the result equals casting it to `wanted`
// first: halves widen to f32 exactly, integers wrap.
bool sums_without_cast(DType input, DType wanted) {
  return input == wanted || (is_half(input) && wanted == kF32) ||
         (!is_floating_point(input) && is_integer(wanted));
}

constexpr SaveMask kSavesNothing[] = {saves_nothing};
constexpr SaveMask kSavesInput[] = {saves_in(0)};

// A maximum needs something to choose from.
DimMask nonempty_dims(const Dims& dim, const Dims& shape) {
  const DimMask mask = reduced_dims(dim, shape.size());
  for (int i = 0; i < shape.size(); ++i) {
    if ((mask >> i & 1) && shape[i] == 0) {
      throw IndexError("no maximum over dim " + std::to_string(i) + " of shape " +
                       to_string(shape) + ", which has no elements");
    }
  }
  return mask;
}

}  // namespace

template <>
struct Rule<Sum> {
  static Spec infer(const Sum& op, Inputs in) {
    const DimMask reduced = reduced_dims(op.dim, in[0].dim());
    return Spec::dense(sum_dtype(op.dtype, in[0].dtype()),
                       reduced_shape(in[0].shape(), reduced, op.keepdim));
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
    const DimMask reduced = reduced_dims(op.dim, in[0].dim());
    return Spec::dense(dtype, reduced_shape(in[0].shape(), reduced, op.keepdim));
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

template <>
struct Rule<Amax> {
  static Spec infer(const Amax& op, Inputs in) {
    const DimMask reduced = nonempty_dims(op.dim, in[0].shape());
    return Spec::dense(in[0].dtype(), reduced_shape(in[0].shape(), reduced, op.keepdim));
  }
  static constexpr SaveMask saves[] = {saves_in(0) | saves_out(0)};
  // gy shared evenly by the elements that equal the maximum.
  static Grads vjp(const Amax& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    const Tensor largest = eq(x, with_kept_dims(saved.out(0), op.dim, op.keepdim, x.shape()));
    const Tensor share =
        div(with_kept_dims(gy[0], op.dim, op.keepdim, x.shape()), sum(largest, op.dim, true));
    return {mul(largest, share)};
  }
};

template <>
struct Rule<Argmax> {
  static Spec infer(const Argmax& op, Inputs in) {
    const DimMask reduced = nonempty_dims(op.dims(), in[0].shape());
    return Spec::dense(kI64, reduced_shape(in[0].shape(), reduced, op.keepdim));
  }
};

template <>
struct Rule<Var> {
  static Spec infer(const Var& op, Inputs in) {
    if (!is_floating_point(in[0].dtype())) {
      throw DtypeError(std::string("the variance of ") + name_of(in[0].dtype()) +
                       " is not defined; cast it to a floating-point dtype");
    }
    const DimMask reduced = reduced_dims(op.dim, in[0].dim());
    return Spec::dense(in[0].dtype(), reduced_shape(in[0].shape(), reduced, op.keepdim));
  }
  static constexpr auto& saves = kSavesInput;
  // 2 (x - mean) / (n - correction) gy
  static Grads vjp(const Var& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    const double n = double(elements_each(op.dim, x.shape()));
    const Tensor weight = mul(with_kept_dims(gy[0], op.dim, op.keepdim, x.shape()),
                              2 / std::max(0.0, n - op.correction));
    return {mul(sub(x, mean(x, op.dim, true)), weight)};
  }
};

Tensor sum(const Tensor& input, const Dims& dim, bool keepdim, std::optional<DType> dtype,
           Location at) {
  if (dtype && input.defined() && !sums_without_cast(input.dtype(), *dtype)) {
    const Frame frame("sum", at);
    return apply(Sum{dim, keepdim, dtype}, at, to(input, *dtype, at));
  }
  return apply(Sum{dim, keepdim, dtype}, at, input);
}

Tensor mean(const Tensor& input, const Dims& dim, bool keepdim, std::optional<DType> dtype,
            Location at) {
  const bool castable = dtype && is_floating_point(*dtype);  // else the rule says what is wrong
  if (castable && input.defined() && !sums_without_cast(input.dtype(), *dtype)) {
    const Frame frame("mean", at);
    return apply(Mean{dim, keepdim, dtype}, at, to(input, *dtype, at));
  }
  return apply(Mean{dim, keepdim, dtype}, at, input);
}

Tensor amax(const Tensor& input, const Dims& dim, bool keepdim, Location at) {
  return apply(Amax{dim, keepdim}, at, input);
}

Tensor argmax(const Tensor& input, std::optional<int64_t> dim, bool keepdim, Location at) {
  return apply(Argmax{dim, keepdim}, at, input);
}

Tensor var(const Tensor& input, const Dims& dim, double correction, bool keepdim, Location at) {
  return apply(Var{dim, correction, keepdim}, at, input);
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
    row<&argmax>("argmax", args("input", "dim"_a = std::nullopt, "keepdim"_a = false),
                 "Index (i64) of the first largest element along `dim`, or without `dim` in the "
                 "flattened tensor. NaN counts as the largest."),
    row<&var>(
        "var", args("input", "dim"_a = Dims(), "correction"_a = 1.0, "keepdim"_a = false),
        "Variance over the dimensions `dim`, or over all of them: the sum of squared deviations "
        "from the mean divided by max(0, n - correction), in two passes."),
    row<&sum_to>("sum_to", args("input", "shape"),
                 "Sums broadcast dimensions away: the reverse of broadcasting a tensor of shape "
                 "`shape` to the shape of `input`. Returns `input` itself if the shapes agree.",
                 RowOptions{.torch = "sum_to_size"}),
};
constinit OpInfo* const ops[] = {&op_info<Sum>,  &op_info<Mean>,   &op_info<SumTo>,
                                 &op_info<Amax>, &op_info<Argmax>, &op_info<Var>};

}  // namespace

extern const RowList rows_reduction;
constinit const RowList rows_reduction{rows, ops};

}  // namespace entasis
