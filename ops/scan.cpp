// Rules, gradients and rows of the scans. The gradient of a running product and of a running
// logarithm of a sum is a linear recurrence from the other end, and so is the recurrence's own: one
// op serves all orders, with no division, so that zeros need no care.
#include <entasis/ops/scan.h>

#include <algorithm>
#include <string>

#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/index_map.h>
#include <entasis/ops/join.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/rearrange.h>
#include <entasis/ops/reduction_internal.h>
#include <entasis/ops/scan_internal.h>
#include <entasis/ops/shape.h>

namespace entasis {
namespace {

constexpr SaveMask kSavesNothing[] = {saves_nothing};

// The size along `dim`; that of a 0-d tensor is 1.
int64_t size_along(const Tensor& t, int64_t dim) {
  return t.dim() == 0 ? 1 : t.shape()[wrap_dim(dim, t.dim())];
}
// One slice along `dim` with this value in all places.
Tensor slice_of(const Tensor& like, int64_t dim, double value) {
  Dims shape = like.shape();
  shape[wrap_dim(dim, like.dim())] = 1;
  return full(shape, value, {like.dtype(), like.device()});
}
// Element i is t[i - 1], and the first one `value`; or t[i + 1], and the last one `value`.
Tensor delayed(const Tensor& t, int64_t dim, double value) {
  if (t.dim() == 0) return full_like(t, value);
  const int64_t n = size_along(t, dim);
  return n == 0 ? t : cat({slice_of(t, dim, value), narrow(t, dim, 0, n - 1)}, dim);
}
Tensor advanced(const Tensor& t, int64_t dim, double value) {
  if (t.dim() == 0) return full_like(t, value);
  const int64_t n = size_along(t, dim);
  return n == 0 ? t : cat({narrow(t, dim, 1, n - 1), slice_of(t, dim, value)}, dim);
}

Tensor linear_scan(const Tensor& a, const Tensor& b, int64_t dim, bool reverse) {
  return apply(LinearScan{dim, reverse}, {}, contiguous(a), contiguous(b));
}

// The product of the elements before each one.
Tensor product_before(const Tensor& x, int64_t dim) { return delayed(cumprod(x, dim), dim, 1); }
// And of those behind it.
Tensor product_behind(const Tensor& x, int64_t dim) {
  if (x.dim() == 0) return full_like(x, 1);
  return flip(product_before(flip(x, {dim}), dim), {dim});
}

Spec dense_like(DType dtype, const Operand& in) { return Spec::dense(dtype, in.shape()); }

}  // namespace

template <>
struct Rule<Cumsum> {
  static Spec infer(const Cumsum& op, Inputs in) {
    return dense_like(sum_dtype(op.dtype, in[0].dtype()), in[0]);
  }
  static constexpr auto& saves = kSavesNothing;
  static Grads vjp(const Cumsum& op, const Saved&, Grads gy) {
    return {apply(Cumsum{op.dim, {}, !op.reverse}, {}, contiguous(gy[0]))};
  }
};

// With R[i] = gy[i] + x[i + 1] R[i + 1]: the product before x[i], times R[i].
template <>
struct Rule<Cumprod> {
  static Spec infer(const Cumprod& op, Inputs in) {
    return dense_like(sum_dtype(op.dtype, in[0].dtype()), in[0]);
  }
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const Cumprod& op, const Saved& saved, Grads gy) {
    const Tensor x = to(saved.in(0), gy[0].dtype());
    return {
        mul(product_before(x, op.dim), linear_scan(advanced(x, op.dim, 0), gy[0], op.dim, true))};
  }
};

// With G the recurrence of the gradient from the other end: G for b, and G times the state before
// for a.
template <>
struct Rule<LinearScan> {
  static Spec infer(const LinearScan&, Inputs in) { return dense_like(in[1].dtype(), in[1]); }
  static constexpr SaveMask saves[] = {saves_in(0) | saves_out(0), saves_in(0)};
  static Grads vjp(const LinearScan& op, const Saved& saved, Grads gy) {
    const Tensor a = saved.in(0);
    const Tensor shifted = op.reverse ? delayed(a, op.dim, 0) : advanced(a, op.dim, 0);
    const Tensor g = linear_scan(shifted, gy[0], op.dim, !op.reverse);
    return {saved.if_needed(0,
                            [&] {
                              const Tensor h = saved.out(0);
                              return mul(
                                  g, op.reverse ? advanced(h, op.dim, 0) : delayed(h, op.dim, 0));
                            }),
            g};
  }
};

namespace {

template <class Op>
struct RunningExtremum {
  static std::array<Spec, 2> infer(const Op&, Inputs in) {
    return {dense_like(in[0].dtype(), in[0]), dense_like(kI64, in[0])};
  }
  static constexpr SaveMask saves[] = {saves_out(1)};
  static constexpr uint32_t not_differentiable = 0b10;
  static Grads vjp(const Op& op, const Saved& saved, Grads gy) {
    return {at_chosen_places(gy[0], saved.out(1), op.dim, true, saved.shape(0))};
  }
};

}  // namespace

template <>
struct Rule<Cummax> : RunningExtremum<Cummax> {};
template <>
struct Rule<Cummin> : RunningExtremum<Cummin> {};

// gx[i] = exp(x[i] - y[i]) T[i] with T[i] = gy[i] + exp(y[i] - y[i + 1]) T[i + 1]: no exponent is
// above 0.
template <>
struct Rule<LogCumSumExp> {
  static Spec infer(const LogCumSumExp&, Inputs in) {
    if (!is_floating_point(in[0].dtype())) {
      throw DtypeError(std::string("not defined for ") + name_of(in[0].dtype()) +
                       "; cast it to a floating-point dtype");
    }
    return dense_like(in[0].dtype(), in[0]);
  }
  static constexpr SaveMask saves[] = {saves_in(0) | saves_out(0)};
  static Grads vjp(const LogCumSumExp& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0), y = saved.out(0);
    const int64_t n = size_along(y, op.dim);
    if (y.dim() == 0 || n == 0) return {mul(gy[0], exp(sub(x, y)))};
    const Tensor decay = exp(sub(narrow(y, op.dim, 0, n - 1), narrow(y, op.dim, 1, n - 1)));
    const Tensor factor = cat({decay, slice_of(y, op.dim, 0)}, op.dim);
    return {mul(exp(sub(x, y)), linear_scan(factor, gy[0], op.dim, true))};
  }
};

// With B and A the products before and behind each element, and gy their product's gradient: S the
// sum over i < k of gy[i] times the product of x[j], j < k and not i, and T the same from behind,
// make S A + B T.
template <>
struct Rule<ProductOfOthers> {
  static Spec infer(const ProductOfOthers&, Inputs in) { return dense_like(in[0].dtype(), in[0]); }
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const ProductOfOthers& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    const int64_t dim = op.dim;
    const Tensor before = product_before(x, dim), behind = product_behind(x, dim);
    const Tensor s = delayed(linear_scan(x, mul(gy[0], before), dim, false), dim, 0);
    const Tensor t = advanced(linear_scan(x, mul(gy[0], behind), dim, true), dim, 0);
    return {add(mul(s, behind), mul(before, t))};
  }
};

// The product of the others: right where elements are 0.
template <>
struct Rule<Prod> {
  static Spec infer(const Prod& op, Inputs in) {
    const DimMask reduced = reduced_dims(op.dim, in[0].dim());
    return Spec::dense(sum_dtype(op.dtype, in[0].dtype()),
                       reduced_shape(in[0].shape(), reduced, op.keepdim));
  }
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const Prod& op, const Saved& saved, Grads gy) {
    const Tensor x = to(saved.in(0), gy[0].dtype());
    const Tensor g = with_kept_dims(gy[0], op.dim, op.keepdim, x.shape());
    const auto others = [](const Tensor& t, int64_t dim) {
      return apply(ProductOfOthers{{dim}}, {}, contiguous(t));
    };
    if (!op.dim.empty()) return {mul(g, others(x, wrap_dim(op.dim[0], x.dim())))};
    return {mul(g, reshape(others(reshape(x, {-1}), 0), x.shape()))};
  }
};

namespace {

int64_t front_dim(const Tensor& input, int64_t dim) {
  check_defined(input);
  return wrap_dim(dim, input.dim());
}

// A sum or product in `dtype`, which elements are cast to first where the kernel does not do that.
template <class Op>
Tensor running(const Tensor& input, int64_t dim, std::optional<DType> dtype, Location at) {
  return composite(Op::name, at, [&] {
    const Op op{front_dim(input, dim), dtype};
    const bool casts = dtype && !sums_without_cast(input.dtype(), *dtype);
    return apply(op, at, contiguous(casts ? to(input, *dtype, at) : input, at));
  });
}
template <class Op>
Tensor running_in_place(const char* name, Tensor input, int64_t dim, std::optional<DType> dtype,
                        Location at) {
  return composite(name, at, [&] {
    check_defined(input);
    if (dtype && *dtype != input.dtype()) {
      throw DtypeError(std::string("in place the dtype stays ") + name_of(input.dtype()) +
                       ", it cannot become " + name_of(*dtype));
    }
    // A product's gradient needs what is overwritten.
    const Tensor before = input.requires_grad() ? clone(input, at) : input;
    return copy_(input, running<Op>(before, dim, {}, at), false, at);
  });
}
template <class Op>
ValuesIndices running_extremum(const Tensor& input, int64_t dim, Location at) {
  return composite(Op::name, at, [&] {
    auto [values, indices] =
        apply_multiple<2>(Op{{front_dim(input, dim)}}, at, contiguous(input, at));
    return ValuesIndices{values, indices};
  });
}

}  // namespace

Tensor cumsum(const Tensor& input, int64_t dim, std::optional<DType> dtype, Location at) {
  return running<Cumsum>(input, dim, dtype, at);
}
Tensor cumprod(const Tensor& input, int64_t dim, std::optional<DType> dtype, Location at) {
  return running<Cumprod>(input, dim, dtype, at);
}
Tensor cumsum_(Tensor input, int64_t dim, std::optional<DType> dtype, Location at) {
  return running_in_place<Cumsum>("cumsum_", input, dim, dtype, at);
}
Tensor cumprod_(Tensor input, int64_t dim, std::optional<DType> dtype, Location at) {
  return running_in_place<Cumprod>("cumprod_", input, dim, dtype, at);
}
ValuesIndices cummax(const Tensor& input, int64_t dim, Location at) {
  return running_extremum<Cummax>(input, dim, at);
}
ValuesIndices cummin(const Tensor& input, int64_t dim, Location at) {
  return running_extremum<Cummin>(input, dim, at);
}
Tensor logcumsumexp(const Tensor& input, int64_t dim, Location at) {
  return composite("logcumsumexp", at, [&] {
    return apply(LogCumSumExp{{front_dim(input, dim)}}, at, contiguous(input, at));
  });
}

Tensor prod(const Tensor& input, std::optional<int64_t> dim, bool keepdim,
            std::optional<DType> dtype, Location at) {
  const Prod op{{dim ? Dims{*dim} : Dims(), keepdim, dtype}};
  if (!dtype || !input.defined() || sums_without_cast(input.dtype(), *dtype)) {
    return apply(op, at, input);
  }
  return composite("prod", at, [&] { return apply(op, at, to(input, *dtype, at)); });
}

Tensor diff(const Tensor& input, int64_t n, int64_t dim, const Tensor& prepend,
            const Tensor& append, Location at) {
  return composite("diff", at, [&] {
    check_defined(input);
    if (input.dim() == 0) throw ShapeError("needs a dimension, the input is 0-d");
    if (n < 0) throw ValueError("n must not be negative, it is " + std::to_string(n));
    const int64_t along = wrap_dim(dim, input.dim());
    if (n == 0) return clone(input, at);
    Tensors parts;
    for (const Tensor* part : {&prepend, &input, &append}) {
      if (!part->defined()) continue;
      if (part->dim() != input.dim()) {
        throw ShapeError("prepend and append need the input's number of dimensions, " +
                         std::to_string(input.dim()) + ", not " + std::to_string(part->dim()));
      }
      parts.push_back(*part);
    }
    Tensor x = parts.size() == 1 ? input : cat(parts, along, at);
    for (int64_t k = std::min(n, size_along(x, along)); k > 0; --k) {
      const int64_t left = size_along(x, along) - 1;
      const Tensor before = narrow(x, along, 0, left, at), behind = narrow(x, along, 1, left, at);
      x = x.dtype() == kBool ? ne(behind, before, at) : sub(behind, before, at);
    }
    return x;
  });
}

Tensor trapezoid(const Tensor& y, const Tensor& x, double dx, int64_t dim, Location at) {
  return composite("trapezoid", at, [&] {
    check_defined(y);
    if (y.dim() == 0) throw IndexError("needs a dimension, y is 0-d");
    const int64_t along = wrap_dim(dim, y.dim());
    if (y.dtype() == kBool || (x.defined() && x.dtype() == kBool)) {
      throw DtypeError("not defined for bool");
    }
    if (x.defined() && dx != 1) throw ValueError("takes places x or their distance dx, not both");
    const int64_t n = y.shape()[int(along)];
    if (n == 0) return sum(y.detach(), {along}, false, y.dtype(), at);
    if (!x.defined()) {
      const Tensor ends = add(select(y, along, 0, at), select(y, along, -1, at), at);
      return mul(sub(sum(y, {along}, false, {}, at), mul(ends, 0.5, at), at), dx, at);
    }
    const Tensor pairs = add(narrow(y, along, 0, n - 1, at), narrow(y, along, 1, n - 1, at), at);
    if (x.dim() == 1) {
      if (x.numel() != n) {
        throw ShapeError("x has " + std::to_string(x.numel()) + " places for " + std::to_string(n) +
                         " values of y");
      }
      Dims shape = Dims::filled(y.dim() - int(along), 1);
      shape[0] = n;
      const Tensor widths = diff(reshape(x, shape, at), 1, 0, {}, {}, at);
      return div(sum(mul(pairs, widths, at), {along}, false, {}, at), 2.0, at);
    }
    const int64_t from_end = along - y.dim();
    const Tensor widths = diff(x, 1, from_end, {}, {}, at);
    return div(sum(mul(pairs, widths, at), {from_end}, false, {}, at), 2.0, at);
  });
}

namespace {

constinit const Row rows[] = {
    row<&cumsum>(
        "cumsum", args("input", "dim", "dtype"_a = std::nullopt),
        "Running sum along `dim`. Integers and bool add up in i64; `dtype` casts first. f32 "
        "is summed in f64, from the first element to the last in chunks of a fixed size."),
    row<&cumprod>("cumprod", args("input", "dim", "dtype"_a = std::nullopt),
                  "Running product along `dim`, in i64 for integers and bool; `dtype` casts first. "
                  "The gradient is right where elements are 0."),
    row<&cumsum_>("cumsum_", args("input", "dim", "dtype"_a = std::nullopt),
                  "cumsum in place; the dtype stays."),
    row<&cumprod_>("cumprod_", args("input", "dim", "dtype"_a = std::nullopt),
                   "cumprod in place; the dtype stays."),
    row<&cummax>("cummax", args("input", "dim"),
                 "The largest element so far along `dim` and its place (i64), the last of equals. "
                 "From a NaN on all are NaN.",
                 {.results = "values indices"}),
    row<&cummin>("cummin", args("input", "dim"),
                 "The smallest element so far along `dim` and its place (i64), the last of equals. "
                 "From a NaN on all are NaN.",
                 {.results = "values indices"}),
    row<&logcumsumexp>(
        "logcumsumexp", args("input", "dim"),
        "Logarithm of the running sum of exponentials along `dim`, without overflow.",
        RowOptions{.precision = Precision::kFloat32}),
    row<&prod>(
        "prod",
        args("input", "dim"_a = std::nullopt, "keepdim"_a = false, "dtype"_a = std::nullopt),
        "Product along `dim`, or of all elements; 1 of nothing. Integers and bool multiply in i64, "
        "f32 in f64; `dtype` casts first. The gradient is right where elements are 0."),
    row<&diff>("diff",
               args("input", "n"_a = 1, "dim"_a = -1, "prepend"_a = std::nullopt,
                    "append"_a = std::nullopt),
               "Differences of neighbours along `dim`, taken n times, of `prepend`, input and "
               "`append` joined; of bool, whether neighbours differ."),
    row<&trapezoid>("trapezoid", args("y", "x"_a = std::nullopt, "dx"_a = 1.0, "dim"_a = -1),
                    "The integral of y along `dim` by the trapezoidal rule, at places `x` (of y's "
                    "shape, or one for each value along `dim`) or at places `dx` apart.",
                    {.method = false}),
};
constinit OpInfo* const ops[] = {
    &op_info<Cumsum>, &op_info<Cumprod>,    &op_info<Cummax>,       &op_info<Cummin>,
    &op_info<Prod>,   &op_info<LinearScan>, &op_info<LogCumSumExp>, &op_info<ProductOfOthers>};

}  // namespace

extern const RowList rows_scan;
constinit const RowList rows_scan{rows, ops};

}  // namespace entasis
