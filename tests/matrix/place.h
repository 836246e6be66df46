// From arrays to tensors in every layout, and back; and the check that a call wrote only what it
// may.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <entasis/core/tensor.h>

#include "array.h"

namespace entasis::matrix {

enum class Layout {
  kContiguous,
  kTransposed,    // dimensions in reversed order in memory
  kSliced,        // every second element of a larger tensor, from a start inside of it
  kBroadcast,     // stride 0 along the first dimension
  kMisaligned,    // one element behind an aligned address
  kChannelsLast,  // 4-d only
  kMixed,         // the arguments differ from each other
};
inline constexpr Layout kLayouts[] = {
    Layout::kContiguous, Layout::kTransposed,   Layout::kSliced, Layout::kBroadcast,
    Layout::kMisaligned, Layout::kChannelsLast, Layout::kMixed};
const char* name_of(Layout layout);
// The layout of argument `position` in a call laid out so.
Layout layout_of_argument(Layout layout, int position);
// Whether the layout says something new about an array of this shape.
bool tells_apart(Layout layout, const Shape& shape);
// What kBroadcast can hold: the first slice, repeated.
Array repeated(const Array& array);

// Strides of `shape` in this layout, in elements; `offset` is where the first one lies.
struct Placing {
  Shape strides;
  int64_t offset = 0;
  int64_t extent = 0;  // elements of memory
};
Placing placing_of(const Shape& shape, Layout layout);

// Where the tests place their tensors: the CPU, or what ENTASIS_MATRIX_DEVICE in the environment
// names.
Device device_under_test();
// Why tests have to skip for want of such a device; empty if there is one.
std::string why_not_under_test();

// A tensor inside a larger block of memory that is filled with a pattern.
class Placed {
 public:
  Placed(const Array& array, Layout layout, Device device = device_under_test());
  const Tensor& tensor() const { return tensor_; }
  // Whether memory beside the tensor's elements has changed, or, unless `written`, any of it.
  bool disturbed(bool written) const;

 private:
  Tensor base_, tensor_;
  std::vector<char> before_;
};

// The elements of a tensor.
Array read(const Tensor& tensor);
Shape shape_of(const Tensor& tensor);
Shape strides_of(const Tensor& tensor);
// Elements, dtype, shape and strides agree to the bit.
bool same_bits(const Tensor& a, const Tensor& b);

}  // namespace entasis::matrix
