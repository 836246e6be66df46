// Choice of ticks: among the round steps, the one that wastes least of the axis.
// All positions are fractions of the axis, so nothing here knows about pixels.
#include <entasis/train/internal/axis.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <entasis/train/format.h>
#include <entasis/train/internal/text.h>

namespace entasis::train::internal {
namespace {

constexpr int kMostDecadeTicks = 6;
// Beyond these a double has no room for ticks between the values.
constexpr double kLargest = 1e300;
constexpr double kSmallest = 1e-300;

int decimals_of(double step) {
  for (int decimals = 0; decimals < 12; ++decimals) {
    const double scaled = step * std::pow(10, decimals);
    if (std::abs(scaled - std::round(scaled)) <= 1e-6 * std::abs(scaled)) return decimals;
  }
  return 12;
}

std::string label_of(double value, double step) {
  if (step >= 1e5 || step < 1e-6) return shortest(std::abs(value) < 1e-3 * step ? 0 : value);
  if (step >= 1 && std::abs(value) >= 1e4 && decimals_of(step) == 0) {
    return format_count(std::llround(value));
  }
  return fixed(value, decimals_of(step));
}

struct Steps {
  double low;
  double step;
  int intervals;
};

// The tightest axis over [low, high] of a number of intervals in [fewest, most].
Steps tightest(double low, double high, int fewest, int most) {
  constexpr std::array<double, 9> kRound{1, 1.5, 2, 2.5, 3, 5, 10, 15, 20};
  Steps best{low, high - low, 1};
  double best_span = INFINITY;
  const double scale = std::pow(10, std::floor(std::log10((high - low) / most)));
  for (const double round : kRound) {
    const double step = round * scale;
    for (int intervals = fewest; intervals <= most; ++intervals) {
      const double start = step * std::floor(low / step * (1 + 1e-12));
      const double span = step * intervals;
      if (start + span < high - 1e-9 * span || span > best_span * (1 - 1e-9)) continue;
      best = {start, step, intervals};
      best_span = span;
    }
  }
  return best;
}

}  // namespace

void Range::include(double value) {
  if (!std::isfinite(value)) return;
  value = std::clamp(value, -kLargest, kLargest);
  low = empty ? value : std::min(low, value);
  high = empty ? value : std::max(high, value);
  empty = false;
}

Axis Axis::linear(double low, double step, int intervals) {
  Axis axis;
  axis.low_ = low;
  axis.high_ = low + step * intervals;
  for (int i = 0; i <= intervals; ++i) {
    axis.ticks_.push_back({static_cast<double>(i) / intervals, label_of(low + step * i, step)});
  }
  return axis;
}

Axis Axis::for_losses(const Range& range, bool logarithmic) {
  if (range.empty) return linear(0, 0.25, 4);
  double low = range.low;
  double high = range.high;
  if (logarithmic && low > 0) {
    const double first = std::floor(std::log10(low));
    const double decades = std::max(std::ceil(std::log10(high)) - first, 1.0);
    const double every = std::ceil(decades / kMostDecadeTicks);
    const int intervals = static_cast<int>(std::ceil(decades / every));
    Axis axis;
    axis.logarithmic_ = true;
    axis.low_ = first;
    axis.high_ = first + every * intervals;
    for (int i = 0; i <= intervals; ++i) {
      const double exponent = first + every * i;
      const bool plain = exponent >= -3 && exponent <= 4;
      axis.ticks_.push_back({static_cast<double>(i) / intervals,
                             plain ? shortest(std::pow(10, exponent)) : "1e" + fixed(exponent, 0)});
    }
    return axis;
  }
  constexpr double kFarAbove = 0.8;
  constexpr double kLeastSpan = 0.1;  // of the value: less would make noise look like news
  if (low >= 0 && low <= kFarAbove * high) low = 0;
  if (high <= 0 && high >= kFarAbove * low) high = 0;
  const double size = std::max(std::abs(low), std::abs(high));
  if (size < kSmallest) return linear(0, 0.25, 4);
  if (const double missing = kLeastSpan * size - (high - low); missing > 0) {
    low -= missing / 2;
    high += missing / 2;
  }
  const Steps steps = tightest(low, high, 4, 5);
  return linear(steps.low, steps.step, steps.intervals);
}

Axis Axis::for_fractions(const Range& range, int intervals) {
  constexpr std::array<double, 13> kPercent{0.1, 0.2, 0.5, 1, 2, 2.5, 5, 10, 15, 20, 25, 30, 50};
  constexpr double kLeastSpan = 2;  // per cent: less would make noise look like news
  const double low = range.empty ? 0 : 100 * range.low;
  const double high = range.empty ? 100 : 100 * range.high;
  const auto percent_axis = [&](double start, double step) {
    Axis axis = linear(start, step, intervals);
    for (Tick& tick : axis.ticks_) tick.label += " %";
    axis.low_ /= 100;
    axis.high_ /= 100;
    return axis;
  };
  if (low >= 0 && high <= 100 && high > 50) {
    for (const double step : kPercent) {
      const double start = 100 - step * intervals;
      if (start >= -1e-9 && start <= std::min(low, 100 - kLeastSpan)) {
        return percent_axis(std::abs(start) < 1e-9 ? 0 : start, step);
      }
    }
  }
  const double start = std::min(low, 0.0);
  const Steps steps = tightest(start, std::max(high, start + kLeastSpan), intervals, intervals);
  return percent_axis(steps.low, steps.step);
}

Axis Axis::along(const Range& range, int most_ticks) {
  Axis axis;
  if (range.empty) return axis;
  axis.low_ = range.low;
  axis.high_ = range.high;
  if (range.high <= range.low) {
    axis.low_ -= 0.5;
    axis.high_ += 0.5;
    if (axis.high_ <= axis.low_) axis.high_ = std::nextafter(axis.low_, INFINITY);
    axis.ticks_.push_back({0.5, label_of(range.low, decimals_of(range.low) == 0 ? 1 : 0.01)});
    return axis;
  }
  // Steps and epochs are whole numbers: no ticks between them.
  const double span = range.high - range.low;
  constexpr std::array<double, 3> kRound{1, 2, 5};
  double step = std::max(1.0, std::pow(10, std::floor(std::log10(span / most_ticks))));
  for (double scale = step, done = 0; done == 0; scale *= 10) {
    for (const double round : kRound) {
      step = round * scale;
      if (std::floor(range.high / step) - std::ceil(range.low / step) + 1 > most_ticks) continue;
      done = 1;
      break;
    }
  }
  const double first = std::ceil(range.low / step);
  for (double i = first; i * step <= range.high; ++i) {
    axis.ticks_.push_back({axis.position(i * step), label_of(i * step, step)});
  }
  return axis;
}

double Axis::position(double value) const {
  if (logarithmic_) value = std::log10(std::max(value, kSmallest));
  return (value - low_) / (high_ - low_);
}

}  // namespace entasis::train::internal
