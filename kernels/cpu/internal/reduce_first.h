// The position of the first element of each output that equals a given value: what makes argmax of
// amax. A pass of its own costs less than carrying indices along with the maxima.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/reduce_loops.h>

namespace entasis::cpu {

template <class C>
class FirstPositions {
 public:
  using A = Wide<C>;
  // The loops of `plan` must be in order. A NaN in `values` stands for the first NaN.
  FirstPositions(const ReducePlan& plan, const ReduceInput& in, FindFunction<C> find,
                 const A* values, int64_t* out)
      : plan_(plan), in_(in), find_(find), values_(values), out_(out) {}

  void run() const {
    if (plan_.outputs == 0) return;
    plan_.across_outputs() ? by_columns() : by_rows();
  }

 private:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  static constexpr int64_t kChunk = Reducer<C>::kChunk;
  static constexpr int64_t kGrain = Reducer<C>::kGrain;
  static constexpr int64_t kColumns = Reducer<C>::kColumns;
  static constexpr int64_t kTile = Reducer<C>::kTile;

  void by_rows() const {
    const int64_t chunks = (plan_.elements + kChunk - 1) / kChunk;
    if (chunks == 1) {
      return parallel_for(plan_.outputs, std::max<int64_t>(1, kGrain / plan_.elements),
                          [&](int64_t begin, int64_t end) {
                            for (int64_t o = begin; o < end; ++o) {
                              const auto offsets = plan_.kept.at(o, 0);
                              out_[offsets.out] = first_in_range(offsets.in, 0, plan_.elements,
                                                                 C(values_[offsets.out]));
                            }
                          });
    }
    std::vector<int64_t> first(static_cast<size_t>(plan_.outputs * chunks));
    parallel_for(plan_.outputs * chunks, std::max<int64_t>(1, kGrain / kChunk),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t unit = begin; unit < end; ++unit) {
                     const auto offsets = plan_.kept.at(unit / chunks, 0);
                     const int64_t from = unit % chunks * kChunk;
                     first[size_t(unit)] =
                         first_in_range(offsets.in, from, std::min(from + kChunk, plan_.elements),
                                        C(values_[offsets.out]));
                   }
                 });
    for (int64_t o = 0; o < plan_.outputs; ++o) {
      const int64_t* row = first.data() + o * chunks;
      out_[plan_.kept.at(o, 0).out] = *std::min_element(row, row + chunks);
    }
  }

  int64_t first_in_range(int64_t in, int64_t begin, int64_t end, C value) const {
    const ReduceLoop& inner = plan_.reduced.inner();
    for (int64_t i = begin; i < end;) {
      const int64_t within = i % inner.size;
      const int64_t n = std::min({inner.size - within, end - i, kTile});
      const int64_t at = in + plan_.reduced.at(i / inner.size, 1).in + within * inner.in;
      C tile[kTile];
      const int64_t found = find_(row_of(at, n, inner.in, tile), n, value);
      if (found < n) return i + found;
      i += n;
    }
    return kNone;
  }

  const C* row_of(int64_t at, int64_t n, int64_t stride, C* tile) const {
    if (in_.is_compute_type && (stride == 1 || n == 1)) {
      return static_cast<const C*>(in_.address(at));
    }
    in_.fill(at, 1, n, n, stride, tile);
    return tile;
  }

  static bool matches(C x, C value) { return x == value || (value != value && x != x); }

  // One reduced loop: argmax along a dimension. Rows are walked backwards, so that the first wins.
  void by_columns() const {
    const ReduceLoop& columns = plan_.kept.inner();
    const ReduceLoop& rows = plan_.reduced.inner();
    const int64_t block = std::min(columns.size, kColumns);
    const int64_t blocks = (columns.size + block - 1) / block;
    const int64_t groups = plan_.outputs / columns.size * blocks;
    const int64_t unit_work = block * plan_.elements;
    parallel_for(groups, std::max<int64_t>(1, kGrain / unit_work), [&](int64_t begin, int64_t end) {
      C tile[kColumns];
      C value[kColumns];
      int64_t first[kColumns];
      for (int64_t group = begin; group < end; ++group) {
        const auto outer = plan_.kept.at(group / blocks, 1);
        const int64_t start = group % blocks * block;
        const int64_t width = std::min(block, columns.size - start);
        const int64_t in = outer.in + start * columns.in;
        const int64_t out = outer.out + start * columns.out;
        for (int64_t c = 0; c < width; ++c) value[c] = C(values_[out + c * columns.out]);
        for (int64_t r = plan_.elements - 1; r >= 0; --r) {
          const C* row = row_of(in + r * rows.in, width, columns.in, tile);
          for (int64_t c = 0; c < width; ++c) first[c] = matches(row[c], value[c]) ? r : first[c];
        }
        for (int64_t c = 0; c < width; ++c) out_[out + c * columns.out] = first[c];
      }
    });
  }

  const ReducePlan& plan_;
  const ReduceInput in_;
  const FindFunction<C> find_;
  const A* const values_;
  int64_t* const out_;
};

}  // namespace entasis::cpu
