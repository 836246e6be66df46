// The curve picture. Loss is warm, accuracy cool, in both colour schemes; lines that belong to one
// axis share its hue and differ by dash. The last value of each line stands beside its end, so that
// the result is read without going to an axis.
#include <entasis/train/curve.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include <entasis/core/error.h>
#include <entasis/io/atomic_file.h>
#include <entasis/train/format.h>
#include <entasis/train/internal/axis.h>
#include <entasis/train/internal/series.h>
#include <entasis/train/internal/text.h>

namespace entasis::train {
namespace {

using internal::Axis;
using internal::Range;
using internal::Tick;

constexpr double kWidth = 880;
constexpr double kHeight = 500;
constexpr double kLeft = 72;  // of the plot
constexpr double kRight = 796;
constexpr double kTop = 132;
constexpr double kBottom = 436;
constexpr double kPadStart = 14;  // between the frame and the first point
constexpr double kPadEnd = 86;    // room for the last values
constexpr double kLabelHeight = 17;
constexpr int kMostTicks = 10;
constexpr size_t kMostDots = 40;    // with more points than this, lines alone
constexpr size_t kMostClean = 200;  // with more points than this, a moving mean
constexpr size_t kWindows = 50;
constexpr double kLogarithmicFrom = 300;  // times the median

// librsvg and old viewers know no CSS variables, so each class names its colours twice.
constexpr const char* kStyle = R"(<style>
text {
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans",
    "DejaVu Sans", sans-serif;
  font-size: 13px; font-variant-numeric: tabular-nums; fill: #57606a;
}
.card { fill: #ffffff; stroke: #d8dee4; }
.title { font-size: 21px; font-weight: 600; fill: #1f2328; }
.grid { stroke: #e6e9ed; stroke-width: 1; }
.base { stroke: #afb8c1; stroke-width: 1; }
.legend { fill: #424a53; }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
.second { stroke-width: 1.75; stroke-dasharray: 6 5; }
.faint { stroke-width: 1; opacity: 0.28; }
.further { stroke-width: 1.75; stroke-dasharray: 1 5; }
.loss { stroke: #d9531e; } .accuracy { stroke: #1f6fc5; }
.dot { stroke: #ffffff; stroke-width: 1.5; }
.loss-ink { fill: #c2440f; } .accuracy-ink { fill: #1a62b0; }
.first { font-weight: 600; }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) {
text { fill: #9da7b3; }
.card { fill: #0d1117; stroke: #30363d; }
.title { fill: #f0f3f6; }
.grid { stroke: #21262d; }
.base { stroke: #484f58; }
.legend { fill: #c9d1d9; }
.loss { stroke: #ff8a57; } .accuracy { stroke: #5aa9ff; }
.dot, .value { stroke: #0d1117; }
.loss-ink { fill: #ff9a6c; } .accuracy-ink { fill: #79b8ff; }
}
</style>
)";

struct Group {
  const std::vector<CurveSeries>& series;
  const Axis& axis;
  const char* name;  // of the CSS classes
  bool percent;
};

struct Label {
  double x;
  double y;
  std::string text;
  std::string classes;
};

// Coordinates to a tenth of a pixel, without a trailing ".0".
std::string px(double value) {
  std::string text = internal::fixed(value, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : internal::printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view classes,
                    std::string_view text) {
  std::string out = "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\"";
  if (anchor != "start") out += " text-anchor=\"" + std::string(anchor) + "\"";
  if (!classes.empty()) out += " class=\"" + std::string(classes) + "\"";
  return out + ">" + escaped(text) + "</text>\n";
}

std::string line_at(double x0, double y0, double x1, double y1, const std::string& classes) {
  return "<line x1=\"" + px(x0) + "\" y1=\"" + px(y0) + "\" x2=\"" + px(x1) + "\" y2=\"" + px(y1) +
         "\" class=\"" + classes + "\"/>\n";
}

std::string line_classes(const Group& group, size_t index) {
  constexpr std::array<const char*, 3> kDash{"", " second", " further"};
  return std::string("line ") + group.name + kDash[std::min<size_t>(index, 2)];
}

double y_of(double position) {
  // A little beyond the frame is enough for what lies outside (zero on a logarithmic axis).
  return kBottom - std::clamp(position, -0.02, 1.02) * (kBottom - kTop);
}

class Picture {
 public:
  explicit Picture(const Curve& curve) : curve_(curve) {}

  std::string render() {
    Range x_range;
    Range loss_range;
    Range accuracy_range;
    include(curve_.losses, x_range, loss_range);
    include(curve_.accuracies, x_range, accuracy_range);
    x_axis_ = Axis::along(x_range, kMostTicks);
    std::vector<double> losses_met;
    for (const CurveSeries& series : curve_.losses) {
      losses_met.insert(losses_met.end(), series.y.begin(), series.y.end());
    }
    const bool logarithmic =
        loss_range.low > 0 && loss_range.high > kLogarithmicFrom * internal::median(losses_met);
    const Axis loss_axis = Axis::for_losses(loss_range, logarithmic);
    const Axis accuracy_axis =
        Axis::for_fractions(accuracy_range, static_cast<int>(loss_axis.ticks().size()) - 1);
    const Group losses{curve_.losses, loss_axis, "loss", false};
    const Group accuracies{curve_.accuracies, accuracy_axis, "accuracy", true};

    open();
    grid(loss_axis, accuracy_axis);
    if (loss_range.empty && accuracy_range.empty) {
      out_ += text_at((kLeft + kRight) / 2, (kTop + kBottom) / 2 - 14, "middle", "",
                      "no finite values");
    }
    legend(losses, accuracies);
    // Accuracy last: it is what a reader looks for. In each group the first series lies on top.
    for (const Group& group : {losses, accuracies}) {
      for (size_t i = group.series.size(); i-- > 0;) draw(group, i);
    }
    labels();
    return out_ + "</svg>\n";
  }

 private:
  static void include(const std::vector<CurveSeries>& all, Range& x_range, Range& y_range) {
    for (const CurveSeries& series : all) {
      if (series.x.size() != series.y.size()) {
        throw ValueError("render_curve: series '" + series.name + "' has " +
                         std::to_string(series.x.size()) + " x and " +
                         std::to_string(series.y.size()) + " y");
      }
      for (const double x : series.x) x_range.include(x);
      for (const double y : series.y) y_range.include(y);
    }
  }

  double x_of(double x) const {
    return kLeft + kPadStart + x_axis_.position(x) * (kRight - kLeft - kPadStart - kPadEnd);
  }

  void open() {
    const std::string size = px(kWidth) + " " + px(kHeight);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" +
           px(kWidth) + "\" height=\"" + px(kHeight) + "\" role=\"img\">\n<title>" +
           escaped(curve_.title) + "</title>\n" + kStyle;
    out_ += "<rect x=\"0.5\" y=\"0.5\" width=\"" + px(kWidth - 1) + "\" height=\"" +
            px(kHeight - 1) + "\" rx=\"10\" class=\"card\"/>\n";
    out_ += text_at(28, 42, "start", "title", curve_.title);
    out_ += text_at(28, 66, "start", "", curve_.subtitle);
  }

  void grid(const Axis& losses, const Axis& accuracies) {
    for (size_t i = 0; i < losses.ticks().size(); ++i) {
      const Tick& left = losses.ticks()[i];
      const double y = y_of(left.position);
      out_ += line_at(kLeft, y, kRight, y, i == 0 ? "base" : "grid");
      if (!curve_.losses.empty()) out_ += text_at(kLeft - 10, y + 4.5, "end", "", left.label);
      if (!curve_.accuracies.empty()) {
        out_ += text_at(kRight + 10, y + 4.5, "start", "", accuracies.ticks()[i].label);
      }
    }
    for (const Tick& tick : x_axis_.ticks()) {
      const double x = kLeft + kPadStart + tick.position * (kRight - kLeft - kPadStart - kPadEnd);
      out_ += line_at(x, kBottom, x, kBottom + 5, "base");
      out_ += text_at(x, kBottom + 21, "middle", "", tick.label);
    }
    out_ += text_at((kLeft + kRight - kPadEnd) / 2, kBottom + 44, "middle", "", curve_.x_label);
    if (!curve_.losses.empty()) {
      out_ += text_at(kLeft - 44, kTop - 16, "start", "loss-ink",
                      losses.logarithmic() ? "loss (log)" : "loss");
    }
    if (!curve_.accuracies.empty()) {
      out_ += text_at(kRight + 64, kTop - 16, "end", "accuracy-ink", "accuracy");
    }
  }

  // Names in one row, right-aligned with the plot; widths are estimated, as no font is at hand.
  void legend(const Group& losses, const Group& accuracies) {
    constexpr double kSwatch = 28;
    constexpr double kGap = 22;
    const auto width_of = [](const std::string& name) {
      return kSwatch + 8 + 7.1 * internal::display_width(name);
    };
    double x = kRight + 64 + kGap;
    for (const Group* group : {&losses, &accuracies}) {
      for (const CurveSeries& series : group->series) x -= width_of(name_of(series)) + kGap;
    }
    x = std::max(x, 28.0);
    const double y = 92;
    for (const Group* group : {&losses, &accuracies}) {
      for (size_t i = 0; i < group->series.size(); ++i) {
        const std::string name = name_of(group->series[i]);
        out_ += line_at(x, y - 4.5, x + kSwatch, y - 4.5, line_classes(*group, i));
        out_ += text_at(x + kSwatch + 8, y, "start", "legend", name);
        x += width_of(name) + kGap;
      }
    }
  }

  static bool noisy(const CurveSeries& series) { return series.y.size() > kMostClean; }
  static size_t window(const CurveSeries& series) { return series.y.size() / kWindows; }

  // The name; what was averaged; from where on the series has no finite value, if it ends like
  // that.
  static std::string name_of(const CurveSeries& series) {
    std::string name = series.name;
    if (noisy(series)) name += " (mean of " + std::to_string(window(series)) + ")";
    size_t end = series.y.size();
    while (end > 0 && !std::isfinite(series.y[end - 1])) --end;
    if (end == series.y.size()) return name;
    const std::string from = internal::shortest(series.x[end]);
    return name + (std::isnan(series.y[end]) ? " (nan from " : " (inf from ") + from + ")";
  }

  void draw(const Group& group, size_t index) {
    const CurveSeries& series = group.series[index];
    const std::string classes = line_classes(group, index);
    std::vector<double> xs;
    for (const double x : series.x) xs.push_back(std::isfinite(x) ? x_of(x) : NAN);
    if (noisy(series)) {
      add_path(xs, series.y, group.axis, std::string("line ") + group.name + " faint");
    }
    const std::vector<double> ys =
        noisy(series) ? internal::moving_mean(series.y, window(series)) : series.y;
    add_path(xs, ys, group.axis, classes);

    const auto good = [&](size_t i) { return std::isfinite(xs[i]) && std::isfinite(ys[i]); };
    const auto height = [&](size_t i) { return y_of(group.axis.position(ys[i])); };
    size_t last = ys.size();
    for (size_t i = 0; i < ys.size(); ++i) {
      if (!good(i)) continue;
      last = i;
      const bool alone = (i == 0 || !good(i - 1)) && (i + 1 == ys.size() || !good(i + 1));
      if (alone || (index == 0 && ys.size() <= kMostDots)) out_ += dot(group, xs[i], height(i), 3);
    }
    if (last == ys.size()) return;
    out_ += dot(group, xs[last], height(last), index == 0 ? 5 : 4);
    labels_.push_back({xs[last] + 11, height(last) + 4.5,
                       group.percent ? format_percent(ys[last]) : format_loss(ys[last]),
                       std::string("value ") + group.name + "-ink" + (index == 0 ? " first" : "")});
  }

  static std::string dot(const Group& group, double x, double y, double radius) {
    return "<circle cx=\"" + px(x) + "\" cy=\"" + px(y) + "\" r=\"" + px(radius) +
           "\" class=\"dot " + group.name + "-ink\"/>\n";
  }

  // One path with a piece for each run of finite points.
  void add_path(const std::vector<double>& xs, const std::vector<double>& ys, const Axis& axis,
                const std::string& classes) {
    std::string path;
    for (size_t begin = 0; begin < xs.size();) {
      size_t end = begin;
      while (end < xs.size() && std::isfinite(xs[end]) && std::isfinite(ys[end])) ++end;
      char command = 'M';
      if (end >= begin + 2) {
        for (const size_t i : internal::thinned(xs, ys, begin, end)) {
          path += command + px(xs[i]) + " " + px(y_of(axis.position(ys[i])));
          command = 'L';
        }
      }
      begin = std::max(end, begin + 1);
    }
    if (!path.empty()) out_ += "<path d=\"" + path + "\" class=\"" + classes + "\"/>\n";
  }

  // The last values, moved apart where they would overlap, and kept inside the plot.
  void labels() {
    std::sort(labels_.begin(), labels_.end(),
              [](const Label& a, const Label& b) { return a.y < b.y; });
    double least = kTop + 6;
    for (Label& label : labels_) {
      label.y = std::max(label.y, least);
      least = label.y + kLabelHeight;
    }
    double most = kBottom - 4;
    for (size_t i = labels_.size(); i-- > 0;) {
      labels_[i].y = std::min(labels_[i].y, most);
      most = labels_[i].y - kLabelHeight;
    }
    for (const Label& label : labels_) {
      out_ += text_at(label.x, label.y, "start", label.classes, label.text);
    }
  }

  const Curve& curve_;
  Axis x_axis_;
  std::string out_;
  std::vector<Label> labels_;
};

}  // namespace

std::string render_curve(const Curve& curve) { return Picture(curve).render(); }

void write_curve(const std::string& path, const Curve& curve) {
  io::write_file_atomic(path, render_curve(curve));
}

}  // namespace entasis::train
