// Rules of functions of one tensor. Operands after the first are parameters: numbers, which have no
// gradients. Gradients are fused, one pass over the output's gradient and the input or the output
// (BackwardOf<Op>); the gradient of such a backward op comes from the same formula on dual numbers
// of tensors, hence in public ops, which can be differentiated again and again.
#pragma once

#include <utility>

#include <entasis/ops/arithmetic.h>
#include <entasis/ops/composed_internal.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis {

// Input i of an op, which is a number.
inline Number parameter(const Saved& saved, int i) { return saved.node().edges[i].number; }

// ---- Backward ops: inputs are the output's gradient, the forward's input or output, parameters.

template <class Op>
struct Rule<BackwardOf<Op>> : PointwiseRule<BackwardOf<Op>> {
  using Backward = BackwardOf<Op>;
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0) | saves_in(1), saves_nothing};
  static Grads vjp(const Backward& op, const Saved& saved, Grads gy) {
    constexpr auto parameters = std::make_index_sequence<Backward::traits.arity - 2>();
    return {saved.if_needed(0, [&] { return along_gradient(op, saved, gy[0], parameters); }),
            saved.if_needed(1, [&] { return mul(gy[0], along_value(saved, parameters)); })};
  }

 private:
  template <size_t... k>
  static Tensor along_gradient(const Backward& op, const Saved& saved, const Tensor& gy,
                               std::index_sequence<k...>) {
    return apply(op, {}, gy, saved.in(1), parameter(saved, 2 + int(k))...);
  }
  template <size_t... k>
  static composed::Value along_value(const Saved& saved, std::index_sequence<k...>) {
    using composed::Value;
    using D = composed::Dual<Value>;
    return composed::FormulaOf<Backward>::of(D(Value(saved.in(0))), D(Value(saved.in(1)), Value(1)),
                                             D(parameter(saved, 2 + int(k)).to_double())...)
        .d;
  }
};

// The slope of pieces of straight lines is a step: its own slope is 0.
template <class Op>
  requires(Op::traits.straight)
struct Rule<BackwardOf<Op>> : PointwiseRule<BackwardOf<Op>> {
  using Backward = BackwardOf<Op>;
  static constexpr SaveMask saves[] = {saves_in(1), saves_nothing};
  static Grads vjp(const Backward& op, const Saved& saved, Grads gy) {
    constexpr auto parameters = std::make_index_sequence<Backward::traits.arity - 2>();
    return {saved.if_needed(0, [&] { return along_gradient(op, saved, gy[0], parameters); })};
  }

 private:
  template <size_t... k>
  static Tensor along_gradient(const Backward& op, const Saved& saved, const Tensor& gy,
                               std::index_sequence<k...>) {
    return apply(op, {}, gy, saved.in(1), parameter(saved, 2 + int(k))...);
  }
};

// ---- Forward ops

namespace internal {
template <class Op, size_t... k>
Tensor apply_backward(const Saved& saved, const Tensor& gy, const Tensor& v,
                      std::index_sequence<k...>) {
  return apply(BackwardOf<Op>{}, {}, gy, v, parameter(saved, 1 + int(k))...);
}
}  // namespace internal

// The slope by the input, or by the output, which the next op often keeps anyway and which is all
// there is in place. `As` is the op whose backward op serves.
template <class Op, class As = Op>
struct FromInputRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    return {internal::apply_backward<As>(saved, gy[0], saved.in(0),
                                         std::make_index_sequence<Op::traits.arity - 1>())};
  }
};
template <class Op, class As = Op>
struct FromOutputRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_out(0)};
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    return {internal::apply_backward<As>(saved, gy[0], saved.out(0),
                                         std::make_index_sequence<Op::traits.arity - 1>())};
  }
};
// Steps: the gradient is 0 everywhere, as in PyTorch.
template <class Op>
struct StepRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Op&, const Saved&, Grads gy) { return {zeros_like(gy[0])}; }
};

// Of a public function's in-place form.
template <class Op, class... Parameters>
Tensor in_place(const Op& op, Location at, const Tensor& input, const Parameters&... parameters) {
  apply_in_place(op, at, input, parameters...);
  return input;
}

}  // namespace entasis
