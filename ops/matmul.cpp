// Matrix products: rules, gradients, rows. PyTorch's 1-d forms are views around the 2-d op.
#include <entasis/ops/matmul.h>

#include <entasis/core/autograd.h>
#include <entasis/core/row.h>
#include <entasis/ops/activation_internal.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/matmul_internal.h>
#include <entasis/ops/rectifier.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/shape.h>

namespace entasis {
namespace {

void check_dtypes(const Operand& a, const char* a_name, const Operand& b, const char* b_name) {
  if (a.dtype() == kBool || b.dtype() == kBool) throw DtypeError("bool has no matrix product");
  if (a.dtype() != b.dtype()) {
    throw DtypeError(std::string("dtypes differ: ") + a_name + " is " + name_of(a.dtype()) + ", " +
                     b_name + " is " + name_of(b.dtype()));
  }
}

Tensor transposed(const Tensor& t) { return transpose(t, -2, -1); }

// All rows of a tensor of vectors: [.., k] as [n, k]. Counted, since n cannot be inferred if k is
// 0.
Tensor as_rows(const Tensor& t) {
  Dims leading = t.shape();
  leading.pop_back();
  return reshape(t, {count_elements(leading), t.shape().back()});
}

}  // namespace

template <>
struct Rule<Matmul> {
  static Spec infer(const Matmul&, Inputs in) {
    const Operand &a = in[0], &b = in[1];
    check_dtypes(a, "input", b, "other");
    const int da = a.dim(), db = b.dim();
    if (a.size(da - 1) != b.size(db - 2)) {
      throw ShapeError("inner sizes differ: input is " + to_string(a.shape()) + ", other is " +
                       to_string(b.shape()) + " (" + std::to_string(a.size(da - 1)) + " vs " +
                       std::to_string(b.size(db - 2)) + ")");
    }
    Dims batch_a = a.shape(), batch_b = b.shape();
    batch_a.resize(da - 2);
    batch_b.resize(db - 2);
    Dims shape = broadcast_shapes(batch_a, batch_b);
    shape.push_back(a.size(da - 2));
    shape.push_back(b.size(db - 1));
    return Spec::dense(a.dtype(), shape);
  }
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0)};
  static Grads vjp(const Matmul&, const Saved& saved, Grads gy) {
    const Tensor& g = gy[0];
    return {saved.if_needed(0, [&] { return matmul(g, transposed(saved.in(1))); }),
            saved.if_needed(1, [&] {
              const Tensor a = saved.in(0);
              // One long product instead of a batch of products that are summed afterwards.
              if (saved.shape(1).size() == 2) return matmul(transposed(as_rows(a)), as_rows(g));
              return matmul(transposed(a), g);
            })};
  }
};

// What the fully connected layers share.
struct LinearRule {
  static Spec infer_linear(Inputs in) {
    const Operand &x = in[0], &w = in[1], &bias = in[2];
    check_dtypes(x, "input", w, "weight");
    if (x.dim() == 0) throw ShapeError("input needs at least one dimension");
    if (w.dim() != 2) throw ShapeError("weight must be [out, in], it is " + to_string(w.shape()));
    if (x.shape().back() != w.size(1)) {
      throw ShapeError("sizes differ: input is " + to_string(x.shape()) + ", weight is " +
                       to_string(w.shape()) + " (" + std::to_string(x.shape().back()) + " vs " +
                       std::to_string(w.size(1)) + ")");
    }
    if (bias.is_tensor()) {
      check_dtypes(x, "input", bias, "bias");
      if (bias.dim() != 1 || bias.size(0) != w.size(0)) {
        throw ShapeError("bias must be [" + std::to_string(w.size(0)) + "], it is " +
                         to_string(bias.shape()));
      }
    }
    Dims shape = x.shape();
    shape[shape.size() - 1] = w.size(0);
    return Spec::dense(x.dtype(), shape);
  }
  // Of input, weight and bias, from the gradient `g` of the product.
  static Grads gradients(const Saved& saved, const Tensor& g) {
    return {
        saved.if_needed(0, [&] { return matmul(g, saved.in(1)); }),
        saved.if_needed(1, [&] { return matmul(transposed(as_rows(g)), as_rows(saved.in(0))); }),
        saved.if_needed(2, [&] { return sum(as_rows(g), {0}); })};
  }
  static constexpr uint32_t optional_inputs = 0b100;
};

template <>
struct Rule<Linear> : LinearRule {
  static Spec infer(const Linear&, Inputs in) { return infer_linear(in); }
  static constexpr uint32_t optional_inputs = 0b1100;
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0), saves_nothing};
  static Grads vjp(const Linear&, const Saved& saved, Grads gy) {
    Grads grads = gradients(saved, gy[0]);
    if (saved.needs(3)) grads.push_back(gy[0]);
    return grads;
  }
};

template <>
struct Rule<LinearRelu> : LinearRule {
  static Spec infer(const LinearRelu&, Inputs in) { return infer_linear(in); }
  static constexpr SaveMask saves[] = {saves_in(1) | saves_out(0), saves_in(0) | saves_out(0),
                                       saves_out(0)};
  static Grads vjp(const LinearRelu&, const Saved& saved, Grads gy) {
    return gradients(saved, relu_backward(gy[0], saved.out(0)));
  }
};

template <>
struct Rule<LinearGelu> : LinearRule {
  static constexpr uint32_t not_differentiable = 0b10;
  static std::array<Spec, 2> infer(const LinearGelu& op, Inputs in) {
    const Spec output = infer_linear(in);
    return {output, op.keeps_argument ? output : Spec::dense(output.dtype, {0})};
  }
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1) | saves_in(2) | saves_out(1)};
  static Grads vjp(const LinearGelu& op, const Saved& saved, Grads gy) {
    // The kept argument has no history: a gradient that is itself recorded computes it again.
    const Tensor argument = grad_enabled() || !op.keeps_argument
                                ? linear(saved.in(0), saved.in(1), saved.in_if_given(2))
                                : saved.out(1);
    return gradients(saved, gelu_backward(gy[0], argument, approximate_of(op)));
  }

 private:
  static Approximate approximate_of(const LinearGelu& op) {
    return op.by_tanh ? Approximate::kTanh : Approximate::kNone;
  }
};

Tensor matmul(const Tensor& input, const Tensor& other, Location at) {
  if (input.defined() && other.defined()) {
    const int a = input.dim(), b = other.dim();
    if (a == 0 || b == 0) {
      throw ShapeError("matmul: both operands need at least one dimension; input is " +
                           to_string(input.shape()) + ", other is " + to_string(other.shape()),
                       at);
    }
    if (a == 1 || b == 1) {
      const Frame frame("matmul", at);
      Tensor y = apply(Matmul{}, at, a == 1 ? unsqueeze(input, 0) : input,
                       b == 1 ? unsqueeze(other, 1) : other);
      if (b == 1) y = squeeze(y, {-1});
      return a == 1 ? squeeze(y, {b == 1 ? -1 : -2}) : y;
    }
  }
  return apply(Matmul{}, at, input, other);
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias, Location at) {
  return apply(Linear{}, at, input, weight, bias);
}

// Only floating-point results are worth a kernel; integers take both steps.
static bool fuses(const Tensor& input) {
  return !input.defined() || is_floating_point(input.dtype());
}

Tensor linear_relu(const Tensor& input, const Tensor& weight, const Tensor& bias, Location at) {
  if (fuses(input)) return apply(LinearRelu{}, at, input, weight, bias);
  const Frame frame("linear_relu", at);
  return relu(linear(input, weight, bias, at), at);
}

Tensor linear_gelu(const Tensor& input, const Tensor& weight, const Tensor& bias,
                   Approximate approximate, Location at) {
  if (!fuses(input)) {
    const Frame frame("linear_gelu", at);
    return gelu(linear(input, weight, bias, at), approximate, at);
  }
  const auto needs = [](const Tensor& t) { return t.defined() && t.requires_grad(); };
  const bool keeps = grad_enabled() && (needs(input) || needs(weight) || needs(bias));
  return apply_multiple<2>(LinearGelu{approximate == Approximate::kTanh, keeps}, at, input, weight,
                           bias)[0];
}

Tensor linear_add(const Tensor& input, const Tensor& weight, const Tensor& bias,
                  const Tensor& other, Location at) {
  const Frame frame("linear_add", at);
  if (input.defined() && weight.defined() && other.defined() && fuses(input) && input.dim() > 0 &&
      weight.dim() == 2 && other.dtype() == input.dtype()) {
    Dims shape = input.shape();
    shape[shape.size() - 1] = weight.size(0);
    if (broadcasts_to(other.shape(), shape)) {
      const Tensor added = other.shape() == shape ? other : expand(other, shape, at);
      return apply(Linear{}, at, input, weight, bias, added);
    }
  }
  return add(linear(input, weight, bias, at), other, at);
}

namespace {
constinit const Row rows[] = {
    row<&matmul>(
        "matmul", args("input", "other"),
        "Matrix product over the last two dimensions, with broadcast batches; one-dimensional "
        "operands are a row on the left and a column on the right, and lose that dimension "
        "again.",
        {.precision = Precision::kLow}),
    row<&linear>("linear", args("input", "weight", "bias"_a = std::nullopt),
                 "input times the transposed weight [out, in], plus bias [out] if there is one.",
                 {.torch = "nn.functional.linear", .precision = Precision::kLow, .method = false}),
    row<&linear_relu>("linear_relu", args("input", "weight", "bias"_a = std::nullopt),
                      "relu of linear(input, weight, bias), in one op.",
                      {.torch = "",
                       .why_no_torch = "PyTorch has it in its compiler only",
                       .precision = Precision::kLow,
                       .method = false}),
    row<&linear_gelu>(
        "linear_gelu",
        args("input", "weight", "bias"_a = std::nullopt, "approximate"_a = Approximate::kNone),
        "gelu of linear(input, weight, bias), in one op.",
        {.torch = "",
         .why_no_torch = "PyTorch has it in its compiler only",
         .precision = Precision::kLow,
         .method = false}),
    row<&linear_add>("linear_add", args("input", "weight", "bias", "other"),
                     "linear(input, weight, bias) + other, in one op: a residual connection.",
                     {.torch = "",
                      .why_no_torch = "PyTorch has it as addmm, for matrices",
                      .precision = Precision::kLow,
                      .method = false}),
};
constinit OpInfo* const ops[] = {&op_info<Matmul>, &op_info<Linear>, &op_info<LinearRelu>,
                                 &op_info<LinearGelu>};
}  // namespace
extern const RowList rows_matmul;
constinit const RowList rows_matmul{rows, ops};

}  // namespace entasis
