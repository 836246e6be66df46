// Division with a whole quotient, and divisors.
#include "families.h"

namespace entasis::matrix {
namespace {

using Whole = unsigned __int128;

__int128 signed_of(Whole value) { return static_cast<__int128>(value); }

__int128 floor_quotient(__int128 a, __int128 b) {
  const __int128 q = a / b;
  return a % b != 0 && (a % b < 0) != (b < 0) ? q - 1 : q;
}

// Exact but for the rounding of the quotient.
Real floor_quotient(Real a, Real b) {
  if (b == 0) return a / b;
  const Real rest = std::fmod(a, b);
  Real q = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) q -= 1;
  return q == 0 ? std::copysign(Real(0), a / b) : q;
}
Real remainder_of(Real a, Real b) {
  const Real rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

__int128 gcd_of(__int128 a, __int128 b) {
  a = a < 0 ? -a : a;
  b = b < 0 ? -b : b;
  while (b != 0) {
    const __int128 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

const Binary kFloorDivide{
    .f = [](Real a, Real b) { return floor_quotient(a, b); },
    .whole = [](Whole a, Whole b) { return Whole(floor_quotient(signed_of(a), signed_of(b))); },
    .takes_bool = false,
    .orders = true,
    .divides = true,
    .other_low = 0.5,
    .ulps = 2};
const Binary kRemainder{.f = &remainder_of,
                        .whole =
                            [](Whole a, Whole b) {
                              const __int128 x = signed_of(a), y = signed_of(b);
                              return Whole(x - floor_quotient(x, y) * y);
                            },
                        .takes_bool = false,
                        .orders = true,
                        .divides = true,
                        .other_low = 0.5,
                        .ulps = 1};
const Binary kFmod{.f = [](Real a, Real b) { return std::fmod(a, b); },
                   .whole = [](Whole a, Whole b) { return Whole(signed_of(a) % signed_of(b)); },
                   .takes_bool = false,
                   .orders = true,
                   .divides = true,
                   .other_low = 0.5,
                   .ulps = 0};

void division(Samples& samples, const std::string& row, const Binary& b) {
  const bool in_place = row.ends_with('_');
  Sample& s = in_place ? binary_in_place(samples, row, b) : binary(samples, row, b);
  s.bad<ValueError>("divided by 0", zeros_of(kI32, {2}), 0);
  for (DType dtype : {kI8, kI32, kI64, kU8}) {
    s.bad<ValueError>("divided by 0", zeros_of(dtype, {2}), zeros_of(dtype, {2}));
  }
  s.bad<ValueError>("divided by 0", zeros_of(kI64, {500, 3}), zeros_of(kI64, {3}));
  s.bad<DtypeError>("bool", zeros_of(kBool, {2}), zeros_of(kBool, {2}));
  if (b.ulps == 2) {
    s.no_gradient = "it is constant in pieces";
    return;
  }
  // Of 16 bits quotients are often whole, where the derivative jumps.
  const auto calls = s.calls;
  s.calls = [calls](Maker& m) {
    calls(m);
    for (Call& call : m.calls) call.gradient &= m.dtype == kF32 || m.dtype == kF64;
    if (!is_float(m.dtype)) return;
    const Array x = m.uniform({3, 67}, -1e4, 1e4);
    m.call("large quotients", x, m.uniform({3, 67}, 1e-3, 1)).gradient = false;
    if (m.dtype == kF32 || m.dtype == kF64) {
      m.call("larger quotients", m.uniform({3, 67}, -1e30L, 1e30L), m.uniform({67}, 1e-9L, 1e3L))
          .gradient = false;
    }
  };
}

// gcd and lcm, whose results may not fit.
Real gcd_in(DType dtype, Real a, Real b) {
  return wrapped(dtype, Whole(gcd_of(static_cast<__int128>(a), static_cast<__int128>(b))));
}
Real lcm_in(DType dtype, Real a, Real b) {
  // In the 32 or 64 bits that the dtype is computed in, as the sign is taken of those.
  const DType computed = dtype == kI8 || dtype == kI16    ? kI32
                         : dtype == kU16 || dtype == kU32 ? kI64
                                                          : dtype;
  const auto x = static_cast<__int128>(a), y = static_cast<__int128>(b);
  const __int128 g = gcd_of(x, y);
  if (g == 0) return 0;
  // A divisor that wraps, like everything else.
  const auto divisor = static_cast<__int128>(wrapped(computed, Whole(g)));
  const Real product = wrapped(computed, Whole(x / divisor * y));
  return wrapped(
      dtype, Whole(product < 0 ? -static_cast<__int128>(product) : static_cast<__int128>(product)));
}

}  // namespace

void samples_division(Samples& samples) {
  for (const char* end : {"", "_"}) {
    division(samples, std::string("floor_divide") + end, kFloorDivide);
    division(samples, std::string("remainder") + end, kRemainder);
    division(samples, std::string("fmod") + end, kFmod);
    for (const char* row : {"gcd", "lcm"}) {
      const Binary b{.f = nullptr,
                     .takes_bool = false,
                     .takes_float = false,
                     .orders = true,
                     .low = -100,
                     .high = 100,
                     .other_low = -100,
                     .other_high = 100};
      const std::string name = std::string(row) + end;
      Sample& s = *end ? binary_in_place(samples, name, b) : binary(samples, name, b);
      typed_reference(s, b, *row == 'g' ? &gcd_in : &lcm_in);
      s.bad<DtypeError>("bool", zeros_of(kBool, {2}), zeros_of(kBool, {2}));
    }
  }
}

}  // namespace entasis::matrix
