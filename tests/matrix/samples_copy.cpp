// Copies, casts and fills.
#include "families.h"

namespace entasis::matrix {
namespace {

void copy_calls(Maker& m) {
  for (const Shape& shape : kPointwiseShapes) m.call(to_string(shape), m.uniform(shape));
  const std::vector<Real> extremes = m.extremes();
  m.call("extremes", m.of({int64_t(extremes.size())}, extremes)).gradient = false;
}

Sample& copy(Samples& samples, const std::string& row, Strides strides) {
  Sample& s = samples.add(row);
  s.strides = strides;
  s.ulps = 0;
  s.signed_zeros = s.same_on_targets = true;
  s.calls = copy_calls;
  s.large = [](Maker& m) { m.call("large", m.uniform(kLargeShape)); };
  s.reference = [](const Call& c) -> Results { return {c.array(0)}; };
  s.bad<ValueError>("undefined", std::nullopt);
  return s;
}

// What casts of this value leave undefined: floats beyond an integer type, and NaN.
bool casts(Real value, DType to) {
  if (is_float(to) || to == kBool) return true;
  return value > lowest_of(to) - 1 && value < highest_of(to) + 1;
}

void cast_calls(Maker& m) {
  for (DType to : kEveryDType) {
    const std::string name = std::string("to ") + entasis::name_of(to);
    m.call(name, m.uniform({3, 7}, to == kBool || is_unsigned_integer(to) ? 0 : -100, 100), to);
    std::vector<Real> values;
    for (Real v : m.extremes()) {
      // Integers wrap into narrower ones; floats must fit.
      if (!is_float(m.dtype) || casts(v, to)) values.push_back(v);
    }
    m.call(name + ", extremes", m.of({int64_t(values.size())}, values), to).gradient = false;
  }
  m.call("4-d", m.uniform({2, 3, 4, 5}), kF32);
  m.call("0-d", m.uniform({}), kF64);
  m.call("empty", m.uniform({2, 0}), kF16);
}

}  // namespace

void samples_copy(Samples& samples) {
  copy(samples, "clone", Strides::kDenseLike);
  copy(samples, "contiguous", Strides::kDense);
  {
    Sample& s =
        copy(samples, "channels_last", Strides::kUnchecked);  // always NHWC; see the layout test
    s.calls = [](Maker& m) {
      m.call("4-d", m.uniform({2, 3, 4, 5}));
      m.call("empty", m.uniform({2, 0, 4, 5}));
    };
    s.large = nullptr;
    s.bad_calls.clear();
    s.bad<ShapeError>("[2, 3]", zeros_of(kF32, {2, 3}));
  }
  {
    Sample& s = samples.add("to");
    s.strides = Strides::kUnchecked;  // the input itself where the dtype is right already
    s.signed_zeros = s.same_on_targets = true;
    s.ulps = 0;
    s.calls = cast_calls;
    s.large = [](Maker& m) {
      m.call("large", m.uniform(kLargeShape), kF64);
      m.call("large to half", m.uniform(kLargeShape), kF16);
    };
    s.reference = [](const Call& c) -> Results {
      Array y = c.array(0);
      y.dtype = c.dtype(1);
      for (Real& v : y.values) v = held(y.dtype, v);
      return {y};
    };
    // A rounding to fewer bits has no derivative that differences could find.
    s.no_gradient = "rounds: a gradient is passed through, as the tests of autograd check";
    s.bad<ValueError>("undefined", std::nullopt, kF32);
  }
  {
    Sample& s = samples.add("to_device");
    s.strides = Strides::kUnchecked;  // the input itself
    s.signed_zeros = true;
    s.ulps = 0;
    s.calls = [](Maker& m) {
      m.call("cpu to cpu", m.uniform({3, 4}), kCPU);
      m.call("empty", m.uniform({0, 4}), kCPU);
    };
    s.reads_values = true;  // there is no way back from meta
    s.reference = [](const Call& c) -> Results { return {c.array(0)}; };
    s.bad<DeviceError>("cuda", zeros_of(kF32, {2}), Device{DeviceType::kCUDA, 99});
  }
  {
    Sample& s = samples.add("copy_");
    s.strides = Strides::kTarget;
    s.signed_zeros = s.same_on_targets = true;
    s.ulps = 0;
    s.calls = [](Maker& m) {
      m.call("same shape", m.uniform({3, 7}), m.uniform({3, 7}));
      m.call("4-d", m.uniform({2, 3, 4, 5}), m.uniform({2, 3, 4, 5}));
      m.call("broadcast", m.uniform({2, 3, 4}), m.uniform({3, 1}));
      m.call("0-d", m.uniform({}), m.uniform({}));
      m.call("empty", m.uniform({0, 2}), m.uniform({0, 2}));
      for (DType from : {kF32, kI32, kBool}) {
        const int low = m.dtype == kBool || is_unsigned_integer(m.dtype) || from == kBool ? 0 : -3;
        m.call(std::string("from ") + entasis::name_of(from), m.uniform({3, 5}),
               m.uniform_of(from, {3, 5}, low, 3))
            .gradient = false;
      }
    };
    s.large = [](Maker& m) { m.call("large", m.uniform(kLargeShape), m.uniform({33001})); };
    s.reference = [](const Call& c) -> Results {
      const DType dtype = c.array(0).dtype;
      Array y = zeros_of(dtype, c.array(0).shape);
      each_index(y.shape, [&](const Index& index) {
        y.at(index) = stored(dtype, c.array(1).at(unbroadcast(index, c.array(1).shape)));
      });
      return {y};
    };
    s.bad<ShapeError>("does not broadcast", zeros_of(kF32, {2}), zeros_of(kF32, {3}));
  }
  {
    Sample& s = samples.add("fill_");
    s.strides = Strides::kTarget;
    s.signed_zeros = s.same_on_targets = true;
    s.calls = [](Maker& m) {
      for (const Shape& shape : kPointwiseShapes) m.call(to_string(shape), m.uniform(shape), 3);
      m.call("bool", m.uniform({2, 3}), true);
      if (is_float(m.dtype)) m.call("float", m.uniform({2, 3}), -1.25);
    };
    s.large = [](Maker& m) { m.call("large", m.uniform(kLargeShape), 2); };
    s.reference = [](const Call& c) -> Results {
      Array y = c.array(0);
      for (Real& v : y.values) v = held(y.dtype, c.operand(1).values[0]);
      return {y};
    };
    s.no_gradient = "the old values are gone and the new one is a number";
    s.bad<ValueError>("undefined", std::nullopt, 1);
  }
  {
    Sample& s = samples.add("zero_");
    s.strides = Strides::kTarget;
    s.signed_zeros = s.same_on_targets = true;
    s.calls = copy_calls;
    s.large = [](Maker& m) { m.call("large", m.uniform(kLargeShape)); };
    s.reference = [](const Call& c) -> Results {
      return {zeros_of(c.array(0).dtype, c.array(0).shape)};
    };
    s.no_gradient = "the old values are gone";
    s.bad<ValueError>("undefined", std::nullopt);
  }
}

}  // namespace entasis::matrix
