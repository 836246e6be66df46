#include <entasis/kernels/cpu/internal/index_places.h>

#include <algorithm>
#include <string>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/error.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>

namespace entasis::cpu {

void throw_bad_index(int64_t index, int64_t position, int dim, int64_t size) {
  throw IndexError("index " + std::to_string(index) + " at position " + std::to_string(position) +
                   " is out of range for dimension " + std::to_string(dim) + " of size " +
                   std::to_string(size));
}

namespace {

constexpr int64_t kGrain = 16 << 10;  // elements

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

}  // namespace

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

}  // namespace entasis::cpu
