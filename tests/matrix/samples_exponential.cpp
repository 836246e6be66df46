// Exponentials, logarithms and roots.
#include "families.h"

namespace entasis::matrix {
namespace {

void both(Samples& samples, const std::string& row, const Unary& u) {
  unary(samples, row, u);
  unary_in_place(samples, row + "_", u);
}

void square(Samples& samples) {
  const Unary square{.f = [](Real x) { return x * x; },
                     .derivative = [](Real x) { return 2 * x; },
                     .gives_float = false,
                     .ulps = 0};
  Sample& s = unary(samples, "square", square);
  s.same_on_targets = true;
  s.signed_zeros = false;
  // Integers wrap; bool gives i64.
  s.reference = [](const Call& c) -> Results {
    const DType in = c.array(0).dtype, dtype = in == kBool ? kI64 : in;
    return {pointwise(c, {0}, dtype, [&](const std::vector<Real>& v) {
      if (is_float(dtype)) return v[0] * v[0];
      const auto whole = static_cast<unsigned __int128>(static_cast<__int128>(v[0]));
      return wrapped(dtype, whole * whole);
    })};
  };
  const auto reference = s.reference;
  Sample& in_place = unary_in_place(samples, "square_", square);
  in_place.reference = reference;
  in_place.same_on_targets = true;
  in_place.signed_zeros = false;
  std::erase(in_place.dtypes, kBool);
  in_place.bad<DtypeError>("bool", zeros_of(kBool, {2}));
}

}  // namespace

void samples_exponential(Samples& samples) {
  both(samples, "exp",
       {.f = [](Real x) { return std::exp(x); }, .derivative = [](Real x) { return std::exp(x); }});
  both(samples, "log",
       {.f = [](Real x) { return std::log(x); },
        .derivative = [](Real x) { return 1 / x; },
        .low = 0.25});
  both(samples, "exp2", {.f = [](Real x) { return std::exp2(x); }});
  both(samples, "expm1", {.f = [](Real x) { return std::expm1(x); }, .ulps = 4});
  both(samples, "log2", {.f = [](Real x) { return std::log2(x); }, .low = 0.25, .ulps = 4});
  both(samples, "log10", {.f = [](Real x) { return std::log10(x); }, .low = 0.25, .ulps = 4});
  both(samples, "log1p", {.f = [](Real x) { return std::log1p(x); }, .low = -0.75, .ulps = 4});
  both(samples, "sqrt",
       {.f = [](Real x) { return std::sqrt(x); },
        .derivative = [](Real x) { return 1 / (2 * std::sqrt(x)); },
        .low = 0.25});
  both(samples, "rsqrt", {.f = [](Real x) { return 1 / std::sqrt(x); }, .low = 0.25});
  both(samples, "reciprocal", {.f = [](Real x) { return 1 / x; }, .low = 0.25, .ulps = 0});
  square(samples);
}

}  // namespace entasis::matrix
