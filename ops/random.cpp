// Random factories and in-place draws. How many words a draw takes depends on shape and dtype alone
// (rule 9), so the generator's offset after it never depends on values or devices.
#include <cmath>

#include <entasis/core/row.h>
#include <entasis/ops/factory_internal.h>
#include <entasis/ops/like_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/random_internal.h>

namespace entasis {
namespace {

// One word an element, two for 64-bit types.
int64_t words_of(const Tensor& target) {
  return target.numel() * (size_of(target.dtype()) == 8 ? 2 : 1);
}

Spec floating_target(Inputs in) {
  if (!is_floating_point(in[0].dtype())) {
    throw DtypeError(std::string("draws floating-point numbers, the dtype is ") +
                     name_of(in[0].dtype()));
  }
  return in[0].tensor().spec();
}

bool is_finite_as(double value, DType dtype) {
  return dispatch_dtype(dtype, [value]<class T>(TypeTag<T>) {
    return std::isfinite(convert<double>(convert<T>(value)));
  });
}

// The integers that every value of a dtype's significand holds: [-bound, bound] for floats.
struct IntegerRange {
  int64_t low, high;  // both included
};
IntegerRange whole_numbers_of(DType dtype) {
  return dispatch_dtype(dtype, []<class T>(TypeTag<T>) -> IntegerRange {
    if constexpr (std::is_same_v<T, bool>) {
      return {0, 1};
    } else if constexpr (std::is_same_v<T, uint64_t>) {
      return {0, INT64_MAX};
    } else if constexpr (std::is_integral_v<T>) {
      return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    } else {
      constexpr int digits = std::is_same_v<T, double>  ? 53
                             : std::is_same_v<T, float> ? 24
                             : std::is_same_v<T, Half>  ? 11
                                                        : 8;
      return {-(int64_t{1} << digits), int64_t{1} << digits};
    }
  });
}

}  // namespace

template <>
struct Rule<Uniform> : FillRule<Uniform> {
  static Spec infer(const Uniform& op, Inputs in) {
    const Spec spec = floating_target(in);
    // Negated, so that NaN fails too.
    if (!(op.low <= op.high) || !is_finite_as(op.low, spec.dtype) ||
        !is_finite_as(op.high, spec.dtype) || !is_finite_as(op.high - op.low, spec.dtype)) {
      throw ValueError("[low, high) must be a finite range of " + std::string(name_of(spec.dtype)) +
                       ", it is [" + to_string(Number(op.low)) + ", " + to_string(Number(op.high)) +
                       ")");
    }
    return spec;
  }
  static int64_t random_words(const Uniform&, Outputs out) { return words_of(out[0]); }
};

template <>
struct Rule<Normal> : FillRule<Normal> {
  static Spec infer(const Normal& op, Inputs in) {
    if (!(op.std >= 0) || !std::isfinite(op.std) || !std::isfinite(op.mean)) {
      throw ValueError("mean must be finite and std finite and at least 0; they are " +
                       to_string(Number(op.mean)) + " and " + to_string(Number(op.std)));
    }
    return floating_target(in);
  }
  static int64_t random_words(const Normal&, Outputs out) { return words_of(out[0]); }
};

template <>
struct Rule<RandInt> : FillRule<RandInt> {
  static int64_t random_words(const RandInt&, Outputs out) { return words_of(out[0]); }
};

template <>
struct Rule<RandPerm> : FillRule<RandPerm> {
  static int64_t random_words(const RandPerm&, Outputs out) { return 2 * out[0].numel(); }
};

Tensor uniform_(Tensor input, double low, double high, Location at) {
  apply_in_place(Uniform{low, high}, at, input);
  return input;
}
Tensor normal_(Tensor input, double mean, double std, Location at) {
  apply_in_place(Normal{mean, std}, at, input);
  return input;
}

Tensor rand(const Dims& shape, const TensorOptions& options, Location at) {
  const Frame frame("rand", at);
  Tensor t =
      placed("rand", at, [&] { return new_tensor(shape, options.dtype.value_or(kF32), options); });
  return finish(uniform_(t, 0, 1, at), options, at);
}
Tensor randn(const Dims& shape, const TensorOptions& options, Location at) {
  const Frame frame("randn", at);
  Tensor t =
      placed("randn", at, [&] { return new_tensor(shape, options.dtype.value_or(kF32), options); });
  return finish(normal_(t, 0, 1, at), options, at);
}

Tensor rand_like(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device,
                 bool requires_grad, Location at) {
  const Frame frame("rand_like", at);
  Tensor t = placed("rand_like", at, [&] { return new_tensor_like(input, dtype, device); });
  return uniform_(t, 0, 1, at).requires_grad_(requires_grad, at);
}
Tensor randn_like(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device,
                  bool requires_grad, Location at) {
  const Frame frame("randn_like", at);
  Tensor t = placed("randn_like", at, [&] { return new_tensor_like(input, dtype, device); });
  return normal_(t, 0, 1, at).requires_grad_(requires_grad, at);
}

Tensor randint(int64_t low, int64_t high, const Dims& shape, const TensorOptions& options,
               Location at) {
  const Frame frame("randint", at);
  const DType dtype = options.dtype.value_or(kI64);
  Tensor t = placed("randint", at, [&] {
    const std::string range = "[" + std::to_string(low) + ", " + std::to_string(high) + ")";
    if (low >= high) throw ValueError(range + " is empty");
    const IntegerRange whole = whole_numbers_of(dtype);
    if (low < whole.low || high - 1 > whole.high) {
      throw ValueError(std::string(name_of(dtype)) + " does not hold every whole number in " +
                       range);
    }
    return new_tensor(shape, dtype, options);
  });
  apply_in_place(RandInt{low, uint64_t(high) - uint64_t(low)}, at, t);
  return finish(std::move(t), options, at);
}

Tensor randperm(int64_t n, const TensorOptions& options, Location at) {
  const Frame frame("randperm", at);
  const DType dtype = options.dtype.value_or(kI64);
  Tensor t = placed("randperm", at, [&] {
    if (n < 0) throw ValueError("n must not be negative, it is " + std::to_string(n));
    if (n > 0 && n - 1 > whole_numbers_of(dtype).high) {
      throw ValueError(std::string(name_of(dtype)) + " does not hold every whole number below " +
                       std::to_string(n));
    }
    return new_tensor({n}, dtype, options);
  });
  apply_in_place(RandPerm{}, at, t);
  return finish(std::move(t), options, at);
}

namespace {
constinit const Row rows[] = {
    row<&rand_like>("rand_like", kLikeArguments,
                    "Uniform numbers in [0, 1) in the form of input, as zeros_like has it.",
                    {.method = false}),
    row<&randn_like>("randn_like", kLikeArguments,
                     "Standard normal numbers in the form of input, as zeros_like has it.",
                     {.method = false}),
    row<&uniform_>("uniform_", args("input", "low"_a = 0.0, "high"_a = 1.0),
                   "Overwrites input with uniform numbers in [low, high)."),
    row<&normal_>("normal_", args("input", "mean"_a = 0.0, "std"_a = 1.0),
                  "Overwrites input with normal numbers of the given mean and standard deviation "
                  "(Box and Muller 1958)."),
};
constinit OpInfo* const ops[] = {&op_info<Uniform>, &op_info<Normal>, &op_info<RandInt>,
                                 &op_info<RandPerm>};
}  // namespace
extern const RowList rows_random;
constinit const RowList rows_random{rows, ops};

}  // namespace entasis
