// The loops around a reduction: walks any strides, cuts the work for the threads, joins the parts.
//
// Two methods. By rows: the elements of one output are neighbours in memory; vectors run along
// them. By columns: neighbours belong to different outputs; vectors run across the outputs, in
// blocks of kColumns. Elements of one output are cut into chunks that depend on the shape alone,
// their results joined by a fixed tree: the same bits for any number of threads, and all threads at
// work on a single output. Other dtypes than the compute type, and elements that are not adjacent,
// pass through a tile in the L1 cache.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/reduce_block.h>
#include <entasis/kernels/cpu/internal/reduce_fold.h>
#include <entasis/kernels/cpu/internal/reduce_plan.h>

namespace entasis::cpu {

// The elements to fold, and what turns a run of them into the compute type.
struct ReduceInput {
  const void* data;
  int element_size;
  bool is_compute_type;
  ConvertRun convert;

  const void* address(int64_t at) const {
    return static_cast<const char*>(data) + at * element_size;
  }
  // Makes a block of elements a dense one at `tile`.
  template <class C>
  void fill(int64_t at, int64_t rows, int64_t row_stride, int64_t n, int64_t stride,
            C* tile) const {
    convert_block(convert, {tile, sizeof(C), n, 1}, {address(at), element_size, row_stride, stride},
                  rows, n);
  }
};

// Where results go: n of them, `stride` elements apart from element `at` on. What `put` makes of
// them may depend on a number, for floats the divisor, and on a number for each output.
template <class A>
struct ReduceOutput {
  void* data;
  double number;
  void (*put)(const A* values, int64_t n, const ReduceOutput& self, int64_t at, int64_t stride);
  const double* of_each = nullptr;

  void store(const A* values, int64_t n, int64_t at, int64_t stride) const {
    put(values, n, *this, at, stride);
  }
};

template <class C>
class Reducer {
 public:
  using A = Wide<C>;
  static constexpr int64_t kChunk = 32768;       // elements whose fold is one partial result
  static constexpr int64_t kGrain = 4 * kChunk;  // elements below which one thread is enough
  static constexpr int64_t kSegment = 256;       // outputs at a time, by rows
  static constexpr int64_t kColumns = 512;       // outputs at a time, by columns
  static constexpr int64_t kTile = 4096;         // elements; 16 or 32 KB

  // `centre`, if not null, has a value for each output.
  Reducer(const ReducePlan& plan, const FoldFunctions<C>& fold, const ReduceInput& in,
          const ReduceOutput<A>& out, const A* centre = nullptr)
      : plan_(plan), fold_(fold), in_(in), out_(out), centre_(centre) {}

  void run() const {
    if (plan_.outputs == 0) return;
    if (plan_.across_outputs()) {
      by_columns();
    } else if (plan_.elements <= kChunk) {
      by_rows();
    } else {
      by_long_rows();
    }
  }

 private:
  static int64_t chunks_of(int64_t n, int64_t chunk) {
    return std::max<int64_t>(1, n / chunk + (n % chunk != 0));
  }
  static int64_t grain_of(int64_t units, int64_t unit_work) {
    const int64_t work = std::max<int64_t>(1, unit_work);
    return grain_beyond(kGrain / work, units, kGrain / 16 / work);
  }

  // ---- By rows
  void by_rows() const {
    const ReduceLoop& inner = plan_.kept.inner();
    const int64_t grain = grain_of(plan_.outputs, plan_.elements);
    parallel_for(plan_.outputs, grain, [&](int64_t begin, int64_t end) {
      A acc[kSegment];
      A centre[kSegment];
      for (int64_t o = begin; o < end;) {
        const int64_t within = o % inner.size;
        const int64_t n = std::min({inner.size - within, end - o, kSegment});
        const auto outer = plan_.kept.at(o / inner.size, 1);
        const int64_t out = outer.out + within * inner.out;
        std::fill_n(acc, n, fold_.identity);
        fold_range(outer.in + within * inner.in, n, inner.in, 0, plan_.elements,
                   gather_centre(out, n, inner.out, centre), acc);
        out_.store(acc, n, out, inner.out);
        o += n;
      }
    });
  }

  void by_long_rows() const {
    const int64_t chunks = chunks_of(plan_.elements, kChunk);
    const int64_t units = plan_.outputs * chunks;
    std::vector<A> partial(size_t(units), fold_.identity);
    parallel_for(units, grain_of(units, kChunk), [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const auto offsets = plan_.kept.at(unit / chunks, 0);
        const int64_t first = unit % chunks * kChunk;
        fold_range(offsets.in, 1, 0, first, std::min(first + kChunk, plan_.elements),
                   centre_ ? centre_ + offsets.out : nullptr, &partial[size_t(unit)]);
      }
    });
    for (int64_t o = 0; o < plan_.outputs; ++o) {
      A* values = partial.data() + o * chunks;
      join_tree(values, chunks, 1);
      out_.store(values, 1, plan_.kept.at(o, 0).out, 1);
    }
  }

  // Folds elements [begin, end) of each of `rows` outputs.
  void fold_range(int64_t in, int64_t rows, int64_t row_stride, int64_t begin, int64_t end,
                  const A* centre, A* acc) const {
    const ReduceLoop& inner = plan_.reduced.inner();
    for (int64_t i = begin; i < end;) {
      const int64_t within = i % inner.size;
      const int64_t n = std::min(inner.size - within, end - i);
      const int64_t at = in + plan_.reduced.at(i / inner.size, 1).in + within * inner.in;
      fold_rows(at, rows, row_stride, n, inner.in, centre, acc);
      i += n;
    }
  }

  void fold_rows(int64_t at, int64_t rows, int64_t row_stride, int64_t n, int64_t stride,
                 const A* centre, A* acc) const {
    if (in_.is_compute_type && (stride == 1 || n == 1)) {
      fold_.rows(address(at), rows, row_stride, n, centre, acc);
      return;
    }
    alignas(64) C tile[kTile];
    const int64_t length = std::min(n, kTile);
    const int64_t height = kTile / length;
    for (int64_t r = 0; r < rows; r += height) {
      const int64_t tile_rows = std::min(height, rows - r);
      for (int64_t i = 0; i < n; i += length) {
        const int64_t tile_n = std::min(length, n - i);
        in_.fill(at + r * row_stride + i * stride, tile_rows, row_stride, tile_n, stride, tile);
        fold_.rows(tile, tile_rows, tile_n, tile_n, centre ? centre + r : nullptr, acc + r);
      }
    }
  }

  // ---- By columns
  void by_columns() const {
    const ReduceLoop& inner = plan_.kept.inner();
    const int64_t block = std::min(inner.size, kColumns);
    const int64_t blocks = chunks_of(inner.size, block);
    const int64_t chunk_rows = kChunk / block;
    const int64_t chunks = chunks_of(plan_.elements, chunk_rows);
    const int64_t groups = plan_.outputs / inner.size * blocks;  // each a block of outputs
    std::vector<A> partial;
    if (chunks > 1) partial.resize(size_t(groups * chunks * block));

    const int64_t unit_work = block * std::min(chunk_rows, plan_.elements);
    const int64_t units = groups * chunks;
    parallel_for(units, grain_of(units, unit_work), [&](int64_t begin, int64_t end) {
      A local[kColumns];
      A centre[kColumns];
      for (int64_t unit = begin; unit < end; ++unit) {
        const Block b = block_at(unit / chunks, block, blocks);
        const int64_t first = unit % chunks * chunk_rows;
        A* acc = chunks > 1 ? partial.data() + unit * block : local;
        std::fill_n(acc, block, fold_.identity);
        fold_column_range(b, first, std::min(first + chunk_rows, plan_.elements),
                          gather_centre(b.out, b.width, inner.out, centre), acc);
        if (chunks == 1) out_.store(acc, b.width, b.out, inner.out);
      }
    });
    if (chunks == 1) return;
    parallel_for(groups, grain_of(groups, chunks * block), [&](int64_t begin, int64_t end) {
      for (int64_t group = begin; group < end; ++group) {
        const Block b = block_at(group, block, blocks);
        A* values = partial.data() + group * chunks * block;
        join_tree(values, chunks, block);
        out_.store(values, b.width, b.out, inner.out);
      }
    });
  }

  struct Block {
    int64_t in, out, width;
  };
  Block block_at(int64_t group, int64_t block, int64_t blocks) const {
    const ReduceLoop& inner = plan_.kept.inner();
    const auto outer = plan_.kept.at(group / blocks, 1);
    const int64_t first = group % blocks * block;
    return {outer.in + first * inner.in, outer.out + first * inner.out,
            std::min(block, inner.size - first)};
  }

  void fold_column_range(const Block& b, int64_t begin, int64_t end, const A* centre,
                         A* acc) const {
    const ReduceLoop& inner = plan_.reduced.inner();
    for (int64_t i = begin; i < end;) {
      const int64_t within = i % inner.size;
      const int64_t rows = std::min(inner.size - within, end - i);
      const int64_t at = b.in + plan_.reduced.at(i / inner.size, 1).in + within * inner.in;
      fold_columns(at, rows, inner.in, b.width, centre, acc);
      i += rows;
    }
  }

  void fold_columns(int64_t at, int64_t rows, int64_t row_stride, int64_t width, const A* centre,
                    A* acc) const {
    const int64_t stride = plan_.kept.inner().in;
    if (in_.is_compute_type && stride == 1) {
      fold_dense_columns(address(at), rows, row_stride, width, centre, acc);
      return;
    }
    alignas(64) C tile[kTile];
    const int64_t height = kTile / width;
    for (int64_t r = 0; r < rows; r += height) {
      const int64_t tile_rows = std::min(height, rows - r);
      in_.fill(at + r * row_stride, tile_rows, row_stride, width, stride, tile);
      fold_dense_columns(tile, tile_rows, width, width, centre, acc);
    }
  }

  // Several narrow adjacent rows count as one wide row, whose parts are joined at the end: a row of
  // three channels would leave most of a vector idle.
  void fold_dense_columns(const C* from, int64_t rows, int64_t row_stride, int64_t width,
                          const A* centre, A* acc) const {
    constexpr int64_t kWideRow = 256;
    // Whole vectors, if some number of rows makes them.
    constexpr int64_t kVector = 64 / sizeof(C);  // the longest
    const int64_t unit = kVector / std::gcd(kVector, width);
    int64_t parts = kWideRow / width;
    if (parts > unit) parts -= parts % unit;
    if (parts < 2 || row_stride != width || rows < 2 * parts) {
      fold_.columns(from, rows, row_stride, width, centre, acc);
      return;
    }
    A wide_acc[kWideRow];
    A wide_centre[kWideRow];
    std::fill_n(wide_acc, parts * width, fold_.identity);
    if (centre) {
      for (int64_t p = 0; p < parts; ++p) std::copy_n(centre, width, wide_centre + p * width);
    }
    const int64_t wide_rows = rows / parts;
    fold_.columns(from, wide_rows, parts * width, parts * width, centre ? wide_centre : nullptr,
                  wide_acc);
    for (int64_t p = 0; p < parts; ++p) fold_.join(acc, wide_acc + p * width, width);
    const int64_t done = wide_rows * parts;
    fold_.columns(from + done * width, rows - done, width, width, centre, acc);
  }

  // ---- Both
  // `count` groups of n values are joined into the first, neighbours first.
  void join_tree(A* values, int64_t count, int64_t n) const {
    for (int64_t width = 1; width < count; width *= 2) {
      for (int64_t i = 0; i + width < count; i += 2 * width) {
        fold_.join(values + i * n, values + (i + width) * n, n);
      }
    }
  }

  const A* gather_centre(int64_t out, int64_t n, int64_t stride, A* to) const {
    if (centre_ == nullptr) return nullptr;
    for (int64_t i = 0; i < n; ++i) to[i] = centre_[out + i * stride];
    return to;
  }

  const C* address(int64_t at) const { return static_cast<const C*>(in_.address(at)); }

  const ReducePlan& plan_;
  const FoldFunctions<C>& fold_;
  const ReduceInput in_;
  const ReduceOutput<A> out_;
  const A* const centre_;
};

}  // namespace entasis::cpu
