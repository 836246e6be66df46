// Factories that take their form from a tensor, and random draws.
#include "families.h"

namespace entasis::matrix {
namespace {

Sample& like(Samples& samples, const std::string& row) {
  Sample& s = samples.add(row);
  s.strides = Strides::kPointwise;
  s.same_on_targets = true;
  s.no_gradient = "the result does not depend on the input's values";
  s.calls = [](Maker& m) {
    for (const Shape& shape : kPointwiseShapes) m.call(to_string(shape), m.uniform(shape));
  };
  s.bad<ValueError>("undefined", std::nullopt);
  return s;
}

// The same with calls that name another dtype.
Sample& made_like(Samples& samples, const std::string& row) {
  Sample& s = like(samples, row);
  s.calls = [](Maker& m) {
    for (const Shape& shape : kPointwiseShapes) m.call(to_string(shape), m.uniform(shape));
    m.call("as f64", m.uniform({2, 3}), kF64);
    m.call("as bf16 with a gradient", m.uniform({2, 3}), kBF16, std::nullopt, true);
  };
  return s;
}

// The array as the dtype that argument i names, if it does.
Array in_form(const Call& c, int i) {
  Array y = c.array(0);
  if (c.given(i)) y.dtype = c.dtype(i);
  return y;
}

Array filled(const Array& like, Real value) {
  Array y = like;
  for (Real& v : y.values) v = held(y.dtype, value);
  return y;
}

constexpr const char* kRandom = "random; distributions and reproducibility are tests of their own";

}  // namespace

void samples_factory(Samples& samples) {
  {
    Sample& s = made_like(samples, "empty_like");
    s.not_compared = "its elements are unset";
    s.reference = [](const Call& c) -> Results { return {in_form(c, 1)}; };
  }
  made_like(samples, "zeros_like").reference = [](const Call& c) -> Results {
    return {filled(in_form(c, 1), 0)};
  };
  made_like(samples, "ones_like").reference = [](const Call& c) -> Results {
    return {filled(in_form(c, 1), 1)};
  };
  {
    Sample& s = like(samples, "full_like");
    s.calls = [](Maker& m) {
      for (const Shape& shape : kPointwiseShapes) m.call(to_string(shape), m.uniform(shape), 3);
      if (is_float(m.dtype)) m.call("float", m.uniform({2, 3}), -0.75);
      m.call("as i16", m.uniform({2, 3}), 2, kI16);
    };
    s.reference = [](const Call& c) -> Results {
      return {filled(in_form(c, 2), c.operand(1).values[0])};
    };
    s.bad_calls.clear();
    s.bad<ValueError>("undefined", std::nullopt, 1);
  }
  for (const char* row : {"rand_like", "randn_like"}) {
    Sample& s = made_like(samples, row);
    s.dtypes = kFloats;
    s.same_on_targets = false;
    s.not_compared = kRandom;
    s.reference = [](const Call& c) -> Results { return {in_form(c, 1)}; };
    s.bad<DtypeError>("i32", zeros_of(kI32, {2}));
  }
  for (const char* row : {"uniform_", "normal_"}) {
    Sample& s = like(samples, row);
    s.dtypes = kFloats;
    s.same_on_targets = false;
    s.strides = Strides::kTarget;
    s.not_compared = kRandom;
    s.reference = [](const Call& c) -> Results { return {c.array(0)}; };
    s.bad<DtypeError>("i32", zeros_of(kI32, {2}));
  }
}

}  // namespace entasis::matrix
