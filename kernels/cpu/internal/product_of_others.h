// For each element of a slice the product of all the others: what gradients of products are made
// of. A slice of [outer, n, inner] is cut into chunks of at most 256 elements. With the product of
// what lies before and behind a chunk, one walk through it finds the product before each element
// and one back multiplies it by that behind; in f64, with no division, so that zeros need no care.
// Lanes are 8 chunks or 8 neighbouring columns: their products do not wait for each other. Bytes
// moved: each element is read and its result written once, with several chunks read twice.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/tensor.h>
#include <entasis/kernels/cpu/internal/convert.h>

namespace entasis::cpu {

class ProductsOfOthers {
 public:
  static constexpr int64_t kLanes = 8;
  static constexpr int64_t kChunk = 256;
  static constexpr int64_t kGrain = 16384;  // elements worth a thread

  ProductsOfOthers(const Tensor& x, const Tensor& out, int64_t dim)
      : from_(static_cast<const char*>(x.raw())),
        to_(static_cast<char*>(out.raw())),
        size_(size_of(x.dtype())),
        load_(find_converter(kF64, x.dtype())),
        store_(find_converter(x.dtype(), kF64)) {
    for (int d = 0; d < x.dim(); ++d) (d < dim ? outer_ : d == dim ? n_ : inner_) *= x.shape()[d];
    chunk_ = std::min(n_, kChunk);
    chunks_ = chunk_ == 0 ? 0 : (n_ + chunk_ - 1) / chunk_;
    units_ = outer_ * chunks_ * inner_;
  }

  void run() const {
    std::vector<Around> around(chunks_ > 1 ? size_t(units_) : 0);
    if (chunks_ > 1) {
      each_group([&](int64_t unit) {
        double x[kChunk * kLanes];
        const int64_t n = load(unit, x);
        double total[kLanes];
        std::fill_n(total, kLanes, 1.0);
        for (int64_t j = 0; j < n; ++j) {
          for (int64_t l = 0; l < kLanes; ++l) total[l] *= x[j * kLanes + l];
        }
        for (int64_t l = 0; l < lanes(unit); ++l) around[size_t(unit + l)].before = total[l];
      });
      for (int64_t o = 0; o < outer_; ++o) {
        for (int64_t c = 0; c < inner_; ++c) give_out(around.data() + o * chunks_ * inner_ + c);
      }
    }
    each_group([&](int64_t unit) { multiply(unit, around.empty() ? nullptr : &around[unit]); });
  }

 private:
  // A unit is a chunk of a slice; its products of what lies before and behind it.
  struct Around {
    double before = 1, behind = 1;
    bool vanishes = false;  // both are 0, and no element of the chunk makes more of that
  };

  // Chunks of 8 columns, or of rows, that follow each other.
  template <class F>
  void each_group(const F& f) const {
    const int64_t groups = (units_ + kLanes - 1) / kLanes;
    parallel_for(groups, std::max<int64_t>(1, kGrain / (std::max<int64_t>(chunk_, 1) * kLanes)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t group = begin; group < end; ++group) f(group * kLanes);
                 });
  }
  int64_t lanes(int64_t unit) const { return std::min(kLanes, units_ - unit); }

  // Where a unit's first element is, and how many it has.
  struct Part {
    int64_t at, n;
  };
  Part part_of(int64_t unit) const {
    const int64_t row = unit / inner_, first = row % chunks_ * chunk_;
    return {(row / chunks_ * n_ + first) * inner_ + unit % inner_, std::min(chunk_, n_ - first)};
  }
  bool side_by_side(int64_t unit) const { return unit % inner_ + kLanes <= inner_; }

  // From each unit's own product in `before`.
  void give_out(Around* units) const {
    double product = 1;
    for (int64_t c = 0; c < chunks_; ++c) {
      Around& unit = units[c * inner_];
      unit.behind = unit.before;
      unit.before = product;
      product *= unit.behind;
    }
    product = 1;
    for (int64_t c = chunks_ - 1; c >= 0; --c) {
      Around& unit = units[c * inner_];
      const double own = unit.behind;
      unit.behind = product;
      unit.vanishes = unit.before == 0 && unit.behind == 0 && std::isfinite(own);
      product *= own;
    }
  }

  // Fills x[element][lane], with 1 where there is none. Returns the largest number of elements.
  int64_t load(int64_t unit, double* x) const {
    const Part first = part_of(unit);
    if (side_by_side(unit)) {
      for (int64_t j = 0; j < first.n; ++j) {
        load_(x + j * kLanes, 1, from_ + (first.at + j * inner_) * size_, 1, kLanes);
      }
      return first.n;
    }
    std::fill_n(x, chunk_ * kLanes, 1.0);
    for (int64_t l = 0; l < lanes(unit); ++l) {
      const Part part = part_of(unit + l);
      load_(x + l, kLanes, from_ + part.at * size_, inner_, part.n);
    }
    return chunk_;
  }
  void store(int64_t unit, const double* y) const {
    const Part first = part_of(unit);
    if (side_by_side(unit)) {
      for (int64_t j = 0; j < first.n; ++j) {
        store_(to_ + (first.at + j * inner_) * size_, 1, y + j * kLanes, 1, kLanes);
      }
      return;
    }
    for (int64_t l = 0; l < lanes(unit); ++l) {
      const Part part = part_of(unit + l);
      store_(to_ + part.at * size_, inner_, y + l, kLanes, part.n);
    }
  }

  void multiply(int64_t unit, const Around* around) const {
    double x[kChunk * kLanes];
    double before[kChunk * kLanes], behind[kLanes], product[kLanes];
    std::fill_n(behind, kLanes, 1.0);
    std::fill_n(product, kLanes, 1.0);
    if (around) {
      const int64_t count = lanes(unit);
      if (std::all_of(around, around + count, [](const Around& a) { return a.vanishes; })) {
        std::fill_n(x, chunk_ * kLanes, 0.0);
        return store(unit, x);
      }
      for (int64_t l = 0; l < count; ++l) {
        product[l] = around[l].before;
        behind[l] = around[l].behind;
      }
    }
    const int64_t n = load(unit, x);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t l = 0; l < kLanes; ++l) {
        before[j * kLanes + l] = product[l];
        product[l] *= x[j * kLanes + l];
      }
    }
    for (int64_t j = n - 1; j >= 0; --j) {
      for (int64_t l = 0; l < kLanes; ++l) {
        const double own = x[j * kLanes + l];
        x[j * kLanes + l] = before[j * kLanes + l] * behind[l];
        behind[l] *= own;
      }
    }
    store(unit, x);
  }

  const char* from_;
  char* to_;
  int64_t size_;
  ConvertRun load_, store_;
  int64_t outer_ = 1, n_ = 1, inner_ = 1;
  int64_t chunk_, chunks_, units_;
};

}  // namespace entasis::cpu
