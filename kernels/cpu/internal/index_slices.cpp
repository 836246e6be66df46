#include <entasis/kernels/cpu/internal/index_slices.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/error.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>

namespace entasis::cpu {

void throw_bad_index(int64_t index, int64_t position, int dim, int64_t size) {
  throw IndexError("index " + std::to_string(index) + " at position " + std::to_string(position) +
                   " is out of range for dimension " + std::to_string(dim) + " of size " +
                   std::to_string(size));
}

namespace {

constexpr int64_t kGrain = 16 << 10;   // elements
constexpr int64_t kSerial = 64 << 10;  // that one thread copies as fast
constexpr int64_t kSkipped = -1;

template <class F>
void dispatch_index(DType dtype, F f) {
  dtype == kI32 ? f(TypeTag<int32_t>{}) : f(TypeTag<int64_t>{});
}

// What one index tensor stands for.
struct IndexedDim {
  int dim;
  int64_t size;
  int64_t factor;  // of an index in the location
  Negative negative;
  int64_t skip;
};

// Adds each index of one tensor, times its factor, to the locations.
void add_locations(const Operand& index, const IndexedDim& d, int64_t* locations) {
  const StridedWalk<1> walk(WalkOrder::kRowMajor, index.shape(), {&index.strides()});
  const int64_t step = walk.step(0);
  dispatch_index(index.dtype(), [&]<class T>(TypeTag<T>) {
    const T* data = index.data<T>();
    parallel_for(walk.numel(), kGrain, [&](int64_t begin, int64_t end) {
      int64_t n = begin;
      walk.runs(begin, end, [&](const auto& offsets, int64_t count) {
        for (int64_t i = 0; i < count; ++i, ++n) {
          const int64_t given = data[offsets[0] + i * step];
          const bool wraps = given < 0 && d.negative == Negative::kCountsFromEnd;
          const int64_t value = wraps ? given + d.size : given;
          if (value < 0 || value >= d.size) throw_bad_index(given, n, d.dim, d.size);
          locations[n] = value == d.skip ? kSkipped : locations[n] + value * d.factor;
        }
      });
    });
  });
}

// location(n) = sum over the index tensors j of index_j(n) * factors[j].
void locate(Inputs indices, int dim, const Dims& sizes, const Dims& factors, Negative negative,
            int64_t skip, int64_t* locations) {
  std::fill_n(locations, indices[0].numel(), 0);
  for (int j = 0; j < int(indices.size()); ++j) {
    add_locations(indices[size_t(j)], {dim + j, sizes[j], factors[j], negative, skip}, locations);
  }
}

Dims part(const Dims& dims, int begin, int end) {
  Dims result;
  for (int i = begin; i < end; ++i) result.push_back(dims[i]);
  return result;
}

// Copies slices whose elements have the size of Word.
template <class Word>
void copy_slices(const Tensor& input, const StridedWalk<1>& outer, const StridedWalk<1>& inner,
                 const int64_t* locations, int64_t count, const Tensor& out) {
  const Word* from = input.raw_as<const Word>();
  Word* to = out.raw_as<Word>();
  const int64_t length = inner.numel(), step = inner.step(0);
  const bool dense = inner.is_contiguous(0);
  const int64_t slices = outer.numel() * count, elements = std::max<int64_t>(1, length);
  const int64_t grain = grain_beyond(kSerial / elements, slices, kGrain / elements);
  parallel_for(slices, grain, [&](int64_t begin, int64_t end) {
    int64_t o = begin / count, n = begin % count;
    const Word* base = from + outer.at(o)[0];
    for (int64_t slice = begin; slice < end; ++slice, ++n) {
      if (n == count) {
        n = 0;
        base = from + outer.at(++o)[0];
      }
      const int64_t location = locations[n];
      Word* target = to + slice * length;
      if (location == kSkipped) {
        std::memset(target, 0, size_t(length) * sizeof(Word));
        continue;
      }
      const Word* source = base + location;
      if (length == 1) {
        *target = *source;
      } else if (dense) {
        std::memcpy(target, source, size_t(length) * sizeof(Word));
      } else {
        inner.runs(0, length, [&](const auto& offsets, int64_t run) {
          for (int64_t i = 0; i < run; ++i) *target++ = source[offsets[0] + i * step];
        });
      }
    }
  });
}

// ---- Accumulation

// The index positions that count, sorted by location and then by position; `begins` says where each
// location's group starts.
struct Groups {
  int64_t* order;
  int64_t* begins;
  int64_t ordered = 0;
  int64_t count = 0;

  int64_t end(int64_t group) const { return group + 1 < count ? begins[group + 1] : ordered; }
};

// A counting sort pays where the locations are not many more than the indices.
bool sorts_by_counting(int64_t indices, int64_t locations) { return locations <= 4 * indices; }

Groups group_by_counting(const int64_t* locations, int64_t n, int64_t range, int64_t* order,
                         int64_t* begins, int64_t* ends) {
  std::fill_n(ends, range + 1, 0);
  for (int64_t i = 0; i < n; ++i) {
    if (locations[i] != kSkipped) ++ends[locations[i] + 1];
  }
  Groups groups{order, begins};
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
  Groups groups{order, begins};
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

constexpr int64_t kColumns = 512;  // of a slice that one sum takes at a time, in L1

// Each group's slices are summed in index order into one tile, which is written once: no two
// threads touch one element, and the order never depends on their number. Halves are summed in
// float.
template <class T, class Sum>
void sum_groups(const T* gy, const Groups& groups, const int64_t* locations, int64_t outer,
                int64_t count, int64_t range, int64_t inner, T* out) {
  const int64_t tiles = (inner + kColumns - 1) / kColumns;
  const int64_t grain =
      std::max<int64_t>(1, kGrain / std::max<int64_t>(1, std::min(inner, kColumns)));
  parallel_for(groups.count * outer * tiles, grain, [&](int64_t begin, int64_t end) {
    Sum sums[kColumns];
    for (int64_t item = begin; item < end; ++item) {
      const int64_t tile = item % tiles, o = item / tiles % outer, group = item / tiles / outer;
      const int64_t column = tile * kColumns, width = std::min(kColumns, inner - column);
      std::fill_n(sums, width, Sum(0));
      for (int64_t i = groups.begins[group]; i < groups.end(group); ++i) {
        const T* slice = gy + (o * count + groups.order[i]) * inner + column;
        for (int64_t c = 0; c < width; ++c) sums[c] += convert<Sum>(slice[c]);
      }
      const int64_t location = locations[groups.order[groups.begins[group]]];
      T* target = out + (o * range + location) * inner + column;
      for (int64_t c = 0; c < width; ++c) target[c] = convert<T>(sums[c]);
    }
  });
}

}  // namespace

void read_slices(const Tensor& input, Inputs indices, int dim, Negative negative, int64_t skip,
                 int64_t* locations, const Tensor& out) {
  const int rank = input.dim(), end = dim + int(indices.size());
  locate(indices, dim, part(input.shape(), dim, end), part(input.strides(), dim, end), negative,
         skip, locations);
  if (out.numel() == 0) return;
  const Dims outer_strides = part(input.strides(), 0, dim);
  const Dims inner_strides = part(input.strides(), end, rank);
  const StridedWalk<1> outer(WalkOrder::kRowMajor, part(input.shape(), 0, dim), {&outer_strides});
  const StridedWalk<1> inner(WalkOrder::kRowMajor, part(input.shape(), end, rank),
                             {&inner_strides});
  const int64_t count = indices[0].numel();
  switch (size_of(input.dtype())) {
    case 1:
      return copy_slices<uint8_t>(input, outer, inner, locations, count, out);
    case 2:
      return copy_slices<uint16_t>(input, outer, inner, locations, count, out);
    case 4:
      return copy_slices<uint32_t>(input, outer, inner, locations, count, out);
    default:
      return copy_slices<uint64_t>(input, outer, inner, locations, count, out);
  }
}

size_t read_slices_scratch(Inputs indices) { return size_t(indices[0].numel()) * sizeof(int64_t); }

void add_slices(const Tensor& gy, Inputs indices, int dim, int64_t skip, int64_t* scratch,
                const Tensor& out) {
  fill_elements(out, 0);
  if (gy.numel() == 0) return;
  const int end = dim + int(indices.size());
  const Dims sizes = part(out.shape(), dim, end);
  const int64_t n = indices[0].numel(), range = count_elements(sizes);
  int64_t* locations = scratch;
  int64_t* order = scratch + n;
  int64_t* begins = scratch + 2 * n;
  locate(indices, dim, sizes, contiguous_strides(sizes), Negative::kCountsFromEnd, skip, locations);
  const Groups groups = sorts_by_counting(n, range)
                            ? group_by_counting(locations, n, range, order, begins, scratch + 3 * n)
                            : group_by_comparing(locations, n, order, begins);
  const int64_t outer = count_elements(part(out.shape(), 0, dim));
  const int64_t inner = count_elements(part(out.shape(), end, out.dim()));
  auto sum = [&]<class T, class Sum>(TypeTag<T>, TypeTag<Sum>) {
    sum_groups<T, Sum>(gy.raw_as<const T>(), groups, locations, outer, n, range, inner,
                       out.raw_as<T>());
  };
  switch (out.dtype()) {
    case kF32:
      return sum(TypeTag<float>{}, TypeTag<float>{});
    case kF64:
      return sum(TypeTag<double>{}, TypeTag<double>{});
    case kF16:
      return sum(TypeTag<Half>{}, TypeTag<float>{});
    default:
      return sum(TypeTag<BFloat16>{}, TypeTag<float>{});
  }
}

size_t add_slices_scratch(Inputs indices, int dim, const Dims& shape) {
  const int64_t n = indices[0].numel();
  const int64_t range = count_elements(part(shape, dim, dim + int(indices.size())));
  return size_t(3 * n + (sorts_by_counting(n, range) ? range + 1 : 0)) * sizeof(int64_t);
}

}  // namespace entasis::cpu
