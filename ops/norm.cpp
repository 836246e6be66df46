// Rules, gradients and rows of the normalisations.
//
// Forward and backward are fused ops. The gradient of a backward op comes from its composed form:
// the same formulas in public ops, differentiated by the engine.
#include <entasis/ops/norm.h>

#include <string>
#include <utility>

#include <entasis/core/autograd.h>
#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/norm_internal.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/window_internal.h>

namespace entasis {
namespace {

void check_float(const char* what, const Operand& t) {
  if (!is_floating_point(t.dtype())) {
    throw DtypeError(std::string(what) + " must be floating-point, not " + name_of(t.dtype()));
  }
}

// An optional operand of a given shape.
void check_parameter(const char* what, const Operand& t, const Dims& shape, const Operand& input) {
  if (!t.is_tensor()) return;
  check_float(what, t);
  if (!(t.shape() == shape)) {
    throw ShapeError(std::string(what) + " has shape " + to_string(t.shape()) +
                     ", input of shape " + to_string(input.shape()) + " needs " + to_string(shape));
  }
}

DType statistics_dtype(DType input) { return is_half(input) ? kF32 : input; }

Spec wanted_spec(bool wanted, const Spec& spec) {
  return wanted ? spec : Spec::dense(spec.dtype, {0});
}

// A gradient that was not asked for has no elements.
Tensor if_wanted(bool wanted, const Tensor& t) { return wanted ? t : Tensor(); }

// ---- The composed form of the backward ops

struct Composed {
  Dims statistics;  // the dimensions that are averaged
  Dims affine;      // the shape in which weight broadcasts to the input
  Dims weight_shape;
  double eps = 0;
  Tensor mean, rstd;  // constants; if undefined they are those of x

  // The gradients of input, weight and bias. `weight` may be undefined.
  Tensors gradients(const Tensor& gy, const Tensor& x, const Tensor& weight) const {
    const bool constant = mean.defined();
    const Tensor centred = sub(x, constant ? mean : average(x));
    const Tensor scale = constant ? rstd : div(1, sqrt(add(average(mul(centred, centred)), eps)));
    const Tensor normal = mul(centred, scale);
    const Tensor g = weight.defined() ? mul(gy, reshape(weight, affine)) : gy;
    Tensor along = g;
    if (!constant) along = sub(sub(g, average(g)), mul(normal, average(mul(g, normal))));
    return {mul(along, scale), reshape(sum_to(mul(gy, normal), affine), weight_shape),
            reshape(sum_to(gy, affine), weight_shape)};
  }

 private:
  Tensor average(const Tensor& t) const { return entasis::mean(t, statistics, true); }
};

// The vjp of a backward op, whose inputs 0 to 2 are gy, input and weight: the composed form is run
// on views of them, so that their own histories take no part, and differentiated. Where this is
// itself recorded the results are too, and can be differentiated to any order.
Grads differentiate(const Composed& composed, const Saved& saved, const Grads& gy) {
  const bool recorded = grad_enabled();
  const EnableGrad on;
  Tensor inputs[3];
  Tensors leaves;
  for (int i = 0; i < 3; ++i) {
    if (!saved.was_given(i)) continue;
    const Tensor t = saved.in(i);
    inputs[i] = recorded ? expand(t, t.shape()) : t.detach();
    if (!saved.needs(i)) continue;
    if (!recorded) inputs[i].requires_grad_();
    leaves.push_back(inputs[i]);
  }
  const Tensors results = composed.gradients(inputs[0], inputs[1], inputs[2]);
  Tensors outputs;
  GradOptions options;
  options.create_graph = recorded;
  options.allow_unused = true;
  for (int k = 0; k < 3; ++k) {
    if (!gy[k].defined() || !results[size_t(k)].requires_grad()) continue;
    outputs.push_back(results[size_t(k)]);
    options.grad_outputs.push_back(gy[k]);
  }
  Grads gradients = {Tensor(), Tensor(), Tensor()};
  if (outputs.empty()) return gradients;
  Tensors found = grad(outputs, leaves, options, saved.node().at);
  size_t next = 0;
  for (int i = 0; i < 3; ++i) {
    if (saved.was_given(i) && saved.needs(i)) gradients[i] = std::move(found[next++]);
  }
  return gradients;
}

constexpr SaveMask kSavesAllInputs =
    saves_in(0) | saves_in(1) | saves_in(2) | saves_in(3) | saves_in(4);

// Of the gradients of input, weight and bias. Those of the parameters are in the weight's dtype.
std::array<Spec, 3> backward_specs(const NormGradients& wanted, Inputs in, const Dims& weight) {
  const Operand& x = in[1];
  const DType dtype = in[2].is_tensor() ? in[2].dtype() : x.dtype();
  const Spec parameter = Spec::dense(dtype, weight);
  const Spec input = {x.dtype(), x.shape(), dense_strides_like(x.shape(), x.strides())};
  return {wanted_spec(wanted.input, input), wanted_spec(wanted.weight, parameter),
          wanted_spec(wanted.bias, parameter)};
}

}  // namespace

// ---- layer_norm

template <>
struct Rule<LayerNorm> {
  static std::array<Spec, 3> infer(const LayerNorm& op, Inputs in) {
    const Operand& x = in[0];
    const Dims& shape = op.normalized_shape;
    check_float("input", x);
    const int lead = x.dim() - shape.size();
    bool fits = lead >= 0 && !shape.empty();
    for (int i = 0; fits && i < shape.size(); ++i) fits = x.size(lead + i) == shape[i];
    if (!fits) {
      throw ShapeError("normalized_shape " + to_string(shape) +
                       " must be the last sizes of input's " + "shape " + to_string(x.shape()));
    }
    check_parameter("weight", in[1], shape, x);
    check_parameter("bias", in[2], shape, x);
    Dims rows = x.shape();
    rows.resize(lead);
    const Spec statistic = Spec::dense(statistics_dtype(x.dtype()), rows);
    return {Spec::dense(x.dtype(), x.shape()), statistic, statistic};
  }
  static constexpr uint32_t optional_inputs = 0b110;
  static constexpr uint32_t not_differentiable = 0b110;
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1) | saves_out(1) | saves_out(2)};
  static Grads vjp(const LayerNorm& op, const Saved& saved, Grads gy) {
    const NormGradients wanted = {saved.needs(0), saved.needs(1), saved.needs(2)};
    const auto [x, weight, bias] =
        apply_multiple<3>(LayerNormBackward{op, wanted}, {}, gy[0], saved.in(0),
                          saved.in_if_given(1), saved.out(1), saved.out(2));
    return {if_wanted(wanted.input, x), if_wanted(wanted.weight, weight),
            if_wanted(wanted.bias, bias)};
  }
};

template <>
struct Rule<LayerNormBackward> {
  static std::array<Spec, 3> infer(const LayerNormBackward& op, Inputs in) {
    return backward_specs(op.wanted, in, op.forward.normalized_shape);
  }
  static constexpr uint32_t optional_inputs = 0b100;
  static constexpr SaveMask saves[] = {kSavesAllInputs};
  static Grads vjp(const LayerNormBackward& op, const Saved& saved, Grads gy) {
    const Dims& shape = op.forward.normalized_shape;
    const int rank = saved.shape(1).size();
    Composed composed;
    composed.affine = Dims::filled(rank - shape.size(), 1);
    for (int i = 0; i < shape.size(); ++i) {
      composed.affine.push_back(shape[i]);
      composed.statistics.push_back(rank - shape.size() + i);
    }
    composed.weight_shape = shape;
    composed.eps = op.forward.eps;
    return differentiate(composed, saved, gy);
  }
};

Tensor layer_norm(const Tensor& input, const Dims& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps, Location at) {
  return apply_multiple<3>(LayerNorm{normalized_shape, eps}, at, input, weight, bias)[0];
}

// ---- batch_norm

template <>
struct Rule<BatchNorm> {
  static std::array<Spec, 3> infer(const BatchNorm& op, Inputs in) {
    const Operand& x = in[0];
    check_float("input", x);
    if (x.dim() < 2) {
      throw ShapeError("input needs the dimensions [N, C, ...], its shape is " +
                       to_string(x.shape()));
    }
    const int64_t channels = x.size(1);
    constexpr const char* names[] = {"input", "running_mean", "running_var", "weight", "bias"};
    for (int i = 1; i < 5; ++i) check_parameter(names[i], in[size_t(i)], {channels}, x);
    if (op.training) {
      // An input without elements has no statistics and changes none.
      if (x.numel() == channels && channels > 0) {
        throw ValueError("training needs more than one value per channel, input has shape " +
                         to_string(x.shape()));
      }
    } else if (!in[1].is_tensor() || !in[2].is_tensor()) {
      throw ValueError("running_mean and running_var must be given unless training");
    }
    const Spec statistic = Spec::dense(statistics_dtype(x.dtype()), {channels});
    return {image_spec(x.dtype(), x.shape(), prefers_channels_last(x)), statistic, statistic};
  }
  static bool mutates(const BatchNorm& op, int input, int) {
    return op.training && (input == 1 || input == 2);
  }
  static constexpr uint32_t optional_inputs = 0b11110;
  static constexpr uint32_t not_differentiable = 0b110;
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(3) | saves_out(1) | saves_out(2)};
  static Grads vjp(const BatchNorm& op, const Saved& saved, Grads gy) {
    const NormGradients wanted = {saved.needs(0), saved.needs(3), saved.needs(4)};
    const auto [x, weight, bias] =
        apply_multiple<3>(BatchNormBackward{op, wanted}, {}, gy[0], saved.in(0),
                          saved.in_if_given(3), saved.out(1), saved.out(2));
    return {if_wanted(wanted.input, x), Tensor(), Tensor(), if_wanted(wanted.weight, weight),
            if_wanted(wanted.bias, bias)};
  }
};

template <>
struct Rule<BatchNormBackward> {
  static std::array<Spec, 3> infer(const BatchNormBackward& op, Inputs in) {
    return backward_specs(op.wanted, in, {in[1].size(1)});
  }
  static constexpr uint32_t optional_inputs = 0b100;
  static constexpr SaveMask saves[] = {kSavesAllInputs};
  static Grads vjp(const BatchNormBackward& op, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(1);
    Composed composed;
    composed.affine = Dims::filled(shape.size(), 1);
    composed.affine[1] = shape[1];
    composed.weight_shape = {shape[1]};
    composed.eps = op.forward.eps;
    for (int i = 0; i < shape.size(); ++i) {
      if (i != 1) composed.statistics.push_back(i);
    }
    if (!op.forward.training) {
      composed.mean = reshape(saved.in(3).detach(), composed.affine);
      composed.rstd = reshape(saved.in(4).detach(), composed.affine);
    }
    return differentiate(composed, saved, gy);
  }
};

Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum,
                  double eps, Location at) {
  return apply_multiple<3>(BatchNorm{training, momentum, eps}, at, input, running_mean, running_var,
                           weight, bias)[0];
}

BatchNormResult batch_norm_stateless(const Tensor& input, const Tensor& running_mean,
                                     const Tensor& running_var, const Tensor& weight,
                                     const Tensor& bias, double momentum, double eps, Location at) {
  const Frame frame("batch_norm_stateless", at);
  const auto copy = [at](const Tensor& t) {
    const NoGrad unrecorded;
    return t.defined() ? clone(t, at) : t;
  };
  const Tensor new_mean = copy(running_mean), new_var = copy(running_var);
  const Tensor output = batch_norm(input, new_mean, new_var, weight, bias, true, momentum, eps, at);
  return {output, new_mean, new_var};
}

namespace {

constinit const Row rows[] = {
    row<&layer_norm>(
        "layer_norm",
        args("input", "normalized_shape", "weight"_a = std::nullopt, "bias"_a = std::nullopt,
             "eps"_a = 1e-5),
        "(x - mean) / sqrt(var + eps) * weight + bias with mean and biased variance over "
        "the last dimensions, whose sizes are `normalized_shape`.",
        RowOptions{.torch = "nn.functional.layer_norm",
                   .precision = Precision::kFloat32,
                   .method = false}),
    row<&batch_norm>(
        "batch_norm",
        args("input", "running_mean"_a = std::nullopt, "running_var"_a = std::nullopt,
             "weight"_a = std::nullopt, "bias"_a = std::nullopt, "training"_a = false,
             "momentum"_a = 0.1, "eps"_a = 1e-5),
        "(x - mean) / sqrt(var + eps) * weight + bias of each channel (dimension 1). In training "
        "the "
        "statistics are those of the batch, and running_mean and running_var, if given, move "
        "towards "
        "them in place by `momentum` (the variance unbiased); otherwise they are the running ones.",
        RowOptions{.torch = "nn.functional.batch_norm",
                   .precision = Precision::kFloat32,
                   .method = false}),
    row<&batch_norm_stateless>(
        "batch_norm_stateless",
        args("input", "running_mean"_a = std::nullopt, "running_var"_a = std::nullopt,
             "weight"_a = std::nullopt, "bias"_a = std::nullopt, "momentum"_a = 0.1,
             "eps"_a = 1e-5),
        "batch_norm in training that writes nothing: the new running statistics are results.",
        RowOptions{.torch = "",
                   .why_no_torch = "PyTorch's batch_norm updates the running statistics in place",
                   .precision = Precision::kFloat32,
                   .method = false,
                   .results = "output running_mean running_var"}),
};
constinit OpInfo* const ops[] = {&op_info<LayerNorm>, &op_info<LayerNormBackward>,
                                 &op_info<BatchNorm>, &op_info<BatchNormBackward>};

}  // namespace

extern const RowList rows_norm;
constinit const RowList rows_norm{rows, ops};

}  // namespace entasis
