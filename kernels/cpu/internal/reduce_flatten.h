// The elements of tensors in row-major order, whatever their strides and dtype: whole tensors as
// arrays, or stretches of them for kernels that work row by row.
#pragma once

#include <cstdint>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/tensor.h>
#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>

namespace entasis::cpu {

// C is the type that a kernel computes in.
template <class C>
class RowMajor {
 public:
  explicit RowMajor(const Tensor& t)
      : data_(static_cast<char*>(t.raw())),
        element_size_(size_of(t.dtype())),
        walk_(WalkOrder::kRowMajor, t.shape(), {&t.strides()}),
        read_(find_converter(dtype_of<C>, t.dtype())),
        write_(find_converter(t.dtype(), dtype_of<C>)),
        direct_(t.dtype() == dtype_of<C> && walk_.is_contiguous(0)) {}

  // Elements [begin, end): themselves if they lie so in memory, else a copy of them in `buffer`.
  const C* read(int64_t begin, int64_t end, C* buffer) const {
    if (direct_) return reinterpret_cast<const C*>(data_) + begin;
    copy(begin, end, buffer);
    return buffer;
  }
  void copy(int64_t begin, int64_t end, C* to) const {
    walk_.runs(begin, end, [&](const auto& offsets, int64_t count) {
      read_(to, 1, data_ + offsets[0] * element_size_, walk_.step(0), count);
      to += count;
    });
  }

  // Where to write elements from `begin` on, and after that: puts them where they belong.
  C* start_write(int64_t begin, C* buffer) const {
    return direct_ ? reinterpret_cast<C*>(data_) + begin : buffer;
  }
  void finish_write(int64_t begin, int64_t end, const C* from) const {
    if (direct_) return;
    walk_.runs(begin, end, [&](const auto& offsets, int64_t count) {
      write_(data_ + offsets[0] * element_size_, walk_.step(0), from, 1, count);
      from += count;
    });
  }

 private:
  char* data_;
  int64_t element_size_;
  StridedWalk<1> walk_;
  ConvertRun read_;
  ConvertRun write_;
  bool direct_;
};

template <class C>
std::vector<C> flattened(const Tensor& t) {
  constexpr int64_t kGrain = 32768;
  std::vector<C> values(static_cast<size_t>(t.numel()));
  const RowMajor<C> elements(t);
  parallel_for(t.numel(), kGrain, [&](int64_t begin, int64_t end) {
    elements.copy(begin, end, values.data() + begin);
  });
  return values;
}

}  // namespace entasis::cpu
