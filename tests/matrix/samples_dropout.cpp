// Dropout where chance has no part: probabilities 0 and 1, and outside of training. The
// distribution of masks is tested with the op.
#include "sample.h"

namespace entasis::matrix {
namespace {

Array dropped(const Array& x, Real p) {
  Array y = x;
  if (p == 1) {
    for (Real& v : y.values) v = 0;
  }
  return y;
}

}  // namespace

void samples_dropout(Samples& samples) {
  {
    Sample& s = samples.add("dropout");
    s.dtypes = kFloats;
    s.ulps = 0;
    s.strides = Strides::kUnchecked;  // the input itself, unless something is dropped
    s.calls = [](Maker& m) {
      m.call("evaluation", m.uniform({3, 5}), 0.5, false);
      m.call("keeps all", m.uniform({3, 5}), 0.0);
      m.call("drops all", m.uniform({3, 5}), 1.0);
      m.call("drops all, 4-d", m.uniform({2, 3, 2, 2}), 1.0, true);
      m.call("empty", m.uniform({0, 3}), 1.0);
      m.call("0-d", m.uniform({}), 1.0);
    };
    s.large = [](Maker& m) { m.call("drops all", m.uniform({301, 301}), 1.0); };
    s.reference = [](const Call& c) -> Results {
      return {dropped(c.array(0), c.flag(2, true) ? c.real(1, 0.5L) : 0)};
    };
    s.bad<ValueError>("p must be from 0 to 1", zeros_of(kF32, {2}), 1.5);
    s.bad<DtypeError>("floating-point", zeros_of(kI32, {2}), 0.5);
  }
  {
    Sample& s = samples.add("native_dropout");
    s.dtypes = kFloats;
    s.ulps = 0;
    s.strides = Strides::kPointwise;
    s.calls = [](Maker& m) {
      m.call("keeps all", m.uniform({3, 5}), 0.0);
      m.call("drops all", m.uniform({3, 5}), 1.0);
      m.call("4-d", m.uniform({2, 3, 2, 2}), 0.0);
      m.call("empty", m.uniform({0, 3}), 1.0);
      m.call("0-d", m.uniform({}), 0.0);
    };
    s.large = [](Maker& m) { m.call("keeps all", m.uniform({301, 301}), 0.0); };
    s.reference = [](const Call& c) -> Results {
      Array mask = c.array(0);
      mask.dtype = kBool;
      for (Real& v : mask.values) v = c.real(1) == 0;
      return {dropped(c.array(0), c.real(1)), mask};
    };
    s.bad<ValueError>("p must be from 0 to 1", zeros_of(kF32, {2}), -0.5);
    s.bad<DtypeError>("floating-point", zeros_of(kI32, {2}));
  }
}

}  // namespace entasis::matrix
