// A sample is what the op matrix knows about one row: how to call it, what the result must be, and
// which calls must fail and how. Adding an op = adding a sample to a `samples_<family>.cpp`:
//
//   void samples_shape(Samples& samples) {
//     Sample& s = samples.add("transpose");
//     s.strides = Strides::kView;
//     s.calls = [](Maker& m) { m.call("0 1", m.uniform({2, 3, 4}), 0, 1); };
//     s.reference = [](const Call& c) -> Results { … };
//     s.bad<IndexError>("out of range", {…});
//   }
//
// The harness does the rest: every dtype and layout, meta device, gradients, threads, SIMD targets.
#pragma once

#include <concepts>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <entasis/core/error.h>
#include <entasis/core/row.h>

#include "array.h"

namespace entasis::matrix {

// An argument of a call: arrays become tensors in the layout under test, values go as they are.
using CallArgument = std::variant<Value, Array, std::vector<Array>>;

// C++ literals as arguments: ints, bools, doubles, names, lists of sizes, std::nullopt.
template <class T>
CallArgument argument_of(T value) {
  if constexpr (std::same_as<T, std::nullopt_t>) {
    return Value(std::monostate());
  } else if constexpr (std::integral<T> && !std::same_as<T, bool>) {
    return Value(int64_t(value));
  } else if constexpr (std::same_as<T, const char*>) {
    return Value(std::string(value));
  } else if constexpr (std::same_as<T, Shape>) {
    return Value(Dims(std::span<const int64_t>(value)));
  } else if constexpr (std::same_as<T, Array> || std::same_as<T, std::vector<Array>>) {
    return value;
  } else {
    return Value(value);
  }
}

struct Call {
  std::string label;
  std::vector<CallArgument> arguments;
  bool gradient = true;           // off where there is no derivative: at kinks, ties, extremes
  bool ties_if_repeated = false;  // the same for kBroadcast alone, which repeats values

  // ---- Arguments as references read them; a fallback states the default of one left out.
  const Array& array(int i) const { return std::get<Array>(arguments.at(size_t(i))); }
  const std::vector<Array>& arrays(int i) const {
    return std::get<std::vector<Array>>(arguments.at(size_t(i)));
  }
  bool is_array(int i) const {
    return given(i) && std::holds_alternative<Array>(arguments[size_t(i)]);
  }
  bool given(int i) const;
  // A tensor, or a number as a 0-d array.
  Array operand(int i) const;
  int64_t integer(int i, std::optional<int64_t> fallback = {}) const;
  Real real(int i, std::optional<Real> fallback = {}) const;
  bool flag(int i, bool fallback) const;
  Shape dims(int i, const Shape& fallback = {}) const;
  DType dtype(int i) const { return std::get<DType>(std::get<Value>(arguments.at(size_t(i)))); }
  std::string text(int i, const std::string& fallback) const;
};

using Results = std::vector<Array>;

// Makes the calls of a sample for one dtype. Random values are the same in every run.
class Maker {
 public:
  explicit Maker(DType dtype, uint64_t seed = 1) : dtype(dtype), bits_(seed) {}
  const DType dtype;

  // Values between low and high (0 and high if unsigned) that the dtype holds.
  Array uniform(const Shape& shape, Real low = -3, Real high = 3) {
    return uniform_of(dtype, shape, low, high);
  }
  Array uniform_of(DType dtype, const Shape& shape, Real low, Real high);
  // The same with no two values alike, and no ties as far as the dtype allows: for maxima.
  Array distinct(const Shape& shape, Real low = -3, Real high = 3);
  // Whole numbers in [low, high].
  Array integers(DType dtype, const Shape& shape, int64_t low, int64_t high);
  Array of(DType dtype, const Shape& shape, const std::vector<Real>& values);
  Array of(const Shape& shape, const std::vector<Real>& values) { return of(dtype, shape, values); }
  // Zeros of both signs, ±88, ±104, ±1e4, ±1e15, subnormal, largest, infinities, NaN; for integers
  // the ends of their range.
  std::vector<Real> extremes() const;

  // Adds a call. Missing arguments take the row's defaults.
  template <class... T>
  Call& call(std::string label, T... arguments) {
    calls.push_back({std::move(label), {argument_of(std::move(arguments))...}});
    return calls.back();
  }
  std::deque<Call> calls;

 private:
  std::mt19937_64 bits_;
};

// What rule 3 says about the strides of results.
enum class Strides {
  kDense,             // row-major
  kPointwise,         // dense in the order of the operands, the first with a say deciding
  kDenseLike,         // dense in the order of argument 0's strides, whatever they are
  kChannelsLastLike,  // NHWC if argument 0 or 1 is so without doubt, else row-major
  kView,              // any, on the storage of argument 0
  kTarget,            // argument 0 itself
  kUnchecked,         // several ways are right; say so in the sample
};

struct Bad {
  std::vector<CallArgument> arguments;
  bool (*is_type)(const std::exception&);
  std::string fragment;  // of the message
};

struct Sample {
  std::string row;

  // ---- Needed
  std::function<void(Maker&)> calls;
  std::function<Results(const Call&)> reference;

  // ---- What else there is to say
  std::vector<DType> dtypes;  // all that the row takes; set by Samples::add to every dtype
  Strides strides = Strides::kDense;
  double ulps = 1;                // of the computing type, by which results may be off
  double underflow = 0;           // smallest numbers of that type by which they may be off besides
  bool signed_zeros = false;      // whether the sign of a zero is compared
  std::vector<int> written = {};  // arguments that the call changes; their new values are compared
                                  // after the results
  std::vector<int> differentiable = {};  // empty: every floating-point tensor
  std::string no_gradient = {};          // why there is none
  std::string no_second_gradient = {};
  std::string not_compared = {};  // why values have no reference; shape, dtype, meta still have
  bool reads_values = false;      // the result's shape depends on values: no meta form
  // The same bits on every SIMD target: no fused multiply-add and no order of summation.
  bool same_on_targets = false;
  // Calls large enough for several threads. Only compared with each other.
  std::function<void(Maker&)> large = {};
  // The derivative of a unary function, for the extremes, where differences cannot be taken.
  std::function<Real(Real)> derivative = {};
  std::vector<Bad> bad_calls = {};

  template <class E, class... T>
  Sample& bad(std::string fragment, T... arguments) {
    bad_calls.push_back(
        {{argument_of(std::move(arguments))...},
         [](const std::exception& error) { return dynamic_cast<const E*>(&error) != nullptr; },
         std::move(fragment)});
    return *this;
  }
  bool is_differentiable(const Call& call, int i) const;
};

inline const std::vector<DType> kEveryDType = {kF32, kF64, kF16, kBF16, kI8,  kI16, kI32,
                                               kI64, kU8,  kU16, kU32,  kU64, kBool};
inline const std::vector<DType> kFloats = {kF32, kF64, kF16, kBF16};
inline const std::vector<DType> kNumbers = {kF32, kF64, kF16, kBF16, kI8,  kI16,
                                            kI32, kI64, kU8,  kU16,  kU32, kU64};

class Samples {
 public:
  Sample& add(const std::string& row);
  const Sample* find(std::string_view row) const;
  // One that is there, to say more about it.
  Sample& at(std::string_view row);
  const std::deque<Sample>& all() const { return samples_; }

 private:
  std::deque<Sample> samples_;
};

// All samples, made once.
const Samples& samples();

// ---- Pieces that references share.

// The dtype of a pointwise result by PyTorch's three groups: tensors with dimensions, 0-d tensors,
// numbers.
DType result_dtype(const Call& call, std::vector<int> operands);
inline DType float_or_f32(DType dtype) { return is_float(dtype) ? dtype : kF32; }
// f of the operands' elements, broadcast together.
Array pointwise(const Call& call, const std::vector<int>& operands, DType dtype,
                const std::function<Real(const std::vector<Real>&)>& f);
// A sum of these terms and the most that n - 1 roundings can make it differ.
struct Total {
  Real value = 0, size = 0;
  int64_t terms = 0;
  void add(Real term) {
    value += term;
    size += std::abs(term);
    ++terms;
  }
  Real error() const { return size * Real(terms); }
};

}  // namespace entasis::matrix
