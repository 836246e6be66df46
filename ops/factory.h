// New tensors. `dtype` defaults to f32 and `device` to the CPU, as in PyTorch; arange takes i64
// when all its numbers are integers.
#pragma once

#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include <entasis/core/error.h>
#include <entasis/core/operand.h>

namespace entasis {

struct TensorOptions {
  std::optional<DType> dtype = {};
  Device device = {};
  bool requires_grad = false;
  bool pin_memory = false;  // in page-locked memory; of the CPU only

  TensorOptions() = default;
  TensorOptions(DType dtype) : dtype(dtype) {}
  TensorOptions(Device device) : device(device) {}
  TensorOptions(std::optional<DType> dtype, Device device, bool requires_grad = false)
      : dtype(dtype), device(device), requires_grad(requires_grad) {}
  TensorOptions pinned() const {
    TensorOptions options = *this;
    options.pin_memory = true;
    return options;
  }
};

// Elements are unset.
ENTASIS_API Tensor empty(const Dims& shape, const TensorOptions& options = {}, Location at = {});
// The same with strides, in elements, that are not negative; sizes may overlap.
ENTASIS_API Tensor empty_strided(const Dims& size, const Dims& stride,
                                 const TensorOptions& options = {}, Location at = {});
ENTASIS_API Tensor zeros(const Dims& shape, const TensorOptions& options = {}, Location at = {});
ENTASIS_API Tensor ones(const Dims& shape, const TensorOptions& options = {}, Location at = {});
// The dtype defaults to that of `value`: bool, i64 or f32.
ENTASIS_API Tensor full(const Dims& shape, Number value, const TensorOptions& options = {},
                        Location at = {});
// start, start + step, … below end. Throws ValueError for step 0 or one that leads away from end.
ENTASIS_API Tensor arange(Number start, Number end, Number step = 1,
                          const TensorOptions& options = {}, Location at = {});
ENTASIS_API Tensor arange(Number end, const TensorOptions& options = {}, Location at = {});
// `steps` numbers from start to end, both included.
ENTASIS_API Tensor linspace(Number start, Number end, int64_t steps,
                            const TensorOptions& options = {}, Location at = {});
// base to the power of such numbers: from base^start to base^end. An integer dtype truncates start
// and end first, as PyTorch does.
ENTASIS_API Tensor logspace(Number start, Number end, int64_t steps, double base = 10,
                            const TensorOptions& options = {}, Location at = {});
// The identity; `m` columns, by default n.
ENTASIS_API Tensor eye(int64_t n, std::optional<int64_t> m = {}, const TensorOptions& options = {},
                       Location at = {});

// Uniform in [0, 1).
ENTASIS_API Tensor rand(const Dims& shape, const TensorOptions& options = {}, Location at = {});
// Standard normal (Box-Muller).
ENTASIS_API Tensor randn(const Dims& shape, const TensorOptions& options = {}, Location at = {});
// Uniform integers in [low, high); i64 by default.
ENTASIS_API Tensor randint(int64_t low, int64_t high, const Dims& shape,
                           const TensorOptions& options = {}, Location at = {});
// A random permutation of 0 … n-1, i64.
ENTASIS_API Tensor randperm(int64_t n, const TensorOptions& options = {}, Location at = {});

// The shape and dimension order of `input`, and its dtype and device unless others are named.
ENTASIS_API Tensor empty_like(const Tensor& input, std::optional<DType> dtype = {},
                              std::optional<Device> device = {}, bool requires_grad = false,
                              Location at = {});
ENTASIS_API Tensor zeros_like(const Tensor& input, std::optional<DType> dtype = {},
                              std::optional<Device> device = {}, bool requires_grad = false,
                              Location at = {});
ENTASIS_API Tensor ones_like(const Tensor& input, std::optional<DType> dtype = {},
                             std::optional<Device> device = {}, bool requires_grad = false,
                             Location at = {});
ENTASIS_API Tensor full_like(const Tensor& input, Number fill_value,
                             std::optional<DType> dtype = {}, std::optional<Device> device = {},
                             bool requires_grad = false, Location at = {});
ENTASIS_API Tensor rand_like(const Tensor& input, std::optional<DType> dtype = {},
                             std::optional<Device> device = {}, bool requires_grad = false,
                             Location at = {});
ENTASIS_API Tensor randn_like(const Tensor& input, std::optional<DType> dtype = {},
                              std::optional<Device> device = {}, bool requires_grad = false,
                              Location at = {});

// In-place draws from the current generator; they return `input`.
ENTASIS_API Tensor uniform_(Tensor input, double low = 0, double high = 1, Location at = {});
ENTASIS_API Tensor normal_(Tensor input, double mean = 0, double std = 1, Location at = {});

// A copy of `count` elements of type `dtype` at `data`.
ENTASIS_API Tensor from_memory(const void* data, DType dtype, const Dims& shape,
                               const TensorOptions& options = {}, Location at = {});
// A copy of the values. Throws ShapeError unless their number fits the shape.
template <class T>
Tensor from_data(std::span<const T> values, const Dims& shape, const TensorOptions& options = {},
                 Location at = {}) {
  if (int64_t(values.size()) != count_elements(shape)) {
    throw ShapeError("from_data: " + std::to_string(values.size()) + " values do not fill shape " +
                         to_string(shape),
                     at);
  }
  return from_memory(values.data(), dtype_of<T>, shape, options, at);
}
template <class T>
Tensor from_data(const std::vector<T>& values, const Dims& shape, const TensorOptions& options = {},
                 Location at = {}) {
  return from_data(std::span<const T>(values), shape, options, at);
}
// `from_data({1.5, 2, 3}, {3})`: f32 unless options say otherwise.
ENTASIS_API Tensor from_data(std::initializer_list<double> values, const Dims& shape,
                             const TensorOptions& options = {}, Location at = {});
// A 0-d tensor.
ENTASIS_API Tensor scalar_tensor(Number value, const TensorOptions& options = {}, Location at = {});
// A tensor over memory that the caller owns and keeps alive; `deleter(context, data)` runs when the
// last tensor on it has died and `device` is done with it. Row-major dense, or with `strides`. A
// device's memory is taken as the device's current stream finds it.
ENTASIS_API Tensor from_blob(void* data, DType dtype, const Dims& shape,
                             std::optional<Dims> strides = {}, Storage::Deleter deleter = nullptr,
                             void* context = nullptr, Device device = {}, Location at = {});

}  // namespace entasis
