// Logic of truth values and of bits.
#include "families.h"

namespace entasis::matrix {
namespace {

using Whole = unsigned __int128;

int width_of(DType dtype) {
  int bits = 0;
  while (wrapped(dtype, Whole(1) << bits) != 0) ++bits;
  return bits;
}

Real shifted_left(DType dtype, Real a, Real b) {
  if (b < 0 || b >= width_of(dtype)) return 0;
  return wrapped(dtype, static_cast<Whole>(static_cast<__int128>(a)) << int(b));
}
Real shifted_right(DType dtype, Real a, Real b) {
  const int out = width_of(dtype) - (is_signed_integer(dtype) ? 1 : 0);
  const int distance = b < 0 || b > out ? out : int(b);
  return std::floor(a / std::ldexp(Real(1), distance));
}

void logical(Samples& samples, const char* row, bool (*f)(bool, bool)) {
  const Binary b{.f = [f](Real x, Real y) -> Real { return f(x != 0, y != 0); },
                 .gives = Binary::Gives::kBool,
                 .low = -1.5,
                 .high = 1.5,
                 .other_low = -1.5,
                 .other_high = 1.5};
  binary(samples, row, b);
  binary_in_place(samples, std::string(row) + "_", b);
}

void bitwise(Samples& samples, const char* row, Whole (*f)(Whole, Whole),
             bool (*of_bool)(bool, bool)) {
  const Binary b{.f = [of_bool](Real x, Real y) -> Real { return of_bool(x != 0, y != 0); },
                 .whole = f,
                 .takes_float = false,
                 .low = -100,
                 .high = 100,
                 .other_low = -100,
                 .other_high = 100};
  binary(samples, row, b);
  binary_in_place(samples, std::string(row) + "_", b);
}

void shift(Samples& samples, const std::string& row, TypedBinary f) {
  const Binary b{.f = nullptr,
                 .takes_bool = false,
                 .takes_float = false,
                 .orders = true,
                 .low = -100,
                 .high = 100,
                 .other_low = -3,
                 .other_high = 70};
  for (const std::string& name : {row, row + "_"}) {
    Sample& s = name.ends_with('_') ? binary_in_place(samples, name, b) : binary(samples, name, b);
    typed_reference(s, b, f);
    s.bad<DtypeError>("bool", zeros_of(kBool, {2}), zeros_of(kBool, {2}));
  }
}

}  // namespace

void samples_logic(Samples& samples) {
  logical(samples, "logical_and", [](bool a, bool b) { return a && b; });
  logical(samples, "logical_or", [](bool a, bool b) { return a || b; });
  logical(samples, "logical_xor", [](bool a, bool b) { return a != b; });
  bitwise(
      samples, "bitwise_and", [](Whole a, Whole b) { return a & b; },
      [](bool a, bool b) { return a && b; });
  bitwise(
      samples, "bitwise_or", [](Whole a, Whole b) { return a | b; },
      [](bool a, bool b) { return a || b; });
  bitwise(
      samples, "bitwise_xor", [](Whole a, Whole b) { return a ^ b; },
      [](bool a, bool b) { return a != b; });
  shift(samples, "bitwise_left_shift", &shifted_left);
  shift(samples, "bitwise_right_shift", &shifted_right);
}

}  // namespace entasis::matrix
