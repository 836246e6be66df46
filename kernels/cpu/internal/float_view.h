// Operands of structured kernels as arrays of the type they compute in: the tensor's own memory
// where that is its dtype, else a converted dense copy (half types compute in float).
#pragma once

#include <algorithm>
#include <type_traits>

#include <entasis/backends/cpu/memory.h>
#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/operand.h>
#include <entasis/kernels/cpu/internal/convert_half.h>

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

// Memory for the time of a kernel, from the caching allocator: whole operands are too large for the
// thread's Scratch, which is never given back.
class Workspace {
 public:
  explicit Workspace(size_t bytes) : data_(allocate(bytes)), bytes_(bytes) {}
  ~Workspace() { deallocate(data_, bytes_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
  size_t bytes_;
};

template <class T>
inline constexpr bool kIsHalf = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

// Copies n elements of one type to another's, both adjacent.
template <class To, class From>
void convert_run(const From* from, int64_t n, To* to) {
  if constexpr (std::is_same_v<To, From>) {
    std::copy_n(from, n, to);
  } else if constexpr ((std::is_same_v<To, float> && kIsHalf<From>) ||
                       (kIsHalf<To> && std::is_same_v<From, float>)) {
    convert_adjacent(to, from, n);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i]);
  }
}

// Elements that one thread converts as fast as several.
inline constexpr int64_t kSerialElements = 32768;

// Copies the elements of a strided tensor, in row-major order, to `out`.
template <class To, class From>
void copy_dense(const From* data, const Dims& shape, const Dims& strides, To* out) {
  const int rank = shape.size();
  const int64_t count = count_elements(shape);
  if (count == 0) return;
  const int64_t row = rank == 0 ? 1 : shape[rank - 1], step = rank == 0 ? 1 : strides[rank - 1];
  const int64_t rows = count / row;
  const int64_t grain =
      count <= kSerialElements ? rows : std::max<int64_t>(1, kSerialElements / 4 / row);
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    int64_t at[kMaxDims] = {};
    int64_t rest = begin;
    for (int d = rank - 2; d >= 0; --d) {
      at[d] = rest % shape[d];
      rest /= shape[d];
    }
    for (int64_t r = begin; r < end; ++r) {
      const From* from = data;
      for (int d = 0; d < rank - 1; ++d) from += at[d] * strides[d];
      To* const to = out + r * row;
      if (step == 1) {
        convert_run(from, row, to);
      } else {
        for (int64_t i = 0; i < row; ++i) to[i] = convert<To>(from[i * step]);
      }
      for (int d = rank - 2; d >= 0 && ++at[d] == shape[d]; --d) at[d] = 0;
    }
  });
}

template <class T>
class InputView {
 public:
  enum Layout { kAny, kDense };
  explicit InputView(const Tensor& t, Layout layout = kAny)
      : converts_(t.dtype() != dtype_of<T> || (layout == kDense && !t.is_contiguous())),
        workspace_(converts_ ? size_t(t.numel()) * sizeof(T) : 0) {
    view_.shape = t.shape();
    if (!converts_) {
      view_.data = t.raw_as<const T>();
      view_.strides = t.strides();
      return;
    }
    T* dense = workspace_.template as<T>();
    if (t.dtype() == kF16) {
      copy_dense(t.raw_as<const Half>(), t.shape(), t.strides(), dense);
    } else if (t.dtype() == kBF16) {
      copy_dense(t.raw_as<const BFloat16>(), t.shape(), t.strides(), dense);
    } else {
      copy_dense(t.raw_as<const T>(), t.shape(), t.strides(), dense);
    }
    view_.data = dense;
    view_.strides = contiguous_strides(t.shape());
  }
  const TensorView<T>& view() const { return view_; }
  const T* data() const { return view_.data; }

 private:
  bool converts_;
  Workspace workspace_;
  TensorView<T> view_;
};

// A dense output in the tensor's memory order; converted back when the view dies.
template <class T>
class OutputView {
 public:
  explicit OutputView(Tensor& t)
      : tensor_(t),
        converts_(t.dtype() != dtype_of<T>),
        workspace_(converts_ ? size_t(t.numel()) * sizeof(T) : 0) {}
  ~OutputView() {
    if (!converts_) return;
    if (tensor_.dtype() == kF16) {
      write_back(tensor_.raw_as<Half>());
    } else {
      write_back(tensor_.raw_as<BFloat16>());
    }
  }
  T* data() const { return converts_ ? workspace_.template as<T>() : tensor_.raw_as<T>(); }

 private:
  template <class To>
  void write_back(To* out) {
    const T* from = workspace_.template as<T>();
    const int64_t n = tensor_.numel();
    const int64_t grain = n <= kSerialElements ? std::max<int64_t>(1, n) : kSerialElements / 4;
    parallel_for(n, grain, [&](int64_t begin, int64_t end) {
      convert_run(from + begin, end - begin, out + begin);
    });
  }
  Tensor& tensor_;
  bool converts_;
  Workspace workspace_;
};

}  // namespace entasis::cpu
