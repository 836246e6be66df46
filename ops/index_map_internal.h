// Reading through an index map, and adding through it, for every device: per dimension a formula
// says which input element a result element is.
#pragma once

#include <entasis/core/op.h>

namespace entasis {

// With t = i - before, result element i along a dimension of `size` input elements is input element
enum class IndexMap : uint8_t {
  kConstant,   // t, where there is one; else the result is a constant
  kReflect,    // t mirrored about the first and last element, once
  kReplicate,  // t moved between the first and the last
  kCircular,   // t modulo size
  kFlip,       // size - 1 - i if before is 1, i if it is 0
};

template <class I>
constexpr I mapped_index(IndexMap map, I i, I size, I before) {
  const I t = i - before;
  switch (map) {
    case IndexMap::kConstant:
      return t >= 0 && t < size ? t : I(-1);
    case IndexMap::kReflect:
      return t < 0 ? -t : t < size ? t : 2 * (size - 1) - t;
    case IndexMap::kReplicate:
      return t < 0 ? 0 : t < size ? t : size - 1;
    case IndexMap::kCircular: {
      const I rest = t % size;
      return rest < 0 ? rest + size : rest;
    }
    case IndexMap::kFlip:
      return before != 0 ? size - 1 - i : i;
  }
  return -1;
}

// The result elements that are input element j, in ascending order: `count` of them, a step apart;
// kReflect's, of which there are up to three, have none. (No array: it would not stay in
// registers.)
template <class I>
struct MappedFrom {
  I first = 0, step = 1, count = 0;
  I second = 0, third = 0;

  constexpr I operator[](I k) const {
    if (step != 0) return first + k * step;
    return k == 0 ? first : k == 1 ? second : third;
  }
  constexpr void add(I i, I length) {
    if (i < 0 || i >= length) return;
    (count == 0 ? first : count == 1 ? second : third) = i;
    ++count;
  }
};
// For maps of a dimension of `size` elements to one of `length`; kConstant and kFlip, whose inverse
// is a map, are not asked.
template <class I>
constexpr MappedFrom<I> mapped_from(IndexMap map, I j, I size, I length, I before) {
  MappedFrom<I> from;
  if (map == IndexMap::kReflect) {
    from.step = 0;
    if (j > 0) from.add(before - j, length);
    from.add(before + j, length);
    if (j < size - 1) from.add(before + 2 * (size - 1) - j, length);
  } else if (map == IndexMap::kReplicate) {
    const I low = j == 0 ? 0 : before + j, high = j == size - 1 ? length - 1 : before + j;
    from.first = low < 0 ? 0 : low;
    const I last = high < length ? high : length - 1;
    from.count = last < from.first ? 0 : last - from.first + 1;
  } else {
    const I shifted = (j + before) % size;
    from.first = shifted < 0 ? shifted + size : shifted;
    from.step = size;
    from.count = from.first < length ? (length - 1 - from.first) / size + 1 : 0;
  }
  return from;
}

// How the result lies in memory.
enum class MappedOrder : uint8_t {
  kRowMajor,
  kImage,      // NHWC if the input's strides speak for it
  kLikeInput,  // as pointwise results do
};

struct ReadMapped {
  static constexpr const char* name = "read_mapped";
  IndexMap map;
  MappedOrder order;
  Dims shape, before;
  Number value = 0;
  bool operator==(const ReadMapped&) const = default;
  void visit(auto& v) const { v("map", map), v("shape", shape), v("before", before); }
};
// The transpose: input element i is added to the result element that the map names. The result has
// shape `shape`.
struct AddMapped {
  static constexpr const char* name = "add_mapped";
  IndexMap map;
  Dims shape, before;
  bool operator==(const AddMapped&) const = default;
  void visit(auto& v) const { v("map", map), v("shape", shape), v("before", before); }
};

// The dimensions of a map, as a kernel goes through them: those of `walked`, in its memory order,
// innermost first. The other tensor is the one that lies at the map's other end. Neighbours that
// the map leaves alone are one dimension.
struct MappedDims {
  int dims = 0;
  int64_t size[kMaxDims];        // of the walked tensor
  int64_t stride[kMaxDims];      // of the walked tensor
  int64_t other_size[kMaxDims];  // of the other
  int64_t other_stride[kMaxDims];
  int64_t before[kMaxDims];
  bool is_plain[kMaxDims];  // the map changes no index

  ENTASIS_API MappedDims(const Dims& before, const Tensor& walked, const Tensor& other);
};

}  // namespace entasis
