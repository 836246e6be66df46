// The loops around a scan along one dimension of row-major dense tensors: [outer, n, inner]. A
// block of columns, `width` slices that lie side by side, is scanned element by element; with one
// column along neighbours. Where there are few slices, their elements are cut into chunks that
// depend on the shape alone: the totals of all chunks come first, then each chunk is scanned from
// the total of those before it. So the bits are the same for any number of threads. Bytes moved:
// each element is read and written once, with chunks read twice.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/operand.h>
#include <entasis/kernels/cpu/internal/convert.h>

namespace entasis::cpu {

// A scan has
//
//   C                  the type of computation
//   Acc                what is carried from element to element
//   kInputs            tensors that are read side by side
//   kHasPlaces         whether there is a second output, the place of each result (i64)
//   identity()
//   step(acc, x, i)    takes element i, x[k] of input k
//   join(a, b)         of elements, and of those that follow them
//   value(acc)         the result, of type C; and place(acc)
template <class Scan>
class ScanLoops {
 public:
  using C = typename Scan::C;
  using Acc = typename Scan::Acc;
  static constexpr int kInputs = Scan::kInputs;
  static constexpr int64_t kGrain = 32768;     // elements worth a thread, and of a chunk
  static constexpr int64_t kWidth = 256;       // columns at a time
  static constexpr int64_t kTile = 1024;       // elements that are converted at a time
  static constexpr int64_t kEnoughUnits = 32;  // slices, or blocks of them, that need no chunks

  ScanLoops(Inputs in, Outputs out, int64_t dim, bool reverse) {
    const Dims& shape = out[0].shape();
    for (int d = 0; d < shape.size(); ++d) {
      (d < dim ? outer_ : d == dim ? n_ : inner_) *= shape[d];
    }
    for (int k = 0; k < kInputs; ++k) inputs_[k] = side_of(in[size_t(k)].tensor(), true);
    output_ = side_of(out[0], false);
    if (out.size() > 1) places_ = out[1].raw_as<int64_t>();
    first_ = reverse ? n_ - 1 : 0;
    step_ = reverse ? -1 : 1;
    width_ = std::min(inner_, kWidth);
    blocks_ = inner_ == 0 ? 0 : (inner_ + width_ - 1) / width_;
    chunk_ = n_;
    if (outer_ * blocks_ < kEnoughUnits && n_ * width_ > 2 * kGrain) {
      chunk_ = std::max<int64_t>(1, kGrain / width_);
    }
  }

  void run() const {
    if (outer_ * n_ * inner_ == 0) return;
    const int64_t groups = outer_ * blocks_, chunks = (n_ + chunk_ - 1) / chunk_;
    const int64_t units = groups * chunks;
    const int64_t grain = std::max<int64_t>(1, kGrain / (chunk_ * width_));
    std::vector<Acc> carries;
    if (chunks > 1) {
      carries.assign(size_t(units * width_), Scan::identity());
      parallel_for(units, grain, [&](int64_t begin, int64_t end) {
        for (int64_t unit = begin; unit < end; ++unit) {
          scan<false>(unit / chunks, unit % chunks, carries.data() + unit * width_);
        }
      });
      for (int64_t group = 0; group < groups; ++group) {
        give_out(carries.data() + group * chunks * width_, chunks);
      }
    }
    parallel_for(units, grain, [&](int64_t begin, int64_t end) {
      Acc local[kWidth];
      for (int64_t unit = begin; unit < end; ++unit) {
        Acc* acc = chunks > 1 ? carries.data() + unit * width_ : local;
        if (chunks == 1) std::fill_n(acc, width_, Scan::identity());
        scan<true>(unit / chunks, unit % chunks, acc);
      }
    });
  }

 private:
  struct Side {
    char* data;
    int64_t size;
    ConvertRun convert;
    bool direct;
  };
  static Side side_of(const Tensor& t, bool is_input) {
    return {
        static_cast<char*>(t.raw()), size_of(t.dtype()),
        is_input ? find_converter(dtype_of<C>, t.dtype()) : find_converter(t.dtype(), dtype_of<C>),
        t.dtype() == dtype_of<C>};
  }

  // Each chunk's total becomes that of all chunks before it.
  void give_out(Acc* totals, int64_t chunks) const {
    for (int64_t c = 0; c < width_; ++c) {
      Acc before = Scan::identity();
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        Acc& place = totals[chunk * width_ + c];
        const Acc with = Scan::join(before, place);
        place = before;
        before = with;
      }
    }
  }

  template <bool kWrites>
  void scan(int64_t group, int64_t chunk, Acc* acc) const {
    const int64_t column = group % blocks_ * width_;
    const int64_t width = std::min(width_, inner_ - column);
    const int64_t base = group / blocks_ * n_ * inner_ + column;
    const int64_t begin = chunk * chunk_, end = std::min(begin + chunk_, n_);
    if (width == 1) {
      scan_line<kWrites>(base, begin, end, *acc);
    } else {
      scan_columns<kWrites>(base, begin, end, width, acc);
    }
  }

  // Where element i of the slice at `base` lies.
  int64_t place(int64_t base, int64_t i) const { return base + (first_ + i * step_) * inner_; }

  template <bool kWrites>
  void scan_line(int64_t base, int64_t begin, int64_t end, Acc& carried) const {
    alignas(64) C tiles[kInputs + 1][kTile];
    const int64_t stride = step_ * inner_;
    Acc acc = carried;
    for (int64_t i = begin; i < end; i += kTile) {
      const int64_t n = std::min(kTile, end - i), at = place(base, i);
      const C* x[kInputs];
      for (int k = 0; k < kInputs; ++k) x[k] = fetch(inputs_[k], at, stride, n, tiles[k]);
      const bool direct = output_.direct && stride == 1;
      C* const y = direct ? reinterpret_cast<C*>(output_.data) + at : tiles[kInputs];
      for (int64_t j = 0; j < n; ++j) {
        C one[kInputs];
        for (int k = 0; k < kInputs; ++k) one[k] = x[k][j];
        acc = Scan::step(acc, one, i + j);
        if constexpr (kWrites) {
          y[j] = Scan::value(acc);
          if constexpr (Scan::kHasPlaces) places_[at + j * stride] = Scan::place(acc);
        }
      }
      if (kWrites && !direct) {
        output_.convert(output_.data + at * output_.size, stride, y, 1, n);
      }
    }
    carried = acc;
  }

  template <bool kWrites>
  void scan_columns(int64_t base, int64_t begin, int64_t end, int64_t width, Acc* acc) const {
    alignas(64) C tiles[kInputs + 1][kWidth];
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = place(base, i);
      const C* x[kInputs];
      for (int k = 0; k < kInputs; ++k) x[k] = fetch(inputs_[k], at, 1, width, tiles[k]);
      C* const y = output_.direct ? reinterpret_cast<C*>(output_.data) + at : tiles[kInputs];
      for (int64_t c = 0; c < width; ++c) {
        C one[kInputs];
        for (int k = 0; k < kInputs; ++k) one[k] = x[k][c];
        acc[c] = Scan::step(acc[c], one, i);
        if constexpr (kWrites) y[c] = Scan::value(acc[c]);
      }
      if constexpr (!kWrites) continue;
      if constexpr (Scan::kHasPlaces) {
        for (int64_t c = 0; c < width; ++c) places_[at + c] = Scan::place(acc[c]);
      }
      if (!output_.direct) output_.convert(output_.data + at * output_.size, 1, y, 1, width);
    }
  }

  static const C* fetch(const Side& side, int64_t at, int64_t stride, int64_t n, C* tile) {
    if (side.direct && (stride == 1 || n == 1)) return reinterpret_cast<const C*>(side.data) + at;
    side.convert(tile, 1, side.data + at * side.size, stride, n);
    return tile;
  }

  int64_t outer_ = 1, n_ = 1, inner_ = 1;
  int64_t first_, step_;
  int64_t width_, blocks_, chunk_;
  Side inputs_[kInputs];
  Side output_;
  int64_t* places_ = nullptr;
};

}  // namespace entasis::cpu
