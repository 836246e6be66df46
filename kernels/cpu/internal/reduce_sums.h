// Two arrays of sums, gathered chunk by chunk and joined by a fixed tree: the gradients of the
// parameters of normalisations.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/reduce_norm.h>

namespace entasis::cpu {

// How many of `count` units, of `work` elements each, make a chunk: enough to keep a thread busy
// and to be worth `width` sums, and at most kMostChunks chunks. Depends on sizes alone.
inline int64_t sum_chunk(int64_t count, int64_t work, int64_t width) {
  constexpr int64_t kChunkWork = 16384;
  constexpr int64_t kMostChunks = 128;
  constexpr int64_t kWorkPerSum = 32;
  const int64_t least = std::max(kChunkWork, kWorkPerSum * width) / std::max<int64_t>(1, work);
  return std::max({int64_t{1}, least, (count + kMostChunks - 1) / kMostChunks});
}

class PartialSums {
 public:
  // For `count` units in chunks of `chunk`, n sums in each array that is wanted.
  PartialSums(int64_t count, int64_t chunk, int64_t n, bool first, bool second)
      : chunks_(std::max<int64_t>(1, (count + chunk - 1) / chunk)),
        n_(n),
        pitch_((n + 2 * kSumPadding - 1) / kSumPadding * kSumPadding),
        first_(first ? size_t(chunks_ * pitch_) : 0),
        second_(second ? size_t(chunks_ * pitch_) : 0) {}

  // Null if not wanted.
  double* first(int64_t chunk) { return at(first_, chunk); }
  double* second(int64_t chunk) { return at(second_, chunk); }

  // Leaves the totals in chunk 0.
  void join() {
    join(first_);
    join(second_);
  }

 private:
  double* at(std::vector<double>& sums, int64_t chunk) const {
    return sums.empty() ? nullptr : sums.data() + chunk * pitch_;
  }
  void join(std::vector<double>& sums) const {
    constexpr int64_t kGrain = 512;  // columns: 1 MB with the most chunks
    if (sums.empty() || chunks_ == 1) return;
    parallel_for(n_, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t width = 1; width < chunks_; width *= 2) {
        for (int64_t i = 0; i + width < chunks_; i += 2 * width) {
          double* into = at(sums, i);
          const double* from = at(sums, i + width);
          for (int64_t c = begin; c < end; ++c) into[c] += from[c];
        }
      }
    });
  }

  const int64_t chunks_;
  const int64_t n_;
  const int64_t pitch_;  // between chunks: vectors may reach kSumPadding past the end
  std::vector<double> first_;
  std::vector<double> second_;
};

}  // namespace entasis::cpu
