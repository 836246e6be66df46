// Rules, gradients and rows of the losses. cross_entropy is one op and its gradient another; the
// other losses are a pointwise formula and a reduction.
#include <entasis/ops/loss.h>

#include <string>

#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/loss_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/softmax.h>

namespace entasis {

// ---- cross_entropy

namespace {

void check_cross_entropy(const CrossEntropy& op, const Operand& input, const Operand& target) {
  if (!is_floating_point(input.dtype())) {
    throw DtypeError(std::string("input must be floating-point, not ") + name_of(input.dtype()));
  }
  if (target.dtype() != kI64 && target.dtype() != kI32) {
    throw DtypeError(std::string("target must hold class indices, i64 or i32, not ") +
                     name_of(target.dtype()));
  }
  if (input.dim() == 0) throw ShapeError("input is 0-d: it needs a dimension of classes");
  Dims expected = input.shape();
  expected.erase(class_dim(input.dim()));
  if (!(target.shape() == expected)) {
    throw ShapeError("input of shape " + to_string(input.shape()) + " needs a target of shape " +
                     to_string(expected) + ", got " + to_string(target.shape()));
  }
  if (!(op.label_smoothing >= 0 && op.label_smoothing <= 1)) {
    throw ValueError("label_smoothing must be from 0 to 1, got " +
                     to_string(Number(op.label_smoothing)));
  }
}

}  // namespace

// Outputs: the loss, and for the gradient the maximum of each row and the logarithm of its sum of
// exp(x - maximum). The two apart, since their sum would lose what a large maximum hides.
template <>
struct Rule<CrossEntropy> {
  static std::array<Spec, 3> infer(const CrossEntropy& op, Inputs in) {
    check_cross_entropy(op, in[0], in[1]);
    const Dims& rows = in[1].shape();
    const DType compute = is_half(in[0].dtype()) ? kF32 : in[0].dtype();
    const Spec statistic = Spec::dense(compute, rows);
    return {Spec::dense(in[0].dtype(), op.reduction == Reduction::kNone ? rows : Dims()), statistic,
            statistic};
  }
  static constexpr uint32_t not_differentiable = 0b110;
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1) | saves_out(1) | saves_out(2)};
  static Grads vjp(const CrossEntropy& op, const Saved& saved, Grads gy) {
    return {apply(CrossEntropyBackward{op}, {}, gy[0], saved.in(0), saved.in(1), saved.out(1),
                  saved.out(2))};
  }
};

template <>
struct Rule<CrossEntropyBackward> {
  static Spec infer(const CrossEntropyBackward& op, Inputs in) {
    check_cross_entropy(op.forward, in[1], in[2]);
    return {in[1].dtype(), in[1].shape(), dense_strides_like(in[1].shape(), in[1].strides())};
  }
  static constexpr SaveMask saves[] = {saves_in(1) | saves_in(2),
                                       saves_in(0) | saves_in(1) | saves_in(2)};

  // gx = w (p - q) with p = softmax(x), q the target distribution, and a weight w for each row,
  // which is 0 for an ignored one. With h the gradient of gx:
  //   of w: the sum of h (p - q) along the classes;  of x: that of softmax, of w h.
  static Grads vjp(const CrossEntropyBackward& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(1);
    const int dim = class_dim(x.dim());
    const Tensor labels = unsqueeze(saved.in(2), dim);
    const Tensor counted = ne(labels, op.forward.ignore_index);
    const Tensor p = softmax(x, dim);
    const Tensor h = mul(gy[0], counted);
    return {saved.if_needed(0,
                            [&] {
                              const Tensor q =
                                  target_distribution(op.forward, labels, x.spec(), dim);
                              return reduced(op.forward.reduction, mul(h, sub(p, q)), counted, dim);
                            }),
            saved.if_needed(1, [&] {
              const Tensor hp = mul(mul(h, row_weight(op.forward, saved.in(0), counted, dim)), p);
              return sub(hp, mul(p, sum(hp, {dim}, true)));
            })};
  }

 private:
  static Tensor target_distribution(const CrossEntropy& op, const Tensor& labels, const Spec& input,
                                    int dim) {
    const int64_t classes = input.shape[dim];
    Dims column = Dims::filled(input.shape.size(), 1);
    column[dim] = classes;
    const Tensor hit = eq(labels, reshape(arange(classes, labels.device()), column));
    const Tensor one_hot = to(hit, input.dtype);
    if (op.label_smoothing == 0) return one_hot;
    return add(mul(one_hot, 1 - op.label_smoothing), op.label_smoothing / double(classes));
  }
  static Tensor row_weight(const CrossEntropy& op, const Tensor& gy, const Tensor& counted,
                           int dim) {
    if (op.reduction == Reduction::kNone) return unsqueeze(gy, dim);
    return op.reduction == Reduction::kSum ? gy : div(gy, clamp(sum(counted), 1));
  }
  static Tensor reduced(Reduction reduction, const Tensor& terms, const Tensor& counted, int dim) {
    if (reduction == Reduction::kNone) return sum(terms, {dim});
    return reduction == Reduction::kSum ? sum(terms) : div(sum(terms), sum(counted));
  }
};

Tensor cross_entropy(const Tensor& input, const Tensor& target, int64_t ignore_index,
                     Reduction reduction, double label_smoothing, Location at) {
  return apply_multiple<3>(CrossEntropy{ignore_index, reduction, label_smoothing}, at, input,
                           target)[0];
}

// ---- Pointwise losses

template <>
struct Rule<SquaredDifference> : PointwiseRule<SquaredDifference> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1)};
  static Grads vjp(const SquaredDifference&, const Saved& saved, Grads gy) {
    const Tensor gx = apply(SquaredDifferenceBackward{}, {}, gy[0], saved.in(0), saved.in(1));
    return {gx, saved.if_needed(1, [&] { return neg(gx); })};
  }
};

// 2 gy (x - t)
template <>
struct Rule<SquaredDifferenceBackward> : PointwiseRule<SquaredDifferenceBackward> {
  static constexpr SaveMask saves[] = {saves_in(1) | saves_in(2), saves_in(0)};
  static Grads vjp(const SquaredDifferenceBackward&, const Saved& saved, Grads gy) {
    const Tensor along_gy =
        saved.if_needed(0, [&] { return mul(gy[0], mul(sub(saved.in(1), saved.in(2)), 2)); });
    if (!saved.needs(1) && !saved.needs(2)) return {along_gy};
    const Tensor along_x = mul(gy[0], mul(saved.in(0), 2));
    return {along_gy, along_x, saved.if_needed(2, [&] { return neg(along_x); })};
  }
};

template <>
struct Rule<AbsoluteDifference> : PointwiseRule<AbsoluteDifference> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1)};
  static Grads vjp(const AbsoluteDifference&, const Saved& saved, Grads gy) {
    const Tensor gx = apply(AbsoluteDifferenceBackward{}, {}, gy[0], saved.in(0), saved.in(1));
    return {gx, saved.if_needed(1, [&] { return neg(gx); })};
  }
};

// A step: its own slope is 0.
template <>
struct Rule<AbsoluteDifferenceBackward> : PointwiseRule<AbsoluteDifferenceBackward> {
  static constexpr SaveMask saves[] = {saves_in(1) | saves_in(2), saves_nothing};
  static Grads vjp(const AbsoluteDifferenceBackward& op, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return apply(op, {}, gy[0], saved.in(1), saved.in(2)); })};
  }
};

template <>
struct Rule<SmoothL1> : PointwiseRule<SmoothL1> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1)};
  static Grads vjp(const SmoothL1&, const Saved& saved, Grads gy) {
    const Tensor gx =
        apply(SmoothL1Backward{}, {}, gy[0], saved.in(0), saved.in(1), saved.operand(2));
    return {gx, saved.if_needed(1, [&] { return neg(gx); })};
  }
};

// gy times the slope, which is (x - t) / beta within beta of t and ±1 elsewhere.
template <>
struct Rule<SmoothL1Backward> : PointwiseRule<SmoothL1Backward> {
  static constexpr SaveMask saves[] = {saves_in(1) | saves_in(2),
                                       saves_in(0) | saves_in(1) | saves_in(2)};
  static Grads vjp(const SmoothL1Backward& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(1), t = saved.in(2);
    const double beta = saved.node().edges[3].number.to_double();
    const Tensor along_gy = saved.if_needed(0, [&] { return apply(op, {}, gy[0], x, t, beta); });
    if (!saved.needs(1) && !saved.needs(2)) return {along_gy};
    const Tensor curved = mul(mul(gy[0], saved.in(0)), 1 / beta);
    const Tensor along_x = where(lt(abs(sub(x, t)), beta), curved, 0);
    return {along_gy, along_x, saved.if_needed(2, [&] { return neg(along_x); })};
  }
};

template <>
struct Rule<BinaryCrossEntropy> : PointwiseRule<BinaryCrossEntropy> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1), saves_in(0)};
  static Grads vjp(const BinaryCrossEntropy&, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    return {saved.if_needed(
                0, [&] { return apply(BinaryCrossEntropyBackward{}, {}, gy[0], x, saved.in(1)); }),
            saved.if_needed(
                1, [&] { return apply(BinaryCrossEntropyTargetBackward{}, {}, gy[0], x); })};
  }
};

// gy (x - t) / v with v = max(x (1 - x), 1e-12)
template <>
struct Rule<BinaryCrossEntropyBackward> : PointwiseRule<BinaryCrossEntropyBackward> {
  static constexpr SaveMask saves[] = {saves_in(1) | saves_in(2),
                                       saves_in(0) | saves_in(1) | saves_in(2),
                                       saves_in(0) | saves_in(1)};
  static Grads vjp(const BinaryCrossEntropyBackward&, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(1), h = gy[0];
    const Tensor product = mul(x, sub(1, x));
    const Tensor v = clamp(product, 1e-12);
    return {saved.if_needed(0, [&] { return mul(h, div(sub(x, saved.in(2)), v)); }),
            saved.if_needed(1,
                            [&] {
                              const Tensor slope = div(sub(x, saved.in(2)), v);
                              const Tensor v_slope = mul(sub(1, mul(x, 2)), gt(product, 1e-12));
                              const Tensor along_x = div(sub(1, mul(slope, v_slope)), v);
                              return mul(mul(h, saved.in(0)), along_x);
                            }),
            saved.if_needed(2, [&] { return neg(div(mul(h, saved.in(0)), v)); })};
  }
};

// gy (log(1 - x) - log(x)), logarithms clamped
template <>
struct Rule<BinaryCrossEntropyTargetBackward> : PointwiseRule<BinaryCrossEntropyTargetBackward> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0) | saves_in(1)};
  static Grads vjp(const BinaryCrossEntropyTargetBackward& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(1);
    return {saved.if_needed(0, [&] { return apply(op, {}, gy[0], x); }), saved.if_needed(1, [&] {
              return neg(div(mul(gy[0], saved.in(0)), clamp(mul(x, sub(1, x)), 1e-12)));
            })};
  }
};

namespace {

Tensor reduce_loss(const Tensor& losses, Reduction reduction, Location at) {
  if (reduction == Reduction::kNone) return losses;
  return reduction == Reduction::kSum ? sum(losses, {}, false, {}, at)
                                      : mean(losses, {}, false, {}, at);
}

void check_floats(const Tensor& input, const Tensor& target) {
  if (!input.defined() || !target.defined()) return;  // apply() says which
  for (const Tensor& t : {input, target}) {
    if (!is_floating_point(t.dtype())) {
      throw DtypeError(std::string("input and target must be floating-point, not ") +
                       name_of(t.dtype()));
    }
  }
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction, Location at) {
  const Frame frame("mse_loss", at);
  placed("mse_loss", at, [&] { check_floats(input, target); });
  return reduce_loss(apply(SquaredDifference{}, at, input, target), reduction, at);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction, Location at) {
  const Frame frame("l1_loss", at);
  placed("l1_loss", at, [&] { check_floats(input, target); });
  return reduce_loss(apply(AbsoluteDifference{}, at, input, target), reduction, at);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, Reduction reduction, double beta,
                      Location at) {
  const Frame frame("smooth_l1_loss", at);
  placed("smooth_l1_loss", at, [&] {
    check_floats(input, target);
    if (!(beta >= 0)) throw ValueError("beta must be at least 0, got " + to_string(Number(beta)));
  });
  const Tensor losses = beta == 0 ? apply(AbsoluteDifference{}, at, input, target)
                                  : apply(SmoothL1{}, at, input, target, beta);
  return reduce_loss(losses, reduction, at);
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, Reduction reduction,
                            Location at) {
  const Frame frame("binary_cross_entropy", at);
  placed("binary_cross_entropy", at, [&] {
    check_floats(input, target);
    if (input.defined() && target.defined() && !(input.shape() == target.shape())) {
      throw ShapeError("input and target differ: " + to_string(input.shape()) + " and " +
                       to_string(target.shape()));
    }
  });
  return reduce_loss(apply(BinaryCrossEntropy{}, at, input, target), reduction, at);
}

template <>
struct EnumNames<Reduction> {
  static constexpr const char* names[] = {"mean", "sum", "none"};
};

namespace {

constinit const Row rows[] = {
    row<&cross_entropy>(
        "cross_entropy",
        args("input", "target", "ignore_index"_a = -100, "reduction"_a = Reduction::kMean,
             "label_smoothing"_a = 0.0),
        "-log softmax(input)[target] over the classes in dimension 1 (0 for a 1-d input), for "
        "class "
        "indices `target` of input's shape without that dimension. Targets equal to `ignore_index` "
        "count neither in the sum nor in the mean. `label_smoothing` e mixes the target with the "
        "uniform distribution: (1 - e) one-hot + e / C.",
        RowOptions{.torch = "nn.functional.cross_entropy",
                   .precision = Precision::kFloat32,
                   .method = false}),
    row<&mse_loss>(
        "mse_loss", args("input", "target", "reduction"_a = Reduction::kMean),
        "The squared difference of input and target: its mean, sum, or each element's.",
        RowOptions{
            .torch = "nn.functional.mse_loss", .precision = Precision::kFloat32, .method = false}),
    row<&l1_loss>(
        "l1_loss", args("input", "target", "reduction"_a = Reduction::kMean),
        "The absolute difference of input and target: its mean, sum, or each element's.",
        RowOptions{
            .torch = "nn.functional.l1_loss", .precision = Precision::kFloat32, .method = false}),
    row<&smooth_l1_loss>(
        "smooth_l1_loss", args("input", "target", "reduction"_a = Reduction::kMean, "beta"_a = 1.0),
        "|d| - beta/2 with d = input - target, and d^2 / (2 beta) where |d| < beta: its mean, sum, "
        "or each element's. beta = 0 is l1_loss; a negative beta raises ValueError.",
        RowOptions{.torch = "nn.functional.smooth_l1_loss",
                   .precision = Precision::kFloat32,
                   .method = false}),
    row<&binary_cross_entropy>("binary_cross_entropy",
                               args("input", "target", "reduction"_a = Reduction::kMean),
                               "-(t log p + (1 - t) log(1 - p)) for probabilities p = input and "
                               "targets t of the same shape; "
                               "its mean, sum, or each element's. Logarithms are clamped at -100.",
                               RowOptions{.torch = "nn.functional.binary_cross_entropy",
                                          .precision = Precision::kFloat32,
                                          .method = false}),
};
constinit const auto ops = infos_of(OpList<CrossEntropy, CrossEntropyBackward>() + LossOps());

}  // namespace

extern const RowList rows_loss;
constinit const RowList rows_loss{rows, ops};

}  // namespace entasis
