// The curve picture, read back from its SVG text: well-formed for any data, round ticks, honest
// values.
#include <entasis/train/curve.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/error.h>

namespace entasis::train {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

CurveSeries series(const std::string& name, const std::vector<double>& y) {
  CurveSeries result{name, {}, y};
  for (size_t i = 0; i < y.size(); ++i) result.x.push_back(static_cast<double>(i + 1));
  return result;
}

Curve curve(const std::vector<double>& losses, const std::vector<double>& accuracies) {
  Curve result;
  result.title = "run";
  if (!losses.empty()) result.losses.push_back(series("train loss", losses));
  if (!accuracies.empty()) result.accuracies.push_back(series("test accuracy", accuracies));
  return result;
}

// The contents of all <text> elements.
std::vector<std::string> texts(const std::string& svg) {
  std::vector<std::string> found;
  const std::regex element("<text[^>]*>([^<]*)</text>");
  for (std::sregex_iterator it(svg.begin(), svg.end(), element), end; it != end; ++it) {
    found.push_back((*it)[1]);
  }
  return found;
}

bool has_text(const std::string& svg, const std::string& text) {
  for (const std::string& found : texts(svg)) {
    if (found == text) return true;
  }
  return false;
}

// Every tag is closed in order, attributes are quoted, and all coordinates are numbers in the
// picture.
void expect_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  std::string body = svg;
  const size_t style = body.find("<style>");
  body.erase(style, body.find("</style>") + 8 - style);
  const std::regex tag("<(/?)([a-z]+)((?: [a-zA-Z0-9-]+=\"[^\"<>&]*\")*)(/?)>");
  size_t covered = 0;
  for (std::sregex_iterator it(body.begin(), body.end(), tag), end; it != end; ++it) {
    const std::string between = body.substr(covered, static_cast<size_t>(it->position()) - covered);
    EXPECT_EQ(between.find_first_of("<>"), std::string::npos) << between;
    covered = static_cast<size_t>(it->position() + it->length());
    if ((*it)[1] == "/") {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), (*it)[2]);
      open.pop_back();
    } else if ((*it)[4] != "/") {
      open.push_back((*it)[2]);
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(body.substr(covered), "\n");

  const std::regex coordinate(" (?:x|y|x1|x2|y1|y2|cx|cy)=\"([^\"]*)\"");
  for (std::sregex_iterator it(body.begin(), body.end(), coordinate), end; it != end; ++it) {
    const std::string text = (*it)[1];
    char* rest = nullptr;
    const double value = std::strtod(text.c_str(), &rest);
    EXPECT_EQ(*rest, '\0') << text;
    EXPECT_GE(value, 0) << text;
    EXPECT_LE(value, 880) << text;
  }
  const std::regex path(" d=\"([^\"]*)\"");
  for (std::sregex_iterator it(body.begin(), body.end(), path), end; it != end; ++it) {
    EXPECT_TRUE(std::regex_match((*it)[1].str(), std::regex("(M[0-9. ]+(L[0-9. ]+)+)+")));
  }
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Curve, OrdinaryRun) {
  const std::string svg = render_curve(curve({1.4, 0.7, 0.31, 0.12}, {0.71, 0.84, 0.95, 0.9831}));
  expect_well_formed(svg);
  for (const char* text : {"run", "epoch", "loss", "accuracy", "train loss", "test accuracy",
                           "0.1200", "98.31 %", "0.0", "0.3", "1.5", "50 %", "100 %", "1", "4"}) {
    EXPECT_TRUE(has_text(svg, text)) << text;
  }
  EXPECT_NE(svg.find("prefers-color-scheme: dark"), std::string::npos);
  EXPECT_EQ(svg.find("url("), std::string::npos);
  EXPECT_EQ(svg.find("href"), std::string::npos);
}

TEST(Curve, HigherValuesStandHigher) {
  const std::string svg = render_curve(curve({3, 1}, {}));
  std::smatch match;
  ASSERT_TRUE(
      std::regex_search(svg, match, std::regex(" d=\"M([0-9.]+) ([0-9.]+)L([0-9.]+) ([0-9.]+)\"")));
  EXPECT_LT(std::stod(match[1]), std::stod(match[3]));
  EXPECT_LT(std::stod(match[2]), std::stod(match[4]));  // y runs downwards
}

TEST(Curve, AnyDataGivesAPicture) {
  const std::vector<std::vector<double>> data{{},
                                              {0.5},
                                              {0},
                                              {kNan},
                                              {kInf, -kInf},
                                              {0, 0, 0},
                                              {1, 1, 1},
                                              {-3, -3},
                                              {2.3026, 2.3026},
                                              {1, kNan, 2},
                                              {kNan, 1, kNan},
                                              {1e-300, 1e300},
                                              {1e300, -1e300},
                                              {1e308, 1.7e308},
                                              {-1.7e308, 1.7e308},
                                              {1e-310, 2e-310},
                                              {5e-324},
                                              {1, 1 + 1e-15},
                                              {1e15, 1e15 + 1},
                                              {0, 1e-12},
                                              {1e9, 2e9},
                                              {1e-7, 3e-7},
                                              {0.1, 1, 10, 1e5},
                                              {-1, 2},
                                              {99.99, 100.01}};
  for (size_t i = 0; i < data.size(); ++i) {
    for (const auto& accuracies : data) {
      SCOPED_TRACE(i);
      expect_well_formed(render_curve(curve(data[i], accuracies)));
    }
  }
}

TEST(Curve, OnePointIsADotWithItsValue) {
  const std::string svg = render_curve(curve({0.7}, {0.81}));
  EXPECT_TRUE(has_text(svg, "0.7000"));
  EXPECT_TRUE(has_text(svg, "81.00 %"));
  EXPECT_TRUE(has_text(svg, "1"));
  EXPECT_EQ(count(svg, "<path"), 0U);
  EXPECT_GE(count(svg, "<circle"), 2U);
}

TEST(Curve, ConstantLossLiesWithinItsAxis) {
  const std::string svg = render_curve(curve({2.3026, 2.3026}, {}));
  EXPECT_TRUE(has_text(svg, "2.1"));
  EXPECT_TRUE(has_text(svg, "2.5"));
}

TEST(Curve, NanLeavesAGapAndIsNamed) {
  const std::string gap = render_curve(curve({3, 2, kNan, 1, 0.5}, {}));
  EXPECT_EQ(count(gap.substr(gap.find("<path")), "M"), 2U);
  EXPECT_TRUE(has_text(gap, "train loss"));
  const std::string end = render_curve(curve({3, 2, kNan, kNan}, {}));
  EXPECT_TRUE(has_text(end, "train loss (nan from 3)"));
  EXPECT_TRUE(has_text(end, "2.0000"));
  EXPECT_TRUE(has_text(render_curve(curve({3, kInf}, {})), "train loss (inf from 2)"));
  EXPECT_TRUE(has_text(render_curve(curve({kNan}, {})), "no finite values"));
}

TEST(Curve, LossAxisTurnsLogarithmicOnlyForAnExplosion) {
  EXPECT_TRUE(has_text(render_curve(curve({0.1, 1, 2, 3, 1e5}, {})), "loss (log)"));
  EXPECT_TRUE(has_text(render_curve(curve({2.3, 0.5, 0.1, 0.05, 0.0001}, {})), "loss"));
  EXPECT_TRUE(has_text(render_curve(curve({0, 1, 2, 3, 1e5}, {})), "loss"));
}

TEST(Curve, AccuracyAxisFitsTheValues) {
  const std::string high = render_curve(curve({1, 0.5}, {0.991, 0.994}));
  EXPECT_TRUE(has_text(high, "100.0 %") || has_text(high, "100 %"));
  EXPECT_FALSE(has_text(high, "50 %"));
  const std::string low = render_curve(curve({1, 0.5}, {0.1, 0.12}));
  EXPECT_TRUE(has_text(low, "0 %") || has_text(low, "0.0 %"));
  EXPECT_FALSE(has_text(low, "100 %"));
}

TEST(Curve, BothAxesHaveTheSameNumberOfTicks) {
  for (const double top : {0.3, 0.7, 1.1, 1.9, 2.3, 4.4, 6.1, 8.8, 12.1, 1e4}) {
    for (const double least : {0.0, 0.1, 0.33, 0.62, 0.97, 0.999}) {
      const std::string svg = render_curve(curve({top, 0}, {least, 1}));
      size_t percent = 0;
      for (const std::string& text : texts(svg)) percent += text.ends_with(" %") ? 1 : 0;
      const size_t lines = count(svg, "class=\"grid\"") + 1;
      EXPECT_EQ(percent, lines + 1) << top << " " << least;  // and the last value
    }
  }
}

TEST(Curve, LongRunsStaySmallAndAreAveraged) {
  std::vector<double> noisy;
  for (int i = 0; i < 100000; ++i) noisy.push_back(i % 2 == 0 ? 1 : 3);
  const std::string svg = render_curve(curve(noisy, {}));
  expect_well_formed(svg);
  EXPECT_LT(svg.size(), 150000U);
  EXPECT_TRUE(has_text(svg, "train loss (mean of 2000)"));
  EXPECT_TRUE(has_text(svg, "2.0000"));  // the mean, not the last point
  EXPECT_EQ(count(svg, "faint\"/>"), 1U);
}

TEST(Curve, MovingMeanIsThatOfTheLastPoints) {
  // 225 points, so a window of 4: 220 ones, then 4, 8, 12, 16 and 20.
  std::vector<double> values(220, 1);
  for (const double last : {4, 8, 12, 16, 20}) values.push_back(last);
  EXPECT_TRUE(has_text(render_curve(curve(values, {})), "14.00"));
  values.back() = kNan;
  EXPECT_TRUE(has_text(render_curve(curve(values, {})), "10.00"));
  values.resize(223);  // from 4, 8 and 12 and the last one
  EXPECT_TRUE(has_text(render_curve(curve(values, {})), "6.2500"));
}

TEST(Curve, LastValuesDoNotOverlap) {
  Curve close = curve({1, 0.101}, {0.1, 0.55});
  close.losses.push_back(series("test loss", {1, 0.1}));
  close.losses.push_back(series("best loss", {1, 0.099}));
  const std::string svg = render_curve(close);
  std::vector<double> heights;
  const std::regex label("y=\"([0-9.]+)\" class=\"value");
  for (std::sregex_iterator it(svg.begin(), svg.end(), label), end; it != end; ++it) {
    heights.push_back(std::stod((*it)[1]));
  }
  ASSERT_EQ(heights.size(), 4U);
  for (size_t i = 1; i < heights.size(); ++i) EXPECT_GE(heights[i] - heights[i - 1], 16.5);
}

TEST(Curve, NamesAreEscaped) {
  Curve odd = curve({1, 2}, {});
  odd.title = "a<b>&\"c\x01\xff";
  odd.losses[0].name = "</svg>";
  const std::string svg = render_curve(odd);
  expect_well_formed(svg);
  EXPECT_TRUE(has_text(svg, "a&lt;b&gt;&amp;&quot;c?\?"));
}

TEST(Curve, RefusesSeriesOfUnequalLengths) {
  Curve bad = curve({1, 2}, {});
  bad.losses[0].x.pop_back();
  EXPECT_THROW(render_curve(bad), ValueError);
}

TEST(Curve, WritesAFile) {
  std::string folder = (std::filesystem::temp_directory_path() / "entasis-test-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/curve.svg";
  const Curve picture = curve({1, 2}, {0.5, 0.6});
  write_curve(path, picture);
  EXPECT_EQ(std::filesystem::file_size(path), render_curve(picture).size());
  EXPECT_THROW(write_curve(folder + "/none/curve.svg", picture), IoError);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace entasis::train
