// Dropout: its random mask is an output of the op, and what the gradient keeps.
#include <entasis/ops/dropout.h>

#include <entasis/core/row.h>
#include <entasis/ops/dropout_internal.h>
#include <entasis/ops/placed_internal.h>

namespace entasis {
namespace {

void check_probability(double p) {
  if (!(p >= 0 && p <= 1)) {
    throw ValueError("p must be from 0 to 1, it is " + to_string(Number(p)));
  }
}

void check_floating(const Operand& in) {
  if (!is_floating_point(in.dtype())) {
    throw DtypeError(std::string("needs a floating-point input, it is ") + name_of(in.dtype()));
  }
}

}  // namespace

template <>
struct Rule<NativeDropout> {
  static constexpr SaveMask saves[] = {saves_out(1)};
  static constexpr uint32_t not_differentiable = 0b10;
  static std::array<Spec, 2> infer(const NativeDropout& op, Inputs in) {
    check_probability(op.p);
    check_floating(in[0]);
    const Spec output = pointwise_spec(in[0].dtype(), in);
    return {output, Spec{kBool, output.shape, output.strides}};
  }
  // One word an element, whatever its dtype: the mask is the same for all of them.
  static int64_t random_words(const NativeDropout&, Outputs out) { return out[0].numel(); }
  static Grads vjp(const NativeDropout& op, const Saved& saved, Grads gy) {
    if (!gy[0].defined()) return {};
    return {apply(DropoutBackward{op.p}, {}, gy[0], saved.out(1))};
  }
};

template <>
struct Rule<DropoutBackward> {
  static constexpr OpFlags flags = kPointwise;
  static constexpr SaveMask saves[] = {saves_in(1)};
  static Spec infer(const DropoutBackward&, Inputs in) { return pointwise_spec(in[0].dtype(), in); }
  static Grads vjp(const DropoutBackward& op, const Saved& saved, Grads gy) {
    return {apply(DropoutBackward{op.p}, {}, gy[0], saved.in(1))};
  }
};

DropoutResult native_dropout(const Tensor& input, double p, Location at) {
  auto [output, mask] = apply_multiple<2>(NativeDropout{p}, at, input);
  return {output, mask};
}

Tensor dropout(const Tensor& input, double p, bool training, Location at) {
  if (!training || p == 0) {
    placed("dropout", at, [&] { check_probability(p); });
    return input;
  }
  const Frame frame("dropout", at);
  return native_dropout(input, p, at).output;
}

namespace {
constinit const Row rows[] = {
    row<&dropout>("dropout", args("input", "p"_a = 0.5, "training"_a = true),
                  "Zeroes elements with probability p and multiplies the others by 1 / (1 - p) "
                  "(Srivastava et al. 2014). Input itself unless training.",
                  {.torch = "nn.functional.dropout", .method = false}),
    row<&native_dropout>(
        "native_dropout", args("input", "p"_a = 0.5),
        "Dropout with its mask, a bool tensor that holds where elements were kept.",
        {.torch = "",
         .why_no_torch = "torch.native_dropout takes a third argument, train",
         .method = false,
         .results = "output mask"}),
};
constinit OpInfo* const ops[] = {&op_info<NativeDropout>, &op_info<DropoutBackward>};
}  // namespace
extern const RowList rows_dropout;
constinit const RowList rows_dropout{rows, ops};

}  // namespace entasis
