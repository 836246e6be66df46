// The loops around a scan along one dimension of row-major dense tensors: [outer, n, inner]. A
// block of columns, `width` slices that lie side by side, is scanned element by element; with one
// column along neighbours, of four slices at once, as each step waits for the one before. Where
// there are few slices, their elements are cut into chunks that depend on the shape alone: the
// totals of all chunks come first, then each chunk is scanned from the total of those before it. So
// the bits are the same for any number of threads. Bytes moved: each element is read and written
// once, with chunks read twice.
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
  static constexpr int kTogether = 4;          // lines at a time
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
        scan<false>(begin, end, chunks, carries.data() + begin * width_);
      });
      for (int64_t group = 0; group < groups; ++group) {
        give_out(carries.data() + group * chunks * width_, chunks);
      }
    }
    parallel_for(units, grain, [&](int64_t begin, int64_t end) {
      scan<true>(begin, end, chunks, chunks > 1 ? carries.data() + begin * width_ : nullptr);
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

  // Scans units, `chunks` of each block of columns, from what is carried to each; from nothing if
  // that is null.
  template <bool kWrites>
  void scan(int64_t begin, int64_t end, int64_t chunks, Acc* carries) const {
    Acc local[kWidth];
    for (int64_t unit = begin; unit < end;) {
      const int64_t column = unit / chunks % blocks_ * width_;
      const int64_t width = std::min(width_, inner_ - column);
      const int64_t together = width == 1 ? lines_together(unit, end, chunks) : 1;
      Acc* acc = carries;
      if (acc) {
        carries += together * width_;
      } else {
        acc = local;
        std::fill_n(acc, together * width, Scan::identity());
      }
      if (width > 1) {
        scan_columns<kWrites>(part_of(unit, chunks), width, acc);
      } else if (together > 1) {
        scan_lines<kWrites, kTogether>(unit, chunks, acc);
      } else {
        scan_lines<kWrites, 1>(unit, chunks, acc);
      }
      unit += together;
    }
  }

  // Of a unit the place of its first element in all, the number of that element in its slice, and
  // how many there are.
  struct Part {
    int64_t at, first, n;
  };
  Part part_of(int64_t unit, int64_t chunks) const {
    const int64_t group = unit / chunks, first = unit % chunks * chunk_;
    const int64_t base = group / blocks_ * n_ * inner_ + group % blocks_ * width_;
    return {base + (first_ + first * step_) * inner_, first, std::min(chunk_, n_ - first)};
  }

  // How many units from this one on can be scanned side by side: lines of one length.
  int64_t lines_together(int64_t unit, int64_t end, int64_t chunks) const {
    if (width_ > 1 || unit + kTogether > end) return 1;
    if (n_ % chunk_ == 0) return kTogether;
    for (int64_t k = 0; k < kTogether; ++k) {
      if ((unit + k) % chunks == chunks - 1) return 1;
    }
    return kTogether;
  }

  // The elements of kLines lines, side by side: chains of steps that do not wait for each other.
  template <bool kWrites, int kLines>
  void scan_lines(int64_t unit, int64_t chunks, Acc* carried) const {
    constexpr int64_t kPart = kTile / kLines;
    alignas(64) C tiles[kLines][kInputs + 1][kPart];
    const int64_t stride = step_ * inner_;
    // Without conversions nothing is copied; else tiles of adjacent elements are.
    bool direct = output_.direct;
    for (const Side& input : inputs_) direct = direct && input.direct;
    const int64_t step = direct ? stride : 1;
    Lines<kLines> lines{};
    for (int l = 0; l < kLines; ++l) lines.acc[l] = carried[l];
    const Part part = part_of(unit, chunks);
    for (int64_t i = 0; i < part.n; i += kPart) {
      const int64_t n = std::min(kPart, part.n - i);
      for (int l = 0; l < kLines; ++l) {
        const Part each = part_of(unit + l, chunks);
        const int64_t at = each.at + i * stride;
        for (int k = 0; k < kInputs; ++k) {
          lines.x[l][k] =
              direct ? as_direct(inputs_[k], at) : fetch(inputs_[k], at, stride, n, tiles[l][k]);
        }
        lines.y[l] = direct ? as_direct(output_, at) : tiles[l][kInputs];
        if constexpr (Scan::kHasPlaces) lines.places[l] = places_ + at;
        lines.first[l] = each.first + i;
      }
      scan_part<kWrites>(lines, n, step, stride);
      if (!kWrites || direct) continue;
      for (int l = 0; l < kLines; ++l) {
        const int64_t at = part_of(unit + l, chunks).at + i * stride;
        output_.convert(output_.data + at * output_.size, stride, tiles[l][kInputs], 1, n);
      }
    }
    for (int l = 0; l < kLines; ++l) carried[l] = lines.acc[l];
  }

  template <int kLines>
  struct Lines {
    const C* x[kLines][kInputs];
    C* y[kLines];
    int64_t* places[kLines];
    int64_t first[kLines];  // the number of the first element in its slice
    Acc acc[kLines];
  };
  template <bool kWrites, int kLines>
  static void scan_part(Lines<kLines>& carried, int64_t n, int64_t step, int64_t place_step) {
    Lines<kLines> lines = carried;  // in registers
    for (int64_t j = 0; j < n; ++j) {
      for (int l = 0; l < kLines; ++l) {
        C one[kInputs];
        for (int k = 0; k < kInputs; ++k) one[k] = lines.x[l][k][j * step];
        lines.acc[l] = Scan::step(lines.acc[l], one, lines.first[l] + j);
        if constexpr (kWrites) {
          lines.y[l][j * step] = Scan::value(lines.acc[l]);
          if constexpr (Scan::kHasPlaces) {
            lines.places[l][j * place_step] = Scan::place(lines.acc[l]);
          }
        }
      }
    }
    for (int l = 0; l < kLines; ++l) carried.acc[l] = lines.acc[l];
  }

  template <bool kWrites>
  void scan_columns(const Part& part, int64_t width, Acc* acc) const {
    alignas(64) C tiles[kInputs + 1][kWidth];
    for (int64_t i = 0; i < part.n; ++i) {
      const int64_t at = part.at + i * step_ * inner_;
      const C* x[kInputs];
      for (int k = 0; k < kInputs; ++k) x[k] = fetch(inputs_[k], at, 1, width, tiles[k]);
      C* const y = output_.direct ? as_direct(output_, at) : tiles[kInputs];
      for (int64_t c = 0; c < width; ++c) {
        C one[kInputs];
        for (int k = 0; k < kInputs; ++k) one[k] = x[k][c];
        acc[c] = Scan::step(acc[c], one, part.first + i);
        if constexpr (kWrites) y[c] = Scan::value(acc[c]);
      }
      if constexpr (!kWrites) continue;
      if constexpr (Scan::kHasPlaces) {
        for (int64_t c = 0; c < width; ++c) places_[at + c] = Scan::place(acc[c]);
      }
      if (!output_.direct) output_.convert(output_.data + at * output_.size, 1, y, 1, width);
    }
  }

  static C* as_direct(const Side& side, int64_t at) { return reinterpret_cast<C*>(side.data) + at; }
  static const C* fetch(const Side& side, int64_t at, int64_t stride, int64_t n, C* tile) {
    if (side.direct && (stride == 1 || n == 1)) return as_direct(side, at);
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
