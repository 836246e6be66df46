// Reading and adding through index maps. Each part of the result's memory is written by one thread:
// an odometer over the outer dimensions says where a row comes from, and along the innermost one
// the map is a few runs of constant step, which are moved at once. Bytes moved: the result once,
// what it names of the input once.
//
// Adding goes through the result too: each of its elements sums what the map sends there, in
// ascending order, in blocks of 1024 sums of the computing type.
#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/dispatch_floating.h>
#include <entasis/kernels/cpu/internal/reverse.h>
#include <entasis/ops/index_map_internal.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kGrain = 16 << 10;   // elements
constexpr int64_t kSerial = 64 << 10;  // that one thread moves as fast
constexpr int64_t kBlock = 1024;

// A place in the walked tensor: its index in every dimension but the innermost.
class RowCursor {
 public:
  RowCursor(const MappedDims& m, int64_t begin) : m_(m) {
    column_ = begin % m.size[0];
    int64_t rest = begin / m.size[0];
    for (int d = 1; d < m.dims; ++d) {
      index_[size_t(d)] = rest % m.size[d];
      rest /= m.size[d];
    }
  }
  int64_t column() const { return column_; }
  int64_t index(int d) const { return index_[size_t(d)]; }
  // n is at most what is left of the row. Returns how many dimensions have another index now.
  int advance(int64_t n) {
    column_ += n;
    if (column_ < m_.size[0]) return 0;
    column_ = 0;
    int d = 1;
    while (d < m_.dims && ++index_[size_t(d)] == m_.size[d]) index_[size_t(d++)] = 0;
    return std::min(d + 1, m_.dims);
  }

 private:
  const MappedDims& m_;
  int64_t column_;
  std::array<int64_t, kMaxDims> index_{};
};

// ---- Reading

// The end of the run that begins at i, in which the map has one step.
struct Run {
  int64_t end, step;
  bool is_empty;  // nothing of the input
};
Run run_at(IndexMap map, int64_t i, int64_t size, int64_t length, int64_t before) {
  const int64_t t = i - before;
  const bool inside = t >= 0 && t < size;
  const int64_t end = t < 0 ? std::min(before, length) : std::min(before + size, length);
  const int64_t until = inside || t < 0 ? end : length;
  switch (map) {
    case IndexMap::kConstant:
      return {until, 1, !inside};
    case IndexMap::kReflect:
      return {until, inside ? 1 : -1, false};
    case IndexMap::kReplicate:
      return {until, inside ? 1 : 0, false};
    case IndexMap::kCircular:
      if (size == 1) return {length, 0, false};
      return {std::min(length, i + size - mapped_index(map, i, size, before)), 1, false};
    case IndexMap::kFlip:
      break;
  }
  return {length, before != 0 ? -1 : 1, false};
}

template <class Word>
void move_run(Word* to, const Word* from, int64_t step, int64_t n, ReverseRun reverse) {
  if (step == 1 && n >= 16) {
    std::memcpy(to, from, size_t(n) * sizeof(Word));
  } else if (step == 1) {
    for (int64_t i = 0; i < n; ++i) to[i] = from[i];
  } else if (step == -1 && reverse != nullptr) {
    reverse(n, from, to);
  } else if (step == -1) {
    for (int64_t i = 0; i < n; ++i) to[i] = from[-i];
  } else if (step == 0) {
    std::fill_n(to, n, *from);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = from[i * step];
  }
}

template <class Word>
void read_rows(IndexMap map, const MappedDims& m, Word* to, const Word* from, Word value,
               int64_t numel) {
  const ReverseRun reverse = find_reverse(sizeof(Word));
  const int64_t grain = grain_beyond(kSerial, numel, kGrain);
  parallel_for(numel, grain, [&](int64_t begin, int64_t end) {
    RowCursor cursor(m, begin);
    std::array<int64_t, kMaxDims> source{};  // by dimension
    int changed = m.dims;
    while (begin < end) {
      bool is_empty = false;
      int64_t offset = 0;
      for (int d = 1; d < m.dims; ++d) {
        if (d < changed) {
          source[size_t(d)] = mapped_index(map, cursor.index(d), m.other_size[d], m.before[d]);
        }
        is_empty |= source[size_t(d)] < 0;
        offset += source[size_t(d)] * m.other_stride[d];
      }
      const int64_t column = cursor.column();
      const int64_t n = std::min(m.size[0] - column, end - begin);
      if (is_empty) {
        std::fill_n(to + begin, n, value);
      } else {
        for (int64_t i = column; i < column + n;) {
          const Run run = run_at(map, i, m.other_size[0], m.size[0], m.before[0]);
          const int64_t count = std::min(run.end, column + n) - i;
          Word* target = to + begin + (i - column);
          if (run.is_empty) {
            std::fill_n(target, count, value);
          } else {
            const int64_t first = mapped_index(map, i, m.other_size[0], m.before[0]);
            move_run(target, from + offset + first * m.other_stride[0],
                     run.step * m.other_stride[0], count, reverse);
          }
          i += count;
        }
      }
      changed = cursor.advance(n);
      begin += n;
    }
  });
}

// ---- Adding

// The elements [begin, end) of a dimension to which the map sends one element each, before + i.
struct Range {
  int64_t begin, end;
};
Range sent_once(IndexMap map, int64_t size, int64_t length, int64_t before) {
  const int64_t after = length - size - before;
  Range range{1, size - 1};  // kReplicate
  if (map == IndexMap::kReflect) range = {before + 1, size - 1 - after};
  if (map == IndexMap::kCircular) range = {after, size - before};
  range.begin = std::max({range.begin, -before, int64_t{0}});
  range.end = std::max(range.begin, std::min({range.end, size, length - before}));
  return range;
}

template <class T>
void add_rows(IndexMap map, const MappedDims& m, T* to, const T* from, int64_t numel) {
  using Sum = std::conditional_t<sizeof(T) == 2, float, T>;
  parallel_for(numel, kGrain, [&](int64_t begin, int64_t end) {
    RowCursor cursor(m, begin);
    Sum sums[kBlock];
    MappedFrom<int64_t> inner[kBlock], outer[kMaxDims];
    Range once{0, m.size[0]};
    if (!m.is_plain[0]) once = sent_once(map, m.size[0], m.other_size[0], m.before[0]);
    const int64_t shift = m.is_plain[0] ? 0 : m.before[0], step = m.other_stride[0];
    while (begin < end) {
      const int64_t column = cursor.column();
      const int64_t n = std::min({m.size[0] - column, end - begin, kBlock});
      int64_t combinations = 1;
      for (int d = 1; d < m.dims; ++d) {
        if (m.is_plain[d]) {
          outer[d] = {cursor.index(d), 1, 1};
        } else {
          outer[d] = mapped_from(map, cursor.index(d), m.size[d], m.other_size[d], m.before[d]);
        }
        combinations *= outer[d].count;
      }
      // Of this block [low, high) is sent to once.
      const int64_t low = std::clamp<int64_t>(once.begin - column, 0, n);
      const int64_t high = std::clamp<int64_t>(once.end - column, low, n);
      const auto others = [&](auto visit) {
        for (int64_t i = 0; i < low; ++i) visit(i);
        for (int64_t i = high; i < n; ++i) visit(i);
      };
      others([&](int64_t i) {
        inner[i] = mapped_from(map, column + i, m.size[0], m.other_size[0], m.before[0]);
      });
      std::fill_n(sums, n, Sum(0));
      std::array<int64_t, kMaxDims> k{};
      for (int64_t c = 0; c < combinations; ++c) {
        const T* row = from;
        for (int d = 1; d < m.dims; ++d) row += outer[d][k[size_t(d)]] * m.other_stride[d];
        const int64_t first = column + shift;
        if (step == 1) {
          for (int64_t i = low; i < high; ++i) sums[i] += Sum(row[first + i]);
        } else {
          for (int64_t i = low; i < high; ++i) sums[i] += Sum(row[(first + i) * step]);
        }
        others([&](int64_t i) {
          for (int64_t j = 0; j < inner[i].count; ++j) sums[i] += Sum(row[inner[i][j] * step]);
        });
        for (int d = 1; d < m.dims && ++k[size_t(d)] == outer[d].count; ++d) k[size_t(d)] = 0;
      }
      for (int64_t i = 0; i < n; ++i) to[begin + i] = T(sums[i]);
      cursor.advance(n);
      begin += n;
    }
  });
}

}  // namespace

void read_mapped(CpuContext&, const ReadMapped& op, Inputs in, Outputs out) {
  const int64_t numel = out[0].numel();
  if (numel == 0) return;
  const MappedDims m(op.before, out[0], in[0].tensor());
  dispatch_dtype(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    using Word = std::conditional_t<
        sizeof(T) == 1, uint8_t,
        std::conditional_t<sizeof(T) == 2, uint16_t,
                           std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;
    const T value = op.value.to<T>();
    Word word;
    std::memcpy(&word, &value, sizeof word);
    read_rows(op.map, m, out[0].raw_as<Word>(), in[0].data<Word>(), word, numel);
  });
}

void add_mapped(CpuContext&, const AddMapped& op, Inputs in, Outputs out) {
  const int64_t numel = out[0].numel();
  if (numel == 0) return;
  const MappedDims m(op.before, out[0], in[0].tensor());
  dispatch_floating(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    add_rows(op.map, m, out[0].raw_as<T>(), in[0].data<T>(), numel);
  });
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_index_map(Kernels& kernels) {
  kernels.add<&cpu::read_mapped>();
  kernels.add<&cpu::add_mapped>();
}
}  // namespace entasis
