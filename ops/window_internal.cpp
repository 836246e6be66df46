#include <entasis/ops/window_internal.h>

#include <string>

#include <entasis/core/tensor.h>

namespace entasis {

Dims pair_of(const char* op, const char* what, const Dims& given, int64_t least, Location at) {
  const std::string argument = std::string(op) + ": " + what;
  if (given.size() != 1 && given.size() != 2) {
    throw ValueError(argument + " needs one entry or two, it is " + to_string(given), at);
  }
  for (int64_t v : given) {
    if (v < least) {
      throw ValueError(
          argument + " must be at least " + std::to_string(least) + ", it is " + to_string(given),
          at);
    }
  }
  return {given[0], given[given.size() - 1]};
}

bool prefers_channels_last(const Operand& t) {
  return t.is_tensor() && t.tensor().is_channels_last() && !t.tensor().is_contiguous();
}

Spec image_spec(DType dtype, const Dims& shape, bool channels_last) {
  return {dtype, shape, channels_last ? channels_last_strides(shape) : contiguous_strides(shape)};
}

void check_floating_point(const Operand& input) {
  if (!is_floating_point(input.dtype())) {
    throw DtypeError(std::string("needs a floating-point dtype, input is ") +
                     name_of(input.dtype()));
  }
}

}  // namespace entasis
