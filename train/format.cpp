// Number formatting for people.
// Limits such as 9.995 lie where rounding would carry into another digit or unit.
#include <entasis/train/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <entasis/train/internal/text.h>

namespace entasis::train {
namespace {

using internal::fixed;

// Times beyond this are not worth telling apart, and fit into an int64_t.
constexpr double kMaxSeconds = 1e9;

std::string two_digits(int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }

// "1.23e6", "4.50e-5".
std::string scientific(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific, 2);
  std::string text(buffer.data(), end.ptr);
  const size_t exponent = text.find('e') + 1;
  const size_t digits = text.find_first_not_of("+-0", exponent);
  const bool negative = text[exponent] == '-';
  return text.substr(0, exponent) + (negative ? "-" : "") + text.substr(digits);
}

}  // namespace

std::string format_count(int64_t count) {
  std::string text = std::to_string(count);
  const size_t first = count < 0 ? 2 : 1;  // never a comma before the first digit
  for (size_t i = text.size(); i > first + 2; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string format_rate(double per_second) {
  if (!std::isfinite(per_second) || std::abs(per_second) > 1e15) return "?";
  if (per_second < 9.95) return fixed(per_second, 1);
  return format_count(std::llround(per_second));
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 9.995) return fixed(seconds, 2) + " s";
  if (seconds < 59.95) return fixed(seconds, 1) + " s";
  const int64_t whole = std::llround(std::min(seconds, kMaxSeconds));
  if (whole < 3600) return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  const int64_t minutes = (whole + 30) / 60;
  return std::to_string(minutes / 60) + " h " + two_digits(minutes % 60) + " min";
}

std::string format_clock(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const int64_t whole = std::llround(std::min(seconds, kMaxSeconds));
  const int64_t hours = whole / 3600;
  const int64_t minutes = whole / 60 % 60;
  const std::string tail = ":" + two_digits(whole % 60);
  if (hours == 0) return std::to_string(minutes) + tail;
  return std::to_string(hours) + ":" + two_digits(minutes) + tail;
}

std::string format_bytes(int64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<const char*, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // 1023.95 and more would print as "1024.0".
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fixed(value, 1) + " " + kUnits[unit];
}

std::string format_loss(double loss) {
  const double size = std::abs(loss);
  if (!std::isfinite(loss) || size == 0) return fixed(loss, 4);
  if (size < 5e-4 || size >= 1e5) return scientific(loss);
  if (size < 10) return fixed(loss, 4);
  return fixed(loss, size < 1000 ? 2 : 1);
}

std::string format_percent(double fraction, int decimals) {
  return fixed(100 * fraction, decimals) + " %";
}

}  // namespace entasis::train
