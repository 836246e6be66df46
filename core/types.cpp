// Names, promotion and text of the small value types: dtypes, devices, shapes, numbers.
#include <charconv>
#include <cstdio>

#include <entasis/core/device.h>
#include <entasis/core/dims.h>
#include <entasis/core/dtype.h>
#include <entasis/core/error.h>
#include <entasis/core/ints.h>
#include <entasis/core/number.h>
#include <entasis/core/spec.h>

namespace entasis {
namespace {

struct DTypeNames {
  const char* name;
  const char* torch;
};
constexpr DTypeNames kDTypeNames[] = {
    {"f32", "float32"},
    {"f64", "float64"},
    {"f16", "float16"},
    {"bf16", "bfloat16"},
    {"i8", "int8"},
    {"i16", "int16"},
    {"i32", "int32"},
    {"i64", "int64"},
    {"u8", "uint8"},
    {"u16", "uint16"},
    {"u32", "uint32"},
    {"u64", "uint64"},
    {"bool", "bool"},
    {"c64", "complex64"},
    {"c128", "complex128"},
    {"f8e4m3", "float8_e4m3fn"},
    {"f8e5m2", "float8_e5m2"},
};

}  // namespace

const char* name_of(DType dtype) { return kDTypeNames[int(dtype)].name; }

DType dtype_from_name(std::string_view name) {
  for (int i = 0; i < kDTypes; ++i) {
    if (name == kDTypeNames[i].name || name == kDTypeNames[i].torch) return DType(i);
  }
  if (name.starts_with("complex") || name == "c64" || name == "c128" || name == "cfloat" ||
      name == "cdouble") {
    throw DtypeError("there are no complex numbers yet: dtype '" + std::string(name) +
                     "' is not supported; keep real and imaginary parts as two tensors");
  }
  throw DtypeError("no dtype is called '" + std::string(name) + "'");
}

void throw_unsupported_dtype(DType dtype) {
  throw DtypeError(std::string("dtype ") + name_of(dtype) + " is not supported here");
}

DType promote_types(DType a, DType b) {
  if (a == b) return a;
  const Category ca = category_of(a), cb = category_of(b);
  if (ca != cb) return ca > cb ? a : b;
  if (ca == Category::kFloating) {
    // f16 and bf16 meet in f32; otherwise the wider wins.
    if (is_half(a) && is_half(b)) return kF32;
    return size_of(a) > size_of(b) ? a : b;
  }
  const bool unsigned_a = is_unsigned(a), unsigned_b = is_unsigned(b);
  if (unsigned_a == unsigned_b) return size_of(a) > size_of(b) ? a : b;
  // u8 joins the signed types; the wider unsigned types have no common type with them in PyTorch.
  const DType u = unsigned_a ? a : b, s = unsigned_a ? b : a;
  if (u != kU8) {
    throw DtypeError(std::string("no common dtype for ") + name_of(a) + " and " + name_of(b));
  }
  return s == kI8 ? kI16 : s;
}

const char* name_of(DeviceType type) {
  constexpr const char* names[] = {"cpu", "cuda", "meta"};
  return names[int(type)];
}

std::string to_string(Device device) {
  std::string text = name_of(device.type);
  if (device.is_cuda()) text += ":" + std::to_string(device.index);
  return text;
}

Device Device::parse(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view type = text.substr(0, colon);
  int index = 0;
  bool good = true;
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    good =
        error == std::errc() && end == digits.data() + digits.size() && index >= 0 && index < 256;
  }
  for (int i = 0; good && i < kDeviceTypes; ++i) {
    const DeviceType found = DeviceType(i);
    if (type != name_of(found)) continue;
    return colon == std::string_view::npos ? current_device(found) : Device(found, index);
  }
  throw ValueError("no device is called '" + std::string(text) +
                   "' (known: cpu, cuda, cuda:N, meta)");
}

void throw_too_many_dims(int64_t count) {
  throw ShapeError(std::to_string(count) + " dimensions; at most " + std::to_string(kMaxDims) +
                   " are supported");
}

std::string to_string(std::span<const int64_t> values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) text += (i ? ", " : "") + std::to_string(values[i]);
  return text + "]";
}
std::string to_string(const Dims& dims) {
  return to_string(std::span<const int64_t>(dims.begin(), dims.end()));
}

namespace {

// Why a shape has no count of elements; an empty tensor may have huge other sizes.
[[gnu::cold, gnu::noinline]] int64_t count_unusual(const Dims& shape) {
  bool has_zero = false;
  for (int64_t size : shape) {
    if (size < 0) throw ShapeError("negative size in shape " + to_string(shape));
    has_zero |= size == 0;
  }
  if (has_zero) return 0;
  throw ShapeError("shape " + to_string(shape) + " has more than 2^63 elements");
}

}  // namespace

int64_t count_elements(const Dims& shape) {
  int64_t count = 1;
  bool unusual = false;
  for (int64_t size : shape) {
    unusual |= size < 0;
    unusual |= __builtin_mul_overflow(count, size, &count);
  }
  return unusual ? count_unusual(shape) : count;
}

std::string to_string(const Number& number) {
  if (number.category() == Category::kBoolean) return number.to_bool() ? "true" : "false";
  if (number.category() == Category::kInteger) return std::to_string(number.to_int());
  char text[32];
  std::snprintf(text, sizeof text, "%g", number.to_double());
  return text;
}

Dims contiguous_strides(const Dims& shape) {
  Dims strides = Dims::filled(shape.size(), 1);
  int64_t stride = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = stride;
    if (shape[i] > 1 && __builtin_mul_overflow(stride, shape[i], &stride)) {
      count_elements(shape);  // throws, unless the tensor is empty: then no stride is ever used
      stride = 1;
    }
  }
  return strides;
}

Dims channels_last_strides(const Dims& shape) {
  if (shape.size() != 4) {
    throw ShapeError("channels-last needs 4 dimensions, the shape is " + to_string(shape));
  }
  const int64_t c = shape[1], h = shape[2], w = shape[3];
  return {h * w * c, 1, w * c, c};
}

Dims broadcast_shapes(const Dims& a, const Dims& b) {
  if (a == b) return a;
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims shape = longer;
  const int lead = longer.size() - shorter.size();
  for (int i = 0; i < shorter.size(); ++i) {
    int64_t& size = shape[lead + i];
    if (size == shorter[i] || shorter[i] == 1) continue;
    if (size != 1) {
      throw ShapeError("shapes do not broadcast: " + to_string(a) + " and " + to_string(b) + " (" +
                       std::to_string(a.size() >= b.size() ? size : shorter[i]) + " vs " +
                       std::to_string(a.size() >= b.size() ? shorter[i] : size) + " in dimension " +
                       std::to_string(lead + i) + ")");
    }
    size = shorter[i];
  }
  return shape;
}

int wrap_dim(int64_t dim, int rank) {
  const int range = rank == 0 ? 1 : rank;
  if (dim < -range || dim >= range) {
    throw IndexError("dim " + std::to_string(dim) + " is out of range for " + std::to_string(rank) +
                     " dimensions (allowed: " + std::to_string(-range) + " to " +
                     std::to_string(range - 1) + ")");
  }
  return int(dim < 0 ? dim + range : dim);
}

}  // namespace entasis
