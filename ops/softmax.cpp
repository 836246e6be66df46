// Rules, gradients and rows of softmax and log_softmax.
//
// Their backward ops take the gradient and the output: with y = softmax(x) and s = sum of gy y
// along the dimension, gx = (gy - s) y; with y = log_softmax(x), gx = gy - exp(y) sum(gy). The
// gradients of these, for second derivatives, are written with public ops.
#include <entasis/ops/softmax.h>

#include <string>

#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/softmax_internal.h>

namespace entasis {
namespace {

// Row-major whatever the input's layout, as in PyTorch.
Spec spec_like(const char* what, int64_t dim, const Operand& in) {
  if (!is_floating_point(in.dtype())) {
    throw DtypeError(std::string("the ") + what + " of " + name_of(in.dtype()) +
                     " is not defined; cast it to a floating-point dtype");
  }
  wrap_dim(dim, in.dim());
  return Spec::dense(in.dtype(), in.shape());
}

// For the backward ops: gy and y must agree. Their callers are the rules above and replay.
Spec backward_spec(int64_t dim, const Operand& gy, const Operand& y) {
  if (!(gy.shape() == y.shape()) || gy.dtype() != y.dtype()) {
    throw ShapeError("the gradient is " + std::string(name_of(gy.dtype())) + " " +
                     to_string(gy.shape()) + ", the output " + name_of(y.dtype()) + " " +
                     to_string(y.shape()));
  }
  return spec_like("gradient", dim, y);
}

Tensor softmax_backward(const Tensor& gy, const Tensor& y, int64_t dim) {
  return apply(SoftmaxBackward{dim}, {}, gy, y);
}
Tensor log_softmax_backward(const Tensor& gy, const Tensor& y, int64_t dim) {
  return apply(LogSoftmaxBackward{dim}, {}, gy, y);
}

constexpr SaveMask kSavesOutput[] = {saves_out(0)};
constexpr SaveMask kSavesBoth[] = {saves_in(0) | saves_in(1)};

}  // namespace

template <>
struct Rule<Softmax> {
  static Spec infer(const Softmax& op, Inputs in) { return spec_like("softmax", op.dim, in[0]); }
  static constexpr auto& saves = kSavesOutput;
  static Grads vjp(const Softmax& op, const Saved& saved, Grads gy) {
    return {softmax_backward(gy[0], saved.out(0), op.dim)};
  }
};

template <>
struct Rule<LogSoftmax> {
  static Spec infer(const LogSoftmax& op, Inputs in) {
    return spec_like("log_softmax", op.dim, in[0]);
  }
  static constexpr auto& saves = kSavesOutput;
  static Grads vjp(const LogSoftmax& op, const Saved& saved, Grads gy) {
    return {log_softmax_backward(gy[0], saved.out(0), op.dim)};
  }
};

// gx = (g - s) y with s = sum(g y). With h the gradient of gx and t = sum(h y):
//   of g: (h - t) y, which is this op again;
//   of y: h (g - s) - g t.
template <>
struct Rule<SoftmaxBackward> {
  static Spec infer(const SoftmaxBackward& op, Inputs in) {
    return backward_spec(op.dim, in[0], in[1]);
  }
  static constexpr auto& saves = kSavesBoth;
  static Grads vjp(const SoftmaxBackward& op, const Saved& saved, Grads gy) {
    const Tensor g = saved.in(0), y = saved.in(1), h = gy[0];
    const Dims dim = {op.dim};
    return {saved.if_needed(0, [&] { return softmax_backward(h, y, op.dim); }),
            saved.if_needed(1, [&] {
              const Tensor s = sum(mul(g, y), dim, true), t = sum(mul(h, y), dim, true);
              return sub(mul(h, sub(g, s)), mul(g, t));
            })};
  }
};

// gx = g - e s with e = exp(y), s = sum(g). With h the gradient of gx and t = sum(h e):
//   of g: h - t;  of y: -h e s.
template <>
struct Rule<LogSoftmaxBackward> {
  static Spec infer(const LogSoftmaxBackward& op, Inputs in) {
    return backward_spec(op.dim, in[0], in[1]);
  }
  static constexpr auto& saves = kSavesBoth;
  static Grads vjp(const LogSoftmaxBackward& op, const Saved& saved, Grads gy) {
    const Tensor g = saved.in(0), e = exp(saved.in(1)), h = gy[0];
    const Dims dim = {op.dim};
    const Tensor he = mul(h, e);
    return {saved.if_needed(0, [&] { return sub(h, sum(he, dim, true)); }),
            saved.if_needed(1, [&] { return neg(mul(he, sum(g, dim, true))); })};
  }
};

Tensor softmax(const Tensor& input, int64_t dim, Location at) {
  return apply(Softmax{dim}, at, input);
}

Tensor softmin(const Tensor& input, int64_t dim, Location at) {
  const Frame frame("softmin", at);
  return softmax(neg(input, at), dim, at);
}

Tensor softmin_backward(const Tensor& grad_output, const Tensor& output, int64_t dim, Location at) {
  const Frame frame("softmin_backward", at);
  return neg(apply(SoftmaxBackward{dim}, at, grad_output, output), at);
}

Tensor log_softmax(const Tensor& input, int64_t dim, Location at) {
  return apply(LogSoftmax{dim}, at, input);
}

namespace {

constinit const Row rows[] = {
    row<&softmax>(
        "softmax", args("input", "dim"),
        "Normalised exponentials along a dimension: exp(x - max) divided by its sum along "
        "`dim`. A slice of nothing but -inf gives NaN.",
        RowOptions{.precision = Precision::kFloat32}),
    row<&softmin>("softmin", args("input", "dim"), "softmax of -input along a dimension.",
                  RowOptions{.torch = "nn.functional.softmin", .precision = Precision::kFloat32}),
    row<&softmin_backward>(
        "softmin_backward", args("grad_output", "output", "dim"),
        "The gradient of softmin along a dimension, of its output, for grad_output.",
        RowOptions{.torch = "",
                   .why_no_torch = "PyTorch differentiates softmin by its parts",
                   .precision = Precision::kFloat32,
                   .method = false}),
    row<&log_softmax>("log_softmax", args("input", "dim"),
                      "Logarithm of softmax along a dimension, without the loss of precision of "
                      "log(softmax(x)).",
                      RowOptions{.precision = Precision::kFloat32}),
};
constinit OpInfo* const ops[] = {&op_info<Softmax>, &op_info<LogSoftmax>, &op_info<SoftmaxBackward>,
                                 &op_info<LogSoftmaxBackward>};

}  // namespace

extern const RowList rows_softmax;
constinit const RowList rows_softmax{rows, ops};

}  // namespace entasis
