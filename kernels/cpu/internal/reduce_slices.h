// Walks the slices of several operands along one dimension, for kernels that read a whole slice to
// write it: softmax and its kin. Slices whose elements are neighbours are handed out one by one;
// others side by side, so that vectors can run across them. Operands that are not of the compute
// type or not adjacent pass through scratch memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/operand.h>
#include <entasis/kernels/cpu/internal/reduce_block.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>

namespace entasis::cpu {

// The most slices that are handed out side by side.
inline constexpr int64_t kSideBySide = 64;

// A block of slices as a kernel sees it: neighbours, or neighbouring slices with their elements
// `stride` apart.
template <class C>
struct SliceBlock {
  C* data;
  int64_t stride;
};

// All operands have the same shape and at least one element; with `kWrites` operand 0 is the
// output. Its strides decide the direction and, in WalkOrder::kMemory, the order. C is float or
// double.
template <class C, int N, bool kWrites = true>
class Slices {
 public:
  using Blocks = std::array<SliceBlock<C>, size_t(N)>;

  Slices(const std::array<Operand, size_t(N)>& operands, int dim,
         WalkOrder order = WalkOrder::kMemory)
      : rest_(without(operands, dim)), walk_(walk_of(operands[0], rest_, dim, order)) {
    const bool scalar = operands[0].dim() == 0;
    n_ = scalar ? 1 : operands[0].size(dim);
    for (size_t k = 0; k < N; ++k) {
      Side& side = sides_[k];
      side.data = static_cast<char*>(operands[k].tensor().raw());
      side.size = size_of(operands[k].dtype());
      side.stride = scalar ? 1 : operands[k].strides()[dim];
      side.step = walk_.step(int(k));
      const DType dtype = operands[k].dtype();
      side.convert =
          is_output(k) ? find_converter(dtype, dtype_of<C>) : find_converter(dtype_of<C>, dtype);
    }
    along_ = sides_[0].stride == 1;
    for (size_t k = 0; k < N; ++k) {
      const int64_t distance = along_ ? sides_[k].stride : sides_[k].step;
      sides_[k].direct =
          distance == 1 && operands[k].dtype() == dtype_of<C> && (along_ || !thrashes(sides_[k]));
    }
  }

  // Calls along(blocks, n, first) for one slice, or across(blocks, n, width, first) for `width`
  // slices, from several threads if there are more elements than `grain`. `first` is the number of
  // the first slice in the order of the walk.
  template <class Along, class Across>
  void run(int64_t grain, Along along, Across across) const {
    const int64_t slices_each = std::max<int64_t>(1, grain / n_);
    parallel_for(walk_.numel(), slices_each, [&](int64_t begin, int64_t end) {
      const int64_t most = along_ ? 1 : std::min<int64_t>(kSideBySide, end - begin);
      const Scratch scratch(scratch_bytes(most));
      int64_t first = begin;
      walk_.runs(begin, end, [&](const typename Walk::Offsets& offsets, int64_t count) {
        for (int64_t i = 0; i < count; i += most) {
          const int64_t width = std::min(most, count - i);
          const Blocks blocks = fetch(offsets, i, width, scratch.as<C>());
          along_ ? along(blocks, n_, first) : across(blocks, n_, width, first);
          if (kWrites && !sides_[0].direct) {
            convert_block(sides_[0].convert, memory(0, offsets, i), tile(blocks[0]), n_, width);
          }
          first += width;
        }
      });
    });
  }

 private:
  using Walk = StridedWalk<N>;
  using Rest = std::array<Dims, size_t(N)>;

  struct Side {
    char* data;
    int64_t size;    // bytes of an element
    int64_t stride;  // along the slice
    int64_t step;    // from slice to slice within a run of the walk
    ConvertRun convert;
    bool direct;
  };

  // Elements of a slice whole pages apart fall into the same few cache lines' sets, and would be
  // fetched anew in each pass over the slice: a copy is cheaper.
  bool thrashes(const Side& side) const { return n_ > 16 && side.stride * side.size % 4096 == 0; }

  static constexpr bool is_output(size_t k) { return kWrites && k == 0; }

  static Dims without(Dims dims, int dim) {
    if (!dims.empty()) dims.erase(dim);
    return dims;
  }
  static Rest without(const std::array<Operand, size_t(N)>& operands, int dim) {
    Rest rest;
    for (size_t k = 0; k < N; ++k) rest[k] = without(operands[k].strides(), dim);
    return rest;
  }
  static Walk walk_of(const Operand& first, const Rest& rest, int dim, WalkOrder order) {
    std::array<const Dims*, size_t(N)> strides;
    for (size_t k = 0; k < N; ++k) strides[k] = &rest[k];
    return Walk(order, without(first.shape(), dim), strides);
  }

  size_t scratch_bytes(int64_t width) const {
    size_t copied = 0;
    for (const Side& side : sides_) copied += !side.direct;
    return copied * size_t(n_ * width) * sizeof(C);
  }

  // Element (i, s) of a block is element i of slice s.
  BlockView memory(size_t k, const typename Walk::Offsets& offsets, int64_t first) const {
    const Side& side = sides_[k];
    const int64_t at = offsets[k] + first * side.step;
    return {side.data + at * side.size, side.size, side.stride, side.step};
  }
  static BlockView tile(const SliceBlock<C>& block) {
    return {block.data, sizeof(C), block.stride, 1};
  }

  Blocks fetch(const typename Walk::Offsets& offsets, int64_t first, int64_t width,
               C* scratch) const {
    Blocks blocks;
    for (size_t k = 0; k < N; ++k) {
      const BlockView from = memory(k, offsets, first);
      if (sides_[k].direct) {
        blocks[k] = {static_cast<C*>(const_cast<void*>(from.data)), sides_[k].stride};
        continue;
      }
      blocks[k] = {scratch, width};
      scratch += n_ * width;
      if (!is_output(k)) convert_block(sides_[k].convert, tile(blocks[k]), from, n_, width);
    }
    return blocks;
  }

  Rest rest_;
  Walk walk_;
  int64_t n_;
  bool along_;
  std::array<Side, size_t(N)> sides_;
};

}  // namespace entasis::cpu
