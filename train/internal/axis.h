// Axes with round ticks. The two vertical axes of a picture share one grid, so they are cut into
// the same number of intervals.
#pragma once

#include <string>
#include <vector>

namespace entasis::train::internal {

// Finite values met so far.
struct Range {
  double low = 0;
  double high = 0;
  bool empty = true;

  void include(double value);  // ignores what is not finite
};

struct Tick {
  double position;  // 0 at the axis' start, 1 at its end
  std::string label;
};

class Axis {
 public:
  // Four or five equal intervals that hold `range`, as tight as round numbers allow. Starts at 0
  // unless the values lie far above it. `logarithmic`, for positive values only: whole decades.
  static Axis for_losses(const Range& range, bool logarithmic);

  // `intervals` equal ones, in per cent, up to 100 % where the values come near it.
  static Axis for_fractions(const Range& range, int intervals);

  // From the first to the last value, with at most `most_ticks` ticks at round ones.
  static Axis along(const Range& range, int most_ticks);

  // Where `value` lies: 0 at the start, 1 at the end.
  double position(double value) const;

  const std::vector<Tick>& ticks() const { return ticks_; }
  bool logarithmic() const { return logarithmic_; }

 private:
  static Axis linear(double low, double step, int intervals);

  double low_ = 0;
  double high_ = 1;
  bool logarithmic_ = false;
  std::vector<Tick> ticks_;
};

}  // namespace entasis::train::internal
