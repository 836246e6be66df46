// Series helpers of the curve picture.
// All of them are linear in the number of points: a run may have millions of steps.
#include <entasis/train/internal/series.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace entasis::train::internal {

// In blocks of `window` points, running sums are kept from each block's start forwards and from its
// end backwards. A window reaches over at most one block's border, so its sum is one of each:
// linear in the number of points, and made of the window's own values alone.
std::vector<double> moving_mean(const std::vector<double>& values, size_t window) {
  struct Sum {
    double total = 0;
    double count = 0;
    Sum operator+(const Sum& other) const { return {total + other.total, count + other.count}; }
  };
  const size_t size = values.size();
  const auto one = [&](size_t i) { return std::isfinite(values[i]) ? Sum{values[i], 1} : Sum{}; };
  std::vector<Sum> forwards(size);
  std::vector<Sum> backwards(size);
  for (size_t i = 0; i < size; ++i) {
    forwards[i] = i % window == 0 ? one(i) : forwards[i - 1] + one(i);
  }
  for (size_t i = size; i-- > 0;) {
    backwards[i] = (i + 1) % window == 0 || i + 1 == size ? one(i) : one(i) + backwards[i + 1];
  }
  std::vector<double> means = values;
  for (size_t i = 0; i < size; ++i) {
    if (!std::isfinite(values[i])) continue;
    const bool whole_block = (i + 1) % window == 0 || i + 1 < window;
    const Sum sum = whole_block ? forwards[i] : backwards[i + 1 - window] + forwards[i];
    means[i] = sum.total / sum.count;
  }
  return means;
}

double median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return NAN;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<size_t> thinned(const std::vector<double>& columns, const std::vector<double>& values,
                            size_t begin, size_t end) {
  std::vector<size_t> kept;
  for (size_t i = begin; i < end;) {
    const double column = std::floor(columns[i]);
    const size_t first = i;
    size_t low = i;
    size_t high = i;
    for (; i < end && std::floor(columns[i]) == column; ++i) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    std::array<size_t, 4> keep{first, low, high, i - 1};
    std::sort(keep.begin(), keep.end());
    kept.insert(kept.end(), keep.begin(), std::unique(keep.begin(), keep.end()));
  }
  return kept;
}

}  // namespace entasis::train::internal
