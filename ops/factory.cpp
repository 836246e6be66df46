// Factories: an empty tensor and an op that fills it.
#include <entasis/ops/factory.h>

#include <cmath>
#include <cstring>
#include <utility>

#include <entasis/core/backend.h>
#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory_internal.h>
#include <entasis/ops/like_internal.h>
#include <entasis/ops/placed_internal.h>

namespace entasis {

template <>
struct Rule<Arange> : FillRule<Arange> {};
template <>
struct Rule<Linspace> : FillRule<Linspace> {};
template <>
struct Rule<Logspace> : FillRule<Logspace> {};
template <>
struct Rule<Eye> : FillRule<Eye> {};

Tensor new_tensor(const Dims& shape, DType dtype, const TensorOptions& options) {
  check_device(options.device);
  if (options.pin_memory) {
    if (!options.device.is_cpu()) {
      throw DeviceError("only memory of the CPU can be pinned, not that of " +
                        to_string(options.device));
    }
    return empty_pinned(Spec::dense(dtype, shape));
  }
  return empty_strided(Spec::dense(dtype, shape), options.device);
}

Tensor new_tensor_like(const Tensor& input, std::optional<DType> dtype,
                       std::optional<Device> device) {
  const Operand operand(input);
  if (!operand.is_tensor()) throw ValueError("the input is an undefined tensor");
  const Device where = device.value_or(input.device());
  check_device(where);
  return empty_strided(pointwise_spec(dtype.value_or(input.dtype()), {&operand, 1}), where);
}

Tensor finish(Tensor tensor, const TensorOptions& options, Location at) {
  if (options.requires_grad) tensor.requires_grad_(true, at);
  return tensor;
}

namespace {

constexpr DType kDefaultDType = kF32;

// Runs `fill(tensor)` on a new tensor. The frame lets errors and traces name the factory.
template <class Fill>
Tensor make(const char* name, const Dims& shape, const TensorOptions& options, DType fallback,
            Location at, Fill fill) {
  const Frame frame(name, at);
  Tensor tensor = placed(
      name, at, [&] { return new_tensor(shape, options.dtype.value_or(fallback), options); });
  fill(tensor);
  return finish(std::move(tensor), options, at);
}

// The same in the form of `input`.
template <class Fill>
Tensor make_like(const char* name, const Tensor& input, std::optional<DType> dtype,
                 std::optional<Device> device, bool requires_grad, Location at, Fill fill) {
  const Frame frame(name, at);
  Tensor tensor = placed(name, at, [&] { return new_tensor_like(input, dtype, device); });
  fill(tensor);
  if (requires_grad) tensor.requires_grad_(true, at);
  return tensor;
}

// ---- arange

// How many numbers start, start + step, … lie below end. Integers count exactly; floats count
// ceil((end - start) / step) in f64, as PyTorch does.
int64_t count_steps(Number start, Number end, Number step) {
  const std::string range =
      "from " + to_string(start) + " to " + to_string(end) + " by " + to_string(step);
  if (!start.is_floating() && !end.is_floating() && !step.is_floating()) {
    const __int128 distance = __int128(end.to_int()) - start.to_int();
    const __int128 s = step.to_int();
    if (s == 0) throw ValueError("the step is 0, " + range);
    if (distance != 0 && (distance > 0) != (s > 0)) {
      throw ValueError("the step leads away from the end, " + range);
    }
    const __int128 count = (distance + s - (s > 0 ? 1 : -1)) / s;
    if (count > INT64_MAX) throw ValueError("too many elements, " + range);
    return int64_t(count);
  }
  const double a = start.to_double(), b = end.to_double(), s = step.to_double();
  if (s == 0) throw ValueError("the step is 0, " + range);
  if (!std::isfinite(a) || !std::isfinite(b) || std::isnan(s)) {
    throw ValueError("the bounds must be finite, " + range);
  }
  if (a != b && (b > a) != (s > 0)) throw ValueError("the step leads away from the end, " + range);
  const double count = std::ceil((b - a) / s);
  if (!(count < 0x1p63)) throw ValueError("too many elements, " + range);
  return int64_t(count);
}

bool is_whole(Number number) {
  return !number.is_floating() || (std::trunc(number.to_double()) == number.to_double() &&
                                   std::abs(number.to_double()) < 0x1p63);
}

// The range of values of an integer dtype. Those of u64 above 2^63 have no Number.
void check_fits(int64_t value, DType dtype) {
  const bool fits = dispatch_dtype(dtype, [value]<class T>(TypeTag<T>) {
    if constexpr (std::is_integral_v<T>) {
      return std::in_range<std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>>(value);
    } else {
      return true;
    }
  });
  if (!fits) throw ValueError("value " + std::to_string(value) + " does not fit " + name_of(dtype));
}

Tensor make_arange(Number start, Number end, Number step, const TensorOptions& options,
                   Location at) {
  const bool integers = !start.is_floating() && !end.is_floating() && !step.is_floating();
  const DType dtype = options.dtype.value_or(integers ? kI64 : kDefaultDType);
  const Frame frame("arange", at);
  Arange op{start, step};
  Tensor tensor = placed("arange", at, [&] {
    if (dtype == kBool) throw DtypeError("dtype bool has no range of values");
    if (is_integer(dtype)) {
      for (Number n : {start, end, step}) {
        if (!is_whole(n)) {
          throw DtypeError(to_string(n) + " is not a whole number, the dtype is " + name_of(dtype));
        }
      }
      start = start.to_int(), end = end.to_int(), step = step.to_int();
      op = {start, step};
    } else {
      op = {start.to_double(), step.to_double()};
    }
    const int64_t count = count_steps(start, end, step);
    if (is_integer(dtype) && count > 0) {
      check_fits(start.to_int(), dtype);
      check_fits(int64_t(start.to_int() + __int128(count - 1) * step.to_int()), dtype);
    }
    return new_tensor({count}, dtype, options);
  });
  apply_in_place(op, at, tensor);
  return finish(std::move(tensor), options, at);
}

// Elements from the first to the last that a blob's strides reach.
int64_t blob_extent(const Dims& shape, const Dims& strides) {
  int64_t extent = 1;
  for (int i = 0; i < shape.size(); ++i) {
    int64_t reach;
    if (strides[i] < 0) throw ValueError("negative stride in " + to_string(strides));
    if (__builtin_mul_overflow(shape[i] - 1, strides[i], &reach) ||
        __builtin_add_overflow(extent, reach, &extent)) {
      throw ShapeError("strides " + to_string(strides) + " of shape " + to_string(shape) +
                       " reach too far");
    }
  }
  return extent;
}

}  // namespace

Tensor empty(const Dims& shape, const TensorOptions& options, Location at) {
  return make("empty", shape, options, kDefaultDType, at, [](Tensor&) {});
}
Tensor empty_strided(const Dims& size, const Dims& stride, const TensorOptions& options,
                     Location at) {
  return placed("empty_strided", at, [&] {
    if (size.size() != stride.size()) {
      throw ShapeError("size " + to_string(size) + " and stride " + to_string(stride) +
                       " differ in length");
    }
    check_device(options.device);
    if (count_elements(size) > 0) blob_extent(size, stride);
    const Spec spec{options.dtype.value_or(kDefaultDType), size, stride};
    if (options.pin_memory && !options.device.is_cpu()) {
      throw DeviceError("only memory of the CPU can be pinned, not that of " +
                        to_string(options.device));
    }
    return finish(options.pin_memory ? empty_pinned(spec) : empty_strided(spec, options.device),
                  options, at);
  });
}
Tensor zeros(const Dims& shape, const TensorOptions& options, Location at) {
  return make("zeros", shape, options, kDefaultDType, at, [at](Tensor& t) { zero_(t, at); });
}
Tensor ones(const Dims& shape, const TensorOptions& options, Location at) {
  return make("ones", shape, options, kDefaultDType, at, [at](Tensor& t) { fill_(t, 1, at); });
}
Tensor full(const Dims& shape, Number value, const TensorOptions& options, Location at) {
  return make("full", shape, options, value.default_dtype(), at,
              [&](Tensor& t) { fill_(t, value, at); });
}

Tensor arange(Number start, Number end, Number step, const TensorOptions& options, Location at) {
  return make_arange(start, end, step, options, at);
}
Tensor arange(Number end, const TensorOptions& options, Location at) {
  return make_arange(end.is_floating() ? Number(0.0) : Number(0), end, 1, options, at);
}

namespace {

// An unset vector for `steps` numbers, of which the first and the last are start and end.
Tensor new_sequence(Number start, Number end, int64_t steps, DType dtype,
                    const TensorOptions& options) {
  if (steps < 0) throw ValueError("steps must not be negative, it is " + std::to_string(steps));
  if (dtype == kBool) throw DtypeError("dtype bool has no range of values");
  if (is_integer(dtype)) {
    for (Number n : {start, end}) {
      if (!(std::abs(n.to_double()) < 0x1p63)) {
        throw ValueError(to_string(n) + " does not fit " + name_of(dtype));
      }
      check_fits(n.to_int(), dtype);
    }
  }
  return new_tensor({steps}, dtype, options);
}

}  // namespace

Tensor linspace(Number start, Number end, int64_t steps, const TensorOptions& options,
                Location at) {
  const Frame frame("linspace", at);
  const DType dtype = options.dtype.value_or(kDefaultDType);
  Tensor tensor =
      placed("linspace", at, [&] { return new_sequence(start, end, steps, dtype, options); });
  apply_in_place(Linspace{start.to_double(), end.to_double()}, at, tensor);
  return finish(std::move(tensor), options, at);
}

Tensor logspace(Number start, Number end, int64_t steps, double base, const TensorOptions& options,
                Location at) {
  const Frame frame("logspace", at);
  const DType dtype = options.dtype.value_or(kDefaultDType);
  Tensor tensor =
      placed("logspace", at, [&] { return new_sequence(start, end, steps, dtype, options); });
  if (is_integer(dtype)) start = start.to_int(), end = end.to_int();
  apply_in_place(Logspace{start.to_double(), end.to_double(), base}, at, tensor);
  return finish(std::move(tensor), options, at);
}

Tensor eye(int64_t n, std::optional<int64_t> m, const TensorOptions& options, Location at) {
  return make("eye", {n, m.value_or(n)}, options, kDefaultDType, at,
              [at](Tensor& t) { apply_in_place(Eye{}, at, t); });
}

Tensor empty_like(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device,
                  bool requires_grad, Location at) {
  return make_like("empty_like", input, dtype, device, requires_grad, at, [](Tensor&) {});
}
Tensor zeros_like(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device,
                  bool requires_grad, Location at) {
  return make_like("zeros_like", input, dtype, device, requires_grad, at,
                   [at](Tensor& t) { zero_(t, at); });
}
Tensor ones_like(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device,
                 bool requires_grad, Location at) {
  return make_like("ones_like", input, dtype, device, requires_grad, at,
                   [at](Tensor& t) { fill_(t, 1, at); });
}
Tensor full_like(const Tensor& input, Number fill_value, std::optional<DType> dtype,
                 std::optional<Device> device, bool requires_grad, Location at) {
  return make_like("full_like", input, dtype, device, requires_grad, at,
                   [&](Tensor& t) { fill_(t, fill_value, at); });
}

// ---- From memory

Tensor from_memory(const void* data, DType dtype, const Dims& shape, const TensorOptions& options,
                   Location at) {
  const Frame frame("from_memory", at);
  Tensor tensor = placed("from_memory", at, [&] {
    Tensor t = new_tensor(shape, dtype, {});
    if (t.numel() > 0) {
      if (data == nullptr) throw ValueError("the address is null");
      std::memcpy(t.raw(), data, size_t(t.numel()) * size_t(size_of(dtype)));
    }
    return t;
  });
  if (options.dtype) tensor = to(tensor, *options.dtype, at);
  tensor = to_device(tensor, options.device, false, at);
  if (options.pin_memory) tensor = pin_memory(tensor, at);
  return finish(std::move(tensor), options, at);
}

Tensor from_data(std::initializer_list<double> values, const Dims& shape,
                 const TensorOptions& options, Location at) {
  TensorOptions with_dtype = options;
  with_dtype.dtype = options.dtype.value_or(kDefaultDType);
  return from_data(std::span<const double>(values.begin(), values.size()), shape, with_dtype, at);
}

Tensor scalar_tensor(Number value, const TensorOptions& options, Location at) {
  return make("scalar_tensor", {}, options, value.default_dtype(), at,
              [&](Tensor& t) { fill_(t, value, at); });
}

Tensor from_blob(void* data, DType dtype, const Dims& shape, std::optional<Dims> strides,
                 Storage::Deleter deleter, void* context, Device device, Location at) {
  return placed("from_blob", at, [&] {
    if (device.is_meta()) throw DeviceError("the meta device has no memory");
    check_device(device);
    const int64_t numel = count_elements(shape);
    const Dims steps = strides.value_or(contiguous_strides(shape));
    if (steps.size() != shape.size()) {
      throw ShapeError("strides " + to_string(steps) + " do not fit shape " + to_string(shape));
    }
    const int64_t extent = numel == 0 ? 0 : blob_extent(shape, steps);
    int64_t bytes;
    if (__builtin_mul_overflow(extent, int64_t(size_of(dtype)), &bytes)) {
      throw ShapeError("shape " + to_string(shape) + " needs more than 2^63 bytes");
    }
    if (numel > 0 && data == nullptr) throw ValueError("the address is null");
    if (numel > 0 && reinterpret_cast<uintptr_t>(data) % uintptr_t(size_of(dtype)) != 0) {
      throw ValueError(std::string("the address is not aligned for ") + name_of(dtype));
    }
    // The header of an empty tensor, then moved onto the caller's memory.
    Tensor tensor = empty_strided(Spec::dense(dtype, {0}), kCPU);
    TensorImpl& impl = *tensor.impl();
    impl.device = device;
    impl.storage = Storage::borrow(data, size_t(bytes), device, deleter, context);
    impl.shape = shape;
    impl.strides = steps;
    impl.numel = numel;
    return tensor;
  });
}

namespace {
constinit const Row rows[] = {
    row<&empty_like>("empty_like", kLikeArguments,
                     "A tensor with the shape and dimension order of input, and its dtype and "
                     "device unless others are named. Its elements are unset.",
                     {.method = false}),
    row<&zeros_like>("zeros_like", kLikeArguments,
                     "Zeros with the shape and dimension order of input, and its dtype and device "
                     "unless others are named.",
                     {.method = false}),
    row<&ones_like>("ones_like", kLikeArguments,
                    "Ones with the shape and dimension order of input, and its dtype and device "
                    "unless others are named.",
                    {.method = false}),
    row<&full_like>(
        "full_like",
        args("input", "fill_value", "dtype"_a = std::nullopt, "device"_a = std::nullopt,
             "requires_grad"_a = false),
        "A tensor of one value with the shape and dimension order of input, and its dtype and "
        "device unless others are named.",
        {.method = false}),
};
constinit OpInfo* const ops[] = {&op_info<Arange>, &op_info<Linspace>, &op_info<Logspace>,
                                 &op_info<Eye>};
}  // namespace
extern const RowList rows_factory;
constinit const RowList rows_factory{rows, ops};

}  // namespace entasis
