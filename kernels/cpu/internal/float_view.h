// Operands of structured kernels as arrays of the type they compute in: the tensor's own memory
// where that is its dtype, else a converted dense copy (half types compute in float).
#pragma once

#include <type_traits>

#include <entasis/core/operand.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>

namespace entasis::cpu {

// Elements with shape and strides.
template <class T>
struct TensorView {
  const T* data;
  Dims shape;
  Dims strides;
};

// Calls f with the type that a structured kernel computes `dtype` in.
template <class F>
void with_compute_type(DType dtype, F&& f) {
  if (is_half(dtype)) {
    f(TypeTag<float>{});
    return;
  }
  dispatch_dtype(dtype, [&]<class T>(TypeTag<T> tag) {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, Half> ||
                  std::is_same_v<T, BFloat16>) {
      throw_unsupported_dtype(dtype);
    } else {
      f(tag);
    }
  });
}

// The same where the rule lets only floating-point dtypes through.
template <class F>
void with_float_type(DType dtype, F&& f) {
  if (dtype == kF64) {
    f(TypeTag<double>{});
  } else {
    f(TypeTag<float>{});
  }
}

template <class T>
class InputView {
 public:
  enum Layout { kAny, kDense };
  explicit InputView(const Tensor& t, Layout layout = kAny) : tensor_(t) {
    if (t.dtype() != dtype_of<T> || (layout == kDense && !t.is_contiguous())) {
      tensor_ = empty_strided(Spec::dense(dtype_of<T>, t.shape()), kCPU);
      copy_elements(t, tensor_);
    }
    view_ = {tensor_.raw_as<const T>(), tensor_.shape(), tensor_.strides()};
  }
  const TensorView<T>& view() const { return view_; }
  const T* data() const { return view_.data; }

 private:
  Tensor tensor_;
  TensorView<T> view_;
};

// An output in the tensor's memory order; converted back when the view dies.
template <class T>
class OutputView {
 public:
  explicit OutputView(Tensor& t) : tensor_(t), written_(t) {
    if (t.dtype() != dtype_of<T>) {
      written_ = empty_strided({dtype_of<T>, t.shape(), t.strides()}, kCPU);
    }
  }
  ~OutputView() {
    if (!written_.same(tensor_)) copy_elements(written_, tensor_);
  }
  OutputView(const OutputView&) = delete;
  OutputView& operator=(const OutputView&) = delete;
  T* data() const { return written_.raw_as<T>(); }

 private:
  Tensor& tensor_;
  Tensor written_;
};

}  // namespace entasis::cpu
