// The rare checks of pointwise rules: integer and bool results only.
#include <entasis/ops/pointwise_internal.h>

#include <limits>

namespace entasis {
namespace {

struct IntegerRange {
  int64_t lowest;
  uint64_t highest;
};

IntegerRange range_of(DType dtype) {
  return dispatch_dtype(dtype, [](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      return IntegerRange{int64_t(std::numeric_limits<T>::lowest()),
                          uint64_t(std::numeric_limits<T>::max())};
    } else {
      return IntegerRange{0, 0};
    }
  });
}

[[noreturn]] void throw_unfit(const std::string& number, DType dtype) {
  throw ValueError("the number " + number + " does not fit into " + name_of(dtype));
}

// Adding -1 to an unsigned number subtracts 1, as in PyTorch; comparing with it makes no sense.
void check_fits(int64_t value, DType dtype, bool modular) {
  const IntegerRange range = range_of(dtype);
  const bool fits = value >= 0                     ? uint64_t(value) <= range.highest
                    : modular && range.lowest == 0 ? uint64_t(-(value + 1)) < range.highest
                                                   : value >= range.lowest;
  if (!fits) throw_unfit(std::to_string(value), dtype);
}

}  // namespace

void check_fill(const Number& number, DType dtype) {
  if (!is_integer(dtype)) return;
  if (!number.is_floating()) return check_fits(number.to_int(), dtype, true);
  const IntegerRange range = range_of(dtype);
  const double value = number.to_double();
  const bool fits = value >= double(range.lowest) && value <= double(range.highest);
  if (!fits) throw_unfit(to_string(number), dtype);  // NaN among them
}

void check_pointwise(const PointwiseTraits& traits, DType computed, Inputs in) {
  if (is_floating_point(computed)) {
    if (traits.takes_float) return;
    throw DtypeError(std::string("not defined for ") + name_of(computed));
  }
  if (computed == kBool && !traits.takes_bool) throw DtypeError("not defined for bool");
  if (computed == kU64 && traits.orders) throw DtypeError("not implemented for u64");
  for (const Operand& operand : in.last(size_t(traits.parameters))) {
    if (!operand.is_number() || !operand.number().is_floating()) continue;
    throw DtypeError("the number " + to_string(operand.number()) + " scales operands of " +
                     name_of(computed));
  }
  if (!is_integer(computed)) return;
  for (const Operand& operand : in.subspan(size_t(traits.first_value))) {
    if (operand.is_number()) check_fits(operand.number().to_int(), computed, traits.modular);
  }
}

}  // namespace entasis
