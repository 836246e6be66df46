// Reading and writing by index tensors, and the positions of non-zero elements.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>
#include <entasis/kernels/cpu/internal/index_slices.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>
#include <entasis/kernels/cpu/internal/words.h>
#include <entasis/ops/indexing_internal.h>

namespace entasis::cpu {
namespace {

size_t index_scratch(const IndexTensors&, Inputs in, Outputs) {
  return read_slices_scratch(in.subspan(1));
}
size_t index_backward_scratch(const IndexBackward& op, Inputs in, Outputs) {
  return write_slices_scratch(in.subspan(1), int(op.dim), Repeated::kAdds, op.shape);
}
size_t index_put_scratch(const IndexPut& op, Inputs in, Outputs out) {
  return write_slices_scratch(in.subspan(2), int(op.dim), op.repeated, out[0].shape());
}

constexpr int64_t kChunk = 16 << 10;  // elements

// An element is zero if its bits are, but for the sign of a float: `mask` takes that out. Whether
// it is so is added up, as branches would be mispredicted.
template <class Word>
int64_t count_nonzero(const Word* data, const StridedWalk<1>& walk, Word mask, int64_t begin,
                      int64_t end) {
  const int64_t step = walk.step(0);
  int64_t total = 0;
  walk.runs(begin, end, [&](const auto& offsets, int64_t count) {
    const Word* x = data + offsets[0];
    constexpr int64_t kBlock = 128;  // whose count the smallest word holds
    for (int64_t i = 0; i < count; i += kBlock) {
      const int64_t end_of_block = std::min(count, i + kBlock);
      Word sum = 0;
      if (step == 1) {
        for (int64_t j = i; j < end_of_block; ++j) sum = Word(sum + ((x[j] & mask) != 0));
      } else {
        for (int64_t j = i; j < end_of_block; ++j) sum = Word(sum + ((x[j * step] & mask) != 0));
      }
      total += int64_t(sum);
    }
  });
  return total;
}

// Calls visit(first, places, n): elements first + places[0], … of the walk are not zero.
template <class Word, class Visit>
void visit_nonzero(const Word* data, const StridedWalk<1>& walk, Word mask, int64_t begin,
                   int64_t end, Visit visit) {
  constexpr int64_t kTile = 1024;
  const int64_t step = walk.step(0);
  int64_t position = begin;
  uint16_t places[kTile];
  walk.runs(begin, end, [&](const auto& offsets, int64_t count) {
    for (int64_t i = 0; i < count; i += kTile) {
      const Word* x = data + offsets[0] + i * step;
      const int64_t tile = std::min(kTile, count - i);
      int64_t n = 0;
      for (int64_t j = 0; j < tile; ++j) {
        places[n] = uint16_t(j);
        n += (x[j * step] & mask) != 0;
      }
      visit(position, places, n);
      position += tile;
    }
  });
}

// Calls f(words, mask) with the elements as unsigned words of their size.
template <class F>
void dispatch_bits(const Operand& in, F f) {
  const bool has_sign = is_floating_point(in.dtype());
  dispatch_word(in.dtype(), [&]<class Word>(TypeTag<Word>) {
    f(in.data<Word>(), has_sign ? Word(Word(~Word(0)) >> 1) : Word(~Word(0)));
  });
}

// How many elements of each chunk are not zero.
std::vector<int64_t> count_chunks(const Operand& in, const StridedWalk<1>& walk) {
  std::vector<int64_t> counts(size_t((walk.numel() + kChunk - 1) / kChunk));
  dispatch_bits(in, [&](const auto* data, auto mask) {
    parallel_for(int64_t(counts.size()), 1, [&](int64_t first, int64_t last) {
      for (int64_t chunk = first; chunk < last; ++chunk) {
        counts[size_t(chunk)] = count_nonzero(data, walk, mask, chunk * kChunk,
                                              std::min(walk.numel(), (chunk + 1) * kChunk));
      }
    });
  });
  return counts;
}

// Writes positions as indices. Positions ascend, so only the first in each row takes divisions.
class PositionWriter {
 public:
  PositionWriter(const Dims& shape, int64_t* to) : shape_(shape), to_(to) {}

  void operator()(int64_t first, const uint16_t* places, int64_t n) {
    if (shape_.size() == 1) {
      for (int64_t i = 0; i < n; ++i) to_[i] = first + places[i];
      to_ += n;
    } else {
      for (int64_t i = 0; i < n; ++i) write(first + places[i]);
    }
  }

 private:
  void write(int64_t position) {
    if (position >= row_end_) start_row(position);
    const int rank = shape_.size();
    for (int d = 0; d + 1 < rank; ++d) to_[d] = index_[d];
    if (rank > 0) to_[rank - 1] = position - row_begin_;
    to_ += rank;
  }
  void start_row(int64_t position) {
    const int64_t width = shape_.empty() ? 1 : shape_.back();
    int64_t row = position / width;
    row_begin_ = row * width;
    row_end_ = row_begin_ + width;
    for (int d = shape_.size() - 2; d >= 0; --d) {
      index_[d] = row % shape_[d];
      row /= shape_[d];
    }
  }

  const Dims& shape_;
  int64_t* to_;
  int64_t row_begin_ = 0, row_end_ = 0;
  int64_t index_[kMaxDims];
};

StridedWalk<1> row_major_walk(const Operand& in) {
  return {WalkOrder::kRowMajor, in.shape(), {&in.strides()}};
}

}  // namespace

void index_tensors(CpuContext& context, const IndexTensors& op, Inputs in, Outputs out) {
  read_slices(in[0].tensor(), in.subspan(1), int(op.dim), Negative::kCountsFromEnd, op.skip,
              context.scratch<int64_t>(), out[0]);
}

void index_backward(CpuContext& context, const IndexBackward& op, Inputs in, Outputs out) {
  fill_elements(out[0], 0);
  write_slices(in[0].tensor(), in.subspan(1), int(op.dim), Repeated::kAdds, op.skip,
               context.scratch<int64_t>(), out[0]);
}

void index_put(CpuContext& context, const IndexPut& op, Inputs in, Outputs out) {
  write_slices(in[1].tensor(), in.subspan(2), int(op.dim), op.repeated, kSkipNothing,
               context.scratch<int64_t>(), out[0]);
}

void nonzero_count(CpuContext&, const Nonzero&, Inputs in, std::span<int64_t> counts) {
  for (int64_t count : count_chunks(in[0], row_major_walk(in[0]))) counts[0] += count;
}

// Counts once more, chunk by chunk, so that each chunk knows where to write.
void nonzero(CpuContext&, const Nonzero&, Inputs in, Outputs out) {
  const StridedWalk<1> walk = row_major_walk(in[0]);
  std::vector<int64_t> starts = count_chunks(in[0], walk);
  int64_t total = 0;
  for (int64_t& start : starts) total += std::exchange(start, total);
  const Dims& shape = in[0].shape();
  int64_t* to = out[0].raw_as<int64_t>();
  dispatch_bits(in[0], [&](const auto* data, auto mask) {
    parallel_for(int64_t(starts.size()), 1, [&](int64_t first, int64_t last) {
      for (int64_t chunk = first; chunk < last; ++chunk) {
        visit_nonzero(data, walk, mask, chunk * kChunk,
                      std::min(walk.numel(), (chunk + 1) * kChunk),
                      PositionWriter(shape, to + starts[size_t(chunk)] * shape.size()));
      }
    });
  });
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_indexing(Kernels& kernels) {
  kernels.add_with_scratch<&cpu::index_tensors, &cpu::index_scratch>();
  kernels.add_with_scratch<&cpu::index_backward, &cpu::index_backward_scratch>();
  kernels.add_with_scratch<&cpu::index_put, &cpu::index_put_scratch>();
  kernels.add_two_phase<&cpu::nonzero, &cpu::nonzero_count>();
}
}  // namespace entasis
