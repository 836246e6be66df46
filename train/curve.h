// The picture of a training run: loss on the left axis, accuracy on the right, as an SVG file
// without fonts, scripts or other files behind it. It follows the reader's light or dark colour
// scheme.
#pragma once

#include <string>
#include <vector>

#include <entasis/core/export.h>

namespace entasis::train {

// One line. `x` grows; `y` has as many entries. Points that are not finite leave a gap, and the
// legend says from where on there was nothing but such points. A series of more than 200 points is
// taken to be noisy: it is drawn faint, under its moving mean over a fiftieth of the points, and
// the legend says so.
struct CurveSeries {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
};

struct Curve {
  std::string title;
  std::string subtitle;
  std::string x_label = "epoch";
  // The first series of each group is drawn solid, the second dashed, further ones dotted.
  std::vector<CurveSeries> losses;
  std::vector<CurveSeries> accuracies;  // fractions, shown as per cent
};

// The SVG text. Any data gives a valid picture: no points, one point, constants, NaN. The loss axis
// turns logarithmic where all losses are positive and the largest is over 300 times their median.
// Throws ValueError if a series has different numbers of x and y.
ENTASIS_API std::string render_curve(const Curve& curve);

// Renders into a file, replaced as a whole. Throws IoError.
ENTASIS_API void write_curve(const std::string& path, const Curve& curve);

}  // namespace entasis::train
