#include "place.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include <entasis/core/backend.h>
#include <entasis/core/error.h>

namespace entasis::matrix {

const char* name_of(Layout layout) {
  constexpr const char* names[] = {"contiguous", "transposed",    "sliced", "broadcast",
                                   "misaligned", "channels_last", "mixed"};
  return names[int(layout)];
}

Layout layout_of_argument(Layout layout, int position) {
  if (layout != Layout::kMixed) return layout;
  constexpr Layout order[] = {Layout::kTransposed, Layout::kSliced, Layout::kContiguous,
                              Layout::kMisaligned};
  return order[position % 4];
}

bool tells_apart(Layout layout, const Shape& shape) {
  const int64_t n = numel_of(shape);
  switch (layout) {
    case Layout::kTransposed:
      return shape.size() >= 2 && n > 1;
    case Layout::kBroadcast:
      return !shape.empty() && shape[0] > 1 && n > 1;
    case Layout::kChannelsLast:
      return shape.size() == 4 && n > 1;
    case Layout::kSliced:
    case Layout::kMisaligned:
      return n > 0;
    default:
      return true;
  }
}

Array repeated(const Array& array) {
  Array result = array;
  const size_t slice = size_t(array.numel() / std::max<int64_t>(array.shape[0], 1));
  for (size_t i = 0; i < result.values.size(); ++i) result.values[i] = array.values[i % slice];
  return result;
}

Placing placing_of(const Shape& shape, Layout layout) {
  const size_t rank = shape.size();
  std::vector<size_t> order;  // outermost first
  for (size_t d = 0; d < rank; ++d) order.push_back(d);
  if (!tells_apart(layout, shape)) layout = Layout::kContiguous;
  if (layout == Layout::kTransposed) std::reverse(order.begin(), order.end());
  if (layout == Layout::kChannelsLast) order = {0, 2, 3, 1};
  const int64_t gap = layout == Layout::kSliced ? 2 : 1;

  Placing placing{Shape(rank, 1)};
  int64_t stride = gap;
  for (size_t k = rank; k-- > 0;) {
    const size_t d = order[k];
    placing.strides[d] = layout == Layout::kBroadcast && d == 0 ? 0 : stride;
    // A slice leaves out an element at the end of each dimension too.
    stride *= std::max<int64_t>(shape[d], 1) + (layout == Layout::kSliced ? 1 : 0);
  }
  placing.offset = layout == Layout::kSliced ? 3 : layout == Layout::kMisaligned ? 1 : 0;
  placing.extent = placing.offset + stride;
  return placing;
}

namespace {

constexpr unsigned char kPattern = 0x5b;

// Calls f(byte offset) for each element, in row-major order.
template <class F>
void each_offset(const Shape& shape, const Shape& strides, int64_t offset, int64_t bytes, F f) {
  each_index(shape, [&](const Index& index) {
    int64_t at = offset;
    for (size_t d = 0; d < index.size(); ++d) at += index[d] * strides[d];
    f(at * bytes);
  });
}

template <class T>
void store(char* to, Real value) {
  const T element = static_cast<T>(value);
  std::memcpy(to, &element, sizeof element);
}
template <class T>
T load(const char* from) {
  T element;
  std::memcpy(&element, from, sizeof element);
  return element;
}

// The bits of a value that a 16-bit format with this many stored significand bits holds exactly.
uint16_t half_bits(Real value, int fraction_bits, int min_exponent) {
  const int exponent_bits = 15 - fraction_bits;
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const uint16_t infinity = uint16_t(((1 << exponent_bits) - 1) << fraction_bits);
  if (std::isnan(value)) return uint16_t(sign | infinity | (1 << (fraction_bits - 1)));
  if (std::isinf(value)) return uint16_t(sign | infinity);
  if (value == 0) return sign;
  const int exponent = std::max(std::ilogb(value), min_exponent);
  const auto significand =
      uint16_t(std::ldexp(std::abs(value), fraction_bits - exponent));  // with its hidden bit
  const int biased = significand >> fraction_bits ? exponent - min_exponent + 1 : 0;
  return uint16_t(sign | (biased << fraction_bits) | (significand & ((1 << fraction_bits) - 1)));
}
Real half_value(uint16_t bits, int fraction_bits, int min_exponent) {
  const int exponent_bits = 15 - fraction_bits;
  const Real sign = bits & 0x8000 ? -1 : 1;
  const int biased = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const int fraction = bits & ((1 << fraction_bits) - 1);
  if (biased == (1 << exponent_bits) - 1) {
    return fraction ? std::copysign(Real(NAN), sign) : sign * Real(INFINITY);
  }
  const int significand = biased ? fraction + (1 << fraction_bits) : fraction;
  const int exponent = biased ? biased - 1 + min_exponent : min_exponent;
  return sign * std::ldexp(Real(significand), exponent - fraction_bits);
}

void store_as(DType dtype, char* to, Real value) {
  switch (dtype) {
    case kF32:
      return store<float>(to, value);
    case kF64:
      return store<double>(to, value);
    case kF16: {
      const uint16_t bits = half_bits(value, 10, -14);
      std::memcpy(to, &bits, 2);
      return;
    }
    case kBF16: {
      const uint16_t bits = half_bits(value, 7, -126);
      std::memcpy(to, &bits, 2);
      return;
    }
    case kI8:
      return store<int8_t>(to, value);
    case kI16:
      return store<int16_t>(to, value);
    case kI32:
      return store<int32_t>(to, value);
    case kI64:
      return store<int64_t>(to, value);
    case kU8:
      return store<uint8_t>(to, value);
    case kU16:
      return store<uint16_t>(to, value);
    case kU32:
      return store<uint32_t>(to, value);
    case kU64:
      return store<uint64_t>(to, value);
    default:
      return store<uint8_t>(to, value != 0);
  }
}

Real load_as(DType dtype, const char* from) {
  switch (dtype) {
    case kF32:
      return load<float>(from);
    case kF64:
      return load<double>(from);
    case kF16:
      return half_value(load<uint16_t>(from), 10, -14);
    case kBF16:
      return half_value(load<uint16_t>(from), 7, -126);
    case kI8:
      return load<int8_t>(from);
    case kI16:
      return load<int16_t>(from);
    case kI32:
      return load<int32_t>(from);
    case kI64:
      return load<int64_t>(from);
    case kU8:
      return load<uint8_t>(from);
    case kU16:
      return load<uint16_t>(from);
    case kU32:
      return load<uint32_t>(from);
    case kU64:
      return load<uint64_t>(from);
    default:
      return load<uint8_t>(from);
  }
}

Dims dims_of(const Shape& shape) { return Dims(std::span<const int64_t>(shape)); }

}  // namespace

Device device_under_test() {
  static const Device device = [] {
    const char* asked = std::getenv("ENTASIS_MATRIX_DEVICE");
    return asked ? Device::parse(asked) : Device();
  }();
  return device;
}

std::string why_not_under_test() {
  if (device_count(device_under_test().type) > 0) return "";
  return "no CUDA device: " + why_no_device(device_under_test().type);
}

namespace {

// The memory behind a tensor as the host sees it: its storage, or a copy of that.
class HostView {
 public:
  explicit HostView(const Tensor& tensor) {
    const Storage& storage = *tensor.impl()->storage;
    const Device device = tensor.device();
    memory_ = static_cast<const char*>(storage.data);
    if (!device.is_cpu() && storage.bytes > 0) {
      copy_.resize(storage.bytes);
      Backend& backend = backend_of(device.type);
      const StreamId stream = backend.current_stream(device.index);
      backend.copy(copy_.data(), kCPU, storage.data, device, storage.bytes, stream, false);
      backend.synchronize_stream(stream);
      memory_ = copy_.data();
    }
    first_ = memory_ + tensor.storage_offset() * size_of(tensor.dtype());
  }
  const char* memory() const { return memory_; }        // the storage's start
  const char* first_element() const { return first_; }  // the tensor's

 private:
  std::vector<char> copy_;
  const char* memory_ = nullptr;
  const char* first_ = nullptr;
};

}  // namespace

Placed::Placed(const Array& array, Layout layout, Device device) {
  const Placing placing = placing_of(array.shape, layout);
  base_ = empty_strided(Spec::dense(array.dtype, {placing.extent}), device);
  if (!device.is_meta() && placing.extent > 0) {
    const int64_t bytes = size_of(array.dtype);
    before_.assign(size_t(placing.extent * bytes), array.dtype == kBool ? 1 : kPattern);
    size_t next = 0;
    each_offset(array.shape, placing.strides, placing.offset, bytes, [&](int64_t at) {
      store_as(array.dtype, before_.data() + at, array.values[next++]);
    });
    Backend& backend = backend_of(device.type);
    backend.copy(base_.raw(), device, before_.data(), kCPU, before_.size(),
                 backend.current_stream(device.index), false);
  }
  tensor_ = alias(base_, {dims_of(array.shape), dims_of(placing.strides), placing.offset});
}

bool Placed::disturbed(bool written) const {
  std::vector<char> now(before_.size());
  if (!now.empty()) std::memcpy(now.data(), HostView(base_).memory(), now.size());
  if (written) {
    const int64_t bytes = size_of(tensor_.dtype());
    each_offset(
        shape_of(tensor_), strides_of(tensor_), tensor_.storage_offset(), bytes,
        [&](int64_t at) { std::memcpy(now.data() + at, before_.data() + at, size_t(bytes)); });
  }
  return now != before_;
}

Shape shape_of(const Tensor& tensor) { return Shape(tensor.shape().begin(), tensor.shape().end()); }
Shape strides_of(const Tensor& tensor) {
  return Shape(tensor.strides().begin(), tensor.strides().end());
}

Array read(const Tensor& tensor) {
  Array array{tensor.dtype(), shape_of(tensor), {}};
  const HostView view(tensor);
  const char* memory = view.first_element();
  each_offset(array.shape, strides_of(tensor), 0, size_of(tensor.dtype()),
              [&](int64_t at) { array.values.push_back(load_as(array.dtype, memory + at)); });
  return array;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (!(a.spec() == b.spec())) return false;
  const HostView view_a(a), view_b(b);
  const char* left = view_a.first_element();
  const char* right = view_b.first_element();
  if (a.is_contiguous()) {
    return a.numel() == 0 || std::memcmp(left, right, size_t(a.numel() * size_of(a.dtype()))) == 0;
  }
  bool same = true;
  each_offset(shape_of(a), strides_of(a), 0, size_of(a.dtype()), [&](int64_t at) {
    same = same && std::memcmp(left + at, right + at, size_t(size_of(a.dtype()))) == 0;
  });
  return same;
}

}  // namespace entasis::matrix
