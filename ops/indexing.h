// Subscripts: x[2], x.index({Slice(0, 3), kEllipsis, kNewAxis, ids}), x.index_put_({mask}, 0).
#pragma once

#include <concepts>
#include <optional>
#include <span>

#include <entasis/core/operand.h>

namespace entasis {

// start:stop:step of Python, each of which may be left out; step >= 1.
struct Slice {
  std::optional<int64_t> start, stop;
  int64_t step = 1;
  Slice() = default;
  Slice(std::optional<int64_t> start, std::optional<int64_t> stop, int64_t step = 1)
      : start(start), stop(stop), step(step) {}
};
struct EllipsisIndex {};
struct NewAxisIndex {};
inline constexpr EllipsisIndex kEllipsis;
inline constexpr NewAxisIndex kNewAxis;

// One entry of a subscript.
class Index {
 public:
  enum class Kind : uint8_t { kInteger, kSlice, kEllipsis, kNewAxis, kTensor };
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Index(T integer, Location at = {}) : kind(Kind::kInteger), integer(int64_t(integer)), at(at) {}
  Index(Slice slice, Location at = {}) : kind(Kind::kSlice), slice(slice), at(at) {}
  Index(EllipsisIndex, Location at = {}) : kind(Kind::kEllipsis), at(at) {}
  Index(NewAxisIndex, Location at = {}) : kind(Kind::kNewAxis), at(at) {}
  // Integer indices of any shape, or a bool mask for as many dimensions as it has (a 0-d one for a
  // new axis).
  Index(const Tensor& tensor, Location at = {}) : kind(Kind::kTensor), tensor(tensor), at(at) {}

  Kind kind;
  int64_t integer = 0;
  Slice slice;
  Tensor tensor;
  Location at;
};

// PyTorch's rules, which are NumPy's but for integers beside index tensors: integers, 0-d integer
// tensors, slices, ellipsis and new axes make a view; index tensors broadcast together and gather
// (their result dimensions stand where they stood if they were adjacent, else first). A mask stands
// for the index tensors that nonzero() gives of it. Throws IndexError.
ENTASIS_API Tensor index(const Tensor& input, std::span<const Index> indices, Location at = {});

// Writes values, broadcast, where index() of the same subscript would read, in place: x[indices] =
// values. Leading dimensions of size 1 that values has too many do not count. A place that index
// tensors name several times takes the last of its values; with `accumulate` all are added to what
// is there. Values have input's dtype, but for those of a view and the one number of a mask. The
// gradient of the values is read at their places, of each place that is named. Throws IndexError,
// ShapeError, DtypeError.
ENTASIS_API Tensor index_put_(Tensor input, std::span<const Index> indices, const Tensor& values,
                              bool accumulate = false, Location at = {});
// With index tensors or masks for the first dimensions.
ENTASIS_API Tensor index_put_(Tensor input, const Tensors& indices, const Tensor& values,
                              bool accumulate = false, Location at = {});
// The same in a copy.
ENTASIS_API Tensor index_put(const Tensor& input, const Tensors& indices, const Tensor& values,
                             bool accumulate = false, Location at = {});

// The positions of the elements that are not zero: i64 [count, rank], in row-major order. Waits for
// the device, since the shape depends on values.
ENTASIS_API Tensor nonzero(const Tensor& input, Location at = {});

}  // namespace entasis
