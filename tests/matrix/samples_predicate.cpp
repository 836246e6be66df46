// Questions about single elements.
#include "families.h"

namespace entasis::matrix {
namespace {

Sample& predicate(Samples& samples, const std::string& row, bool (*f)(Real)) {
  Sample& s = unary(samples, row, {.f = nullptr, .ulps = 0});
  s.same_on_targets = true;
  s.no_gradient = "its result is bool";
  s.reference = [f](const Call& c) -> Results {
    return {pointwise(c, {0}, kBool, [&](const std::vector<Real>& v) { return Real(f(v[0])); })};
  };
  return s;
}

Real turned(DType dtype, Real x) {
  if (dtype == kBool) return x == 0 ? 1 : 0;
  return wrapped(dtype, ~static_cast<unsigned __int128>(static_cast<__int128>(x)));
}

}  // namespace

void samples_predicate(Samples& samples) {
  predicate(samples, "isnan", [](Real x) { return std::isnan(x); });
  predicate(samples, "isinf", [](Real x) { return std::isinf(x); });
  predicate(samples, "isfinite", [](Real x) { return bool(std::isfinite(x)); });
  predicate(samples, "isposinf", [](Real x) { return std::isinf(x) && x > 0; });
  predicate(samples, "isneginf", [](Real x) { return std::isinf(x) && x < 0; });
  predicate(samples, "logical_not", [](Real x) { return x == 0; });
  Sample& signbit = predicate(samples, "signbit", [](Real x) { return std::signbit(x); });
  std::erase(signbit.dtypes, kU64);
  signbit.bad<DtypeError>("u64", zeros_of(kU64, {2}));

  Sample& logical_not = unary_in_place(samples, "logical_not_", {.f = nullptr, .ulps = 0});
  logical_not.dtypes = kEveryDType;
  logical_not.bad_calls.pop_back();  // integers take it
  logical_not.same_on_targets = true;
  logical_not.no_gradient = "it has none";
  logical_not.reference = [](const Call& c) -> Results {
    return {pointwise(c, {0}, c.array(0).dtype,
                      [](const std::vector<Real>& v) -> Real { return v[0] == 0 ? 1 : 0; })};
  };

  for (const char* row : {"bitwise_not", "bitwise_not_"}) {
    const bool in_place = std::string(row).ends_with('_');
    const Unary u{.f = nullptr, .gives_float = false, .ulps = 0};
    Sample& s = in_place ? unary_in_place(samples, row, u) : unary(samples, row, u);
    std::erase_if(s.dtypes, [](DType dtype) { return is_float(dtype); });
    s.same_on_targets = true;
    s.no_gradient = "its input is of integers or bool";
    s.reference = [](const Call& c) -> Results {
      const DType dtype = c.array(0).dtype;
      return {pointwise(c, {0}, dtype,
                        [&](const std::vector<Real>& v) { return turned(dtype, v[0]); })};
    };
    s.bad<DtypeError>("f32", zeros_of(kF32, {2}));
  }
}

}  // namespace entasis::matrix
