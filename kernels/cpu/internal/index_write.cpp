// Writes and sums at the places that indices name. Index positions are grouped by place, in index
// order, so that no two threads touch one element and the order never depends on their number.
// Bytes moved: each value once, each place that is named once, or in and out where it is added to.
#include <algorithm>
#include <cstring>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/index_slices.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>
#include <entasis/kernels/cpu/internal/words.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kGrain = 16 << 10;  // elements

// The index positions that count, sorted by location and then by position; `begins` says where each
// location's group starts.
struct Groups {
  const int64_t* locations;  // of each position
  int64_t* order;
  int64_t* begins;
  int64_t ordered = 0;
  int64_t count = 0;

  int64_t end(int64_t group) const { return group + 1 < count ? begins[group + 1] : ordered; }
  int64_t location(int64_t group) const { return locations[order[begins[group]]]; }
};

// A counting sort pays where the locations are not many more than the indices.
bool sorts_by_counting(int64_t indices, int64_t locations) { return locations <= 4 * indices; }

Groups group_by_counting(const int64_t* locations, int64_t n, int64_t range, int64_t* order,
                         int64_t* begins, int64_t* ends) {
  std::fill_n(ends, range + 1, 0);
  for (int64_t i = 0; i < n; ++i) {
    if (locations[i] != kSkipped) ++ends[locations[i] + 1];
  }
  Groups groups{locations, order, begins};
  for (int64_t r = 0; r < range; ++r) {
    if (ends[r + 1] > 0) begins[groups.count++] = ends[r];
    ends[r + 1] += ends[r];
  }
  groups.ordered = ends[range];
  for (int64_t i = 0; i < n; ++i) {
    if (locations[i] != kSkipped) order[ends[locations[i]]++] = i;
  }
  return groups;
}

Groups group_by_comparing(const int64_t* locations, int64_t n, int64_t* order, int64_t* begins) {
  Groups groups{locations, order, begins};
  for (int64_t i = 0; i < n; ++i) {
    if (locations[i] != kSkipped) order[groups.ordered++] = i;
  }
  std::sort(order, order + groups.ordered, [locations](int64_t a, int64_t b) {
    return locations[a] != locations[b] ? locations[a] < locations[b] : a < b;
  });
  for (int64_t i = 0; i < groups.ordered; ++i) {
    if (i == 0 || locations[order[i]] != locations[order[i - 1]]) begins[groups.count++] = i;
  }
  return groups;
}

// How [outer, indexed, inner] of the target and [outer, positions, inner] of the values lie.
struct Layout {
  StridedWalk<2> outer, inner;  // target, values
  StridedWalk<1> indexed;       // of the target
  StridedWalk<1> positions;     // of the values
};

Layout layout_of(const Tensor& out, const Tensor& values, int dim, int indices) {
  const int end = dim + indices, behind = out.dim() - end;
  const int values_end = values.dim() - behind;
  const Dims outer_to = part(out.strides(), 0, dim), outer_from = part(values.strides(), 0, dim);
  const Dims inner_to = part(out.strides(), end, out.dim());
  const Dims inner_from = part(values.strides(), values_end, values.dim());
  const Dims indexed = part(out.strides(), dim, end);
  const Dims positions = part(values.strides(), dim, values_end);
  return {
      StridedWalk<2>(WalkOrder::kRowMajor, part(out.shape(), 0, dim), {&outer_to, &outer_from}),
      StridedWalk<2>(WalkOrder::kRowMajor, part(out.shape(), end, out.dim()),
                     {&inner_to, &inner_from}),
      StridedWalk<1>(WalkOrder::kRowMajor, part(out.shape(), dim, end), {&indexed}),
      StridedWalk<1>(WalkOrder::kRowMajor, part(values.shape(), dim, values_end), {&positions})};
}

int64_t grain_of(int64_t elements) {
  return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, elements));
}

// The last position of each group goes to the group's place. Word has the size of the elements.
template <class Word>
void write_last(const Word* values, const Layout& layout, const Groups& groups, Word* out) {
  const int64_t length = layout.inner.numel();
  const int64_t step_to = layout.inner.step(0), step_from = layout.inner.step(1);
  const bool dense = layout.inner.is_contiguous(0) && layout.inner.is_contiguous(1);
  parallel_for(groups.count * layout.outer.numel(), grain_of(length),
               [&](int64_t begin, int64_t end) {
                 int64_t o = begin / groups.count, group = begin % groups.count;
                 auto [to, from] = layout.outer.at(o);
                 for (int64_t item = begin; item < end; ++item, ++group) {
                   if (group == groups.count) {
                     group = 0;
                     const auto next = layout.outer.at(++o);
                     to = next[0], from = next[1];
                   }
                   const int64_t position = groups.order[groups.end(group) - 1];
                   Word* target = out + to + layout.indexed.at(groups.location(group))[0];
                   const Word* source = values + from + layout.positions.at(position)[0];
                   if (length == 1) {
                     *target = *source;
                   } else if (dense) {
                     std::memcpy(target, source, size_t(length) * sizeof(Word));
                   } else {
                     layout.inner.runs(0, length, [&](const auto& offsets, int64_t count) {
                       for (int64_t i = 0; i < count; ++i) {
                         target[offsets[0] + i * step_to] = source[offsets[1] + i * step_from];
                       }
                     });
                   }
                 }
               });
}

constexpr int64_t kColumns = 512;  // of a slice that one sum takes at a time, in L1

// Each group's slices are summed in index order, onto what is there, into one tile, which is
// written once.
template <class T, class Sum>
void sum_groups(const T* values, const Layout& layout, const Groups& groups, T* out) {
  const int64_t inner = layout.inner.numel(), outer = layout.outer.numel();
  const int64_t tiles = (inner + kColumns - 1) / kColumns;
  const int64_t step_to = layout.inner.step(0), step_from = layout.inner.step(1);
  // Calls f(place in the tile, offset in the target, in the values, count) for each run of a tile.
  const auto runs = [&](int64_t column, int64_t width, auto f) {
    int64_t c = 0;
    layout.inner.runs(column, column + width, [&](const auto& offsets, int64_t count) {
      f(c, offsets[0], offsets[1], count);
      c += count;
    });
  };
  parallel_for(
      groups.count * outer * tiles, grain_of(std::min(inner, kColumns)),
      [&](int64_t begin, int64_t end) {
        Sum sums[kColumns];
        for (int64_t item = begin; item < end; ++item) {
          const int64_t tile = item % tiles, o = item / tiles % outer, group = item / tiles / outer;
          const int64_t column = tile * kColumns, width = std::min(kColumns, inner - column);
          const auto [outer_to, from_outer] = layout.outer.at(o);
          T* target = out + outer_to + layout.indexed.at(groups.location(group))[0];
          runs(column, width, [&](int64_t c, int64_t to, int64_t, int64_t count) {
            for (int64_t i = 0; i < count; ++i)
              sums[c + i] = convert<Sum>(target[to + i * step_to]);
          });
          for (int64_t k = groups.begins[group]; k < groups.end(group); ++k) {
            const T* slice = values + from_outer + layout.positions.at(groups.order[k])[0];
            runs(column, width, [&](int64_t c, int64_t, int64_t from, int64_t count) {
              if (step_from == 1) {
                for (int64_t i = 0; i < count; ++i) sums[c + i] += convert<Sum>(slice[from + i]);
              } else {
                for (int64_t i = 0; i < count; ++i) {
                  sums[c + i] += convert<Sum>(slice[from + i * step_from]);
                }
              }
            });
          }
          runs(column, width, [&](int64_t c, int64_t to, int64_t, int64_t count) {
            for (int64_t i = 0; i < count; ++i) target[to + i * step_to] = convert<T>(sums[c + i]);
          });
        }
      });
}

// What elements of type T are summed in: integers wrap, and bool is true if any is.
template <class T>
using SumOf =
    std::conditional_t<std::is_same_v<T, double>, double,
                       std::conditional_t<is_floating_point(dtype_of<T>), float, uint64_t>>;

// Each position names another place.
Groups one_each(const int64_t* locations, int64_t n, int64_t* order, int64_t* begins) {
  for (int64_t i = 0; i < n; ++i) order[i] = begins[i] = i;
  return {locations, order, begins, n, n};
}

}  // namespace

void write_slices(const Tensor& values, Inputs indices, int dim, Repeated repeated, int64_t skip,
                  int64_t* scratch, const Tensor& out) {
  const Dims sizes = part(out.shape(), dim, dim + int(indices.size()));
  const int64_t n = indices[0].numel(), range = count_elements(sizes);
  int64_t* locations = scratch;
  int64_t* order = scratch + n;
  int64_t* begins = scratch + 2 * n;
  locate(indices, dim, sizes, contiguous_strides(sizes), Negative::kCountsFromEnd, skip, locations);
  if (values.numel() == 0) return;
  const Groups groups = repeated == Repeated::kNone ? one_each(locations, n, order, begins)
                        : sorts_by_counting(n, range)
                            ? group_by_counting(locations, n, range, order, begins, scratch + 3 * n)
                            : group_by_comparing(locations, n, order, begins);
  const Layout layout = layout_of(out, values, dim, int(indices.size()));
  if (repeated == Repeated::kAdds) {
    dispatch_dtype(out.dtype(), [&]<class T>(TypeTag<T>) {
      sum_groups<T, SumOf<T>>(values.raw_as<const T>(), layout, groups, out.raw_as<T>());
    });
  } else {
    dispatch_word(out.dtype(), [&]<class Word>(TypeTag<Word>) {
      write_last<Word>(values.raw_as<const Word>(), layout, groups, out.raw_as<Word>());
    });
  }
}

size_t write_slices_scratch(Inputs indices, int dim, Repeated repeated, const Dims& shape) {
  const int64_t n = indices[0].numel();
  const int64_t range = count_elements(part(shape, dim, dim + int(indices.size())));
  const bool counts = repeated != Repeated::kNone && sorts_by_counting(n, range);
  return size_t(3 * n + (counts ? range + 1 : 0)) * sizeof(int64_t);
}

}  // namespace entasis::cpu
