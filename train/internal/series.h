// What is done to a series before it is drawn: the last finite value, a moving mean for noisy ones,
// and thinning to the picture's resolution.
#pragma once

#include <cstddef>
#include <vector>

namespace entasis::train::internal {

// The mean of the last `window` finite values up to each point; where the point itself is not
// finite it stays as it is. `window` is at least 1. A value outside the window leaves no trace of
// rounding.
std::vector<double> moving_mean(const std::vector<double>& values, size_t window);

// The middle one of the finite values; NaN without any.
double median(std::vector<double> values);

// Which of the points [begin, end) to draw: of those in one pixel column only the first, the
// lowest, the highest and the last, so that a long run gives a small file and the same picture.
// `columns` holds the horizontal position of each point in pixels.
std::vector<size_t> thinned(const std::vector<double>& columns, const std::vector<double>& values,
                            size_t begin, size_t end);

}  // namespace entasis::train::internal
