#include "check.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include <entasis/core/row.h>
#include <entasis/ops/factory.h>

namespace entasis::matrix {

Tolerance tolerance_of(DType dtype) {
  switch (dtype) {
    case kF64:
      return {0x1p-53L, 0x1p-53L, 1e-8L};
    case kF32:
      return {0x1p-24L, 0x1p-24L, 0x1p-20L};
    case kF16:
      return {0x1p-11L, 0x1p-24L, 0x1p-7L};
    case kBF16:
      return {0x1p-8L, 0x1p-24L, 0x1p-4L};
    default:
      return {0, 0, 0};  // integers are exact
  }
}

bool is_small() {
  static const bool small = [] {
    const char* asked = std::getenv("ENTASIS_MATRIX");
#ifdef ENTASIS_SANITIZER_TARGETS
    return asked == nullptr || std::string(asked) != "full";
#else
    return asked != nullptr && std::string(asked) == "small";
#endif
  }();
  return small;
}

std::vector<DType> dtypes_under_test(const Sample& sample) {
  std::vector<DType> dtypes;
  for (DType dtype : sample.dtypes) {
    const bool kept =
        dtype == kF32 || dtype == kF16 || dtype == kI32 || dtype == kU8 || dtype == kBool;
    if (!is_small() || kept) dtypes.push_back(dtype);
  }
  return dtypes;
}

std::vector<Layout> layouts_under_test() {
  if (is_small()) return {Layout::kContiguous, Layout::kSliced, Layout::kMixed};
  return {std::begin(kLayouts), std::end(kLayouts)};
}

std::string describe(const Sample& sample, DType dtype, Layout layout, const Call& call) {
  return sample.row + " " + entasis::name_of(dtype) + " " + name_of(layout) + ": " + call.label;
}

// ---- Calls

bool applies(const Sample& sample, const Call& call, Layout layout) {
  if (layout == Layout::kContiguous) return true;
  int tensors = 0;
  bool tells = false;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const CallArgument& argument = call.arguments[i];
    if (const Array* array = std::get_if<Array>(&argument)) {
      const bool written = std::count(sample.written.begin(), sample.written.end(), int(i)) ||
                           (i == 0 && sample.strides == Strides::kTarget);
      if (written && layout == Layout::kBroadcast) return false;  // names elements twice
      ++tensors;
      tells |= tells_apart(layout, array->shape);
    } else if (const auto* list = std::get_if<std::vector<Array>>(&argument)) {
      for (const Array& array : *list) {
        ++tensors;
        tells |= tells_apart(layout, array.shape);
      }
    }
  }
  return tells && (layout != Layout::kMixed || tensors > 1);
}

Call laid_out(const Call& call, Layout layout) {
  if (layout != Layout::kBroadcast) return call;
  Call result = call;
  for (CallArgument& argument : result.arguments) {
    if (Array* array = std::get_if<Array>(&argument)) {
      if (tells_apart(layout, array->shape)) *array = repeated(*array);
    } else if (auto* list = std::get_if<std::vector<Array>>(&argument)) {
      for (Array& a : *list) {
        if (tells_apart(layout, a.shape)) a = repeated(a);
      }
    }
  }
  return result;
}

Trial prepare(const Call& call, Layout layout, Device device) {
  Trial run;
  auto place = [&](const Array& array, size_t i) {
    run.placed.emplace_back(array, layout_of_argument(layout, int(run.placed.size())), device);
    run.position.push_back(int(i));
    return run.placed.back().tensor();
  };
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const CallArgument& argument = call.arguments[i];
    if (const Array* array = std::get_if<Array>(&argument)) {
      run.values.emplace_back(place(*array, i));
    } else if (const auto* list = std::get_if<std::vector<Array>>(&argument)) {
      Tensors tensors;
      for (const Array& a : *list) tensors.push_back(place(a, i));
      run.values.emplace_back(std::move(tensors));
    } else {
      run.values.emplace_back(std::get<Value>(argument));
    }
  }
  return run;
}

std::vector<Tensor> invoke_row(const Sample& sample, const Values& values) {
  const Row* row = find_row(sample.row);
  if (row == nullptr) throw std::logic_error("there is no row " + sample.row);
  std::vector<Tensor> results;
  auto append = [&results](const Value& value) {
    if (const Tensor* t = std::get_if<Tensor>(&value)) {
      results.push_back(*t);
    } else if (const Tensors* list = std::get_if<Tensors>(&value)) {
      results.insert(results.end(), list->begin(), list->end());
    } else if (const bool* truth = std::get_if<bool>(&value)) {
      results.push_back(full(Dims(), *truth, TensorOptions(kBool)));
    }
  };
  for (const Value& value : invoke(*row, values)) append(value);
  for (int i : sample.written) {
    if (size_t(i) < values.size()) append(values[size_t(i)]);
  }
  return results;
}

void run(const Sample& sample, Trial& prepared) {
  prepared.results = invoke_row(sample, prepared.values);
}

// ---- Comparisons

namespace {

// Whether `got` may stand for `want`, the exact result, in a float format.
bool is_close(Real got, Real want, Real error, const Sample& sample, DType dtype) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (std::isinf(want)) return got == want;
  const Tolerance tolerance = tolerance_of(dtype);
  const FloatFormat format = format_of(dtype);
  const Real smallest = std::ldexp(Real(1), format.min_exponent - format.digits + 1);
  if (error == 0) error = Real(sample.ulps) * std::abs(want);
  const Real allowed = tolerance.rounding * std::abs(want) + tolerance.computing * error +
                       smallest + Real(sample.underflow) * (dtype == kF64 ? smallest : 0x1p-149L);
  if (std::isinf(got)) {  // right if rounding may have gone over the top
    const Real limit = std::ldexp(Real(1), format.max_exponent) * 2;
    return std::signbit(got) == std::signbit(want) && std::abs(want) + allowed >= limit;
  }
  return std::abs(got - want) <= allowed;
}

std::string text_of(Real value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.21Lg (%La)", value, value);
  return text;
}

}  // namespace

void expect_result(const Sample& sample, const Tensor& got, const Array& want) {
  EXPECT_STREQ(entasis::name_of(want.dtype), entasis::name_of(got.dtype()));
  EXPECT_EQ(to_string(want.shape), to_string(shape_of(got)));
  if (testing::Test::HasFailure() || !sample.not_compared.empty()) return;
  const Array actual = read(got);
  for (size_t i = 0; i < want.values.size(); ++i) {
    const Real a = actual.values[i], w = want.values[i];
    bool right = is_float(want.dtype)
                     ? is_close(a, w, want.error.empty() ? 0 : want.error[i], sample, want.dtype)
                     : a == w;
    if (sample.signed_zeros && w == 0 && a == 0 && is_float(want.dtype)) {
      right = std::signbit(a) == std::signbit(w);
    }
    if (!right) {
      ADD_FAILURE() << "element " << i << " is " << text_of(a) << ", expected " << text_of(w);
      return;
    }
  }
}

namespace {

struct Laid {
  Shape shape, strides;
};

Shape strides_in_order(const Shape& shape, const std::vector<size_t>& order) {
  Shape strides(shape.size(), 1);
  int64_t stride = 1;
  for (size_t k = order.size(); k-- > 0;) {
    strides[order[k]] = stride;
    stride *= shape[order[k]];
  }
  return strides;
}

std::vector<size_t> all_dims(const Shape& shape) {
  std::vector<size_t> order(shape.size());
  std::iota(order.begin(), order.end(), size_t{0});
  return order;
}

bool is_nhwc_without_doubt(const Laid& g) {
  if (g.shape.size() != 4) return false;
  auto lies = [&](const std::vector<size_t>& order) {
    const Shape dense = strides_in_order(g.shape, order);
    for (size_t d = 0; d < 4; ++d) {
      if (g.shape[d] != 1 && dense[d] != g.strides[d]) return false;
    }
    return true;
  };
  return lies({0, 2, 3, 1}) && !lies({0, 1, 2, 3});
}

// How far apart neighbours along dimension d of the broadcast shape lie; 0 if they are the same.
int64_t step_along(const Laid& in, const Shape& shape, size_t d) {
  const size_t missing = shape.size() - in.shape.size();
  if (d < missing || (in.shape[d - missing] == 1 && shape[d] != 1)) return 0;
  return in.strides[d - missing];
}

// PyTorch's order of the dimensions, outermost first: each moves in as far as the first input that
// steps along both says, past those that no input compares it with.
std::vector<size_t> pointwise_order(const std::vector<Laid>& inputs, const Shape& shape) {
  const auto lies_inside = [&](size_t a, size_t b) -> std::optional<bool> {
    for (const Laid& in : inputs) {
      const int64_t x = step_along(in, shape, a), y = step_along(in, shape, b);
      if (x == 0 || y == 0) continue;
      if (x != y) return x < y;
      if (shape[b] > shape[a]) return true;
    }
    return std::nullopt;
  };
  std::vector<size_t> order = all_dims(shape);
  for (size_t first = order.size(); first-- > 0;) {
    size_t at = first;
    for (size_t k = first + 1; k < order.size(); ++k) {
      const std::optional<bool> inside = lies_inside(order[k], order[at]);
      if (!inside) continue;
      if (*inside) break;
      std::swap(order[k], order[at]);
      at = k;
    }
  }
  return order;
}

Shape expected_strides(Strides rule, const std::vector<Laid>& inputs, const Shape& shape) {
  switch (rule) {
    case Strides::kPointwise:
      return strides_in_order(shape, pointwise_order(inputs, shape));
    case Strides::kDenseLike: {
      std::vector<size_t> order = all_dims(shape);
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
        return inputs[0].strides[a] > inputs[0].strides[b];
      });
      return strides_in_order(shape, order);
    }
    case Strides::kChannelsLastLike:
      for (size_t k = 0; k < inputs.size() && k < 2; ++k) {
        if (shape.size() == 4 && is_nhwc_without_doubt(inputs[k])) {
          return strides_in_order(shape, {0, 2, 3, 1});
        }
        if (shape.size() == 3 && is_nhwc_without_doubt(inputs[k])) {  // a batch of one, dropped
          return strides_in_order(shape, {1, 2, 0});
        }
      }
      break;
    default:
      break;
  }
  return strides_in_order(shape, all_dims(shape));
}

}  // namespace

void expect_strides(const Sample& sample, const Trial& run) {
  std::vector<Laid> inputs;
  for (const Placed& placed : run.placed) {
    inputs.push_back({shape_of(placed.tensor()), strides_of(placed.tensor())});
  }
  size_t returned = run.results.size();  // the others are written arguments
  for (int i : sample.written) {
    const bool given =
        size_t(i) < run.values.size() && std::holds_alternative<Tensor>(run.values[size_t(i)]);
    returned -= given ? 1 : 0;
  }
  for (size_t k = 0; k < returned; ++k) {
    const Tensor& result = run.results[k];
    const Shape shape = shape_of(result);
    if (sample.strides == Strides::kUnchecked || result.numel() == 0) continue;
    if (sample.strides == Strides::kTarget) {
      EXPECT_TRUE(result.same(run.placed[0].tensor())) << "the result is not the target";
      continue;
    }
    if (sample.strides == Strides::kView) {
      EXPECT_EQ(result.impl()->storage.get(), run.placed[0].tensor().impl()->storage.get())
          << "the result is no view of the input";
      continue;
    }
    Shape got = strides_of(result), want = expected_strides(sample.strides, inputs, shape);
    for (size_t d = 0; d < shape.size(); ++d) {
      if (shape[d] == 1) got[d] = want[d] = 1;  // says nothing
    }
    EXPECT_EQ(to_string(want), to_string(got))
        << "strides of result " << k << ", shape " << to_string(shape);
  }
}

}  // namespace entasis::matrix
