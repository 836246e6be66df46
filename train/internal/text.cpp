// Number formatting over std::to_chars, and a small UTF-8 decoder: the C library's are at the mercy
// of the locale that the program has set.
#include <entasis/train/internal/text.h>

#include <array>
#include <charconv>
#include <cmath>

namespace entasis::train::internal {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Range {
  char32_t first;
  char32_t last;
};

// The blocks that terminals draw in two columns (Unicode's East Asian Width W and F, and emoji).
constexpr std::array<Range, 11> kWide{{{0x1100, 0x115F},
                                       {0x2E80, 0x303E},
                                       {0x3041, 0xA4CF},
                                       {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},
                                       {0xFFE0, 0xFFE6},
                                       {0x1F300, 0x1F64F},
                                       {0x1F900, 0x1F9FF},
                                       {0x20000, 0x3FFFD}}};

constexpr std::array<Range, 5> kCombining{
    {{0x0300, 0x036F}, {0x1AB0, 0x1AFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};

template <size_t N>
bool contains(const std::array<Range, N>& ranges, char32_t c) {
  for (const Range& range : ranges) {
    if (c >= range.first && c <= range.last) return true;
  }
  return false;
}

int code_point_width(char32_t c) {
  if (contains(kCombining, c)) return 0;
  return contains(kWide, c) ? 2 : 1;
}

std::string_view not_finite(double value) {
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

}  // namespace

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return std::string(not_finite(value));
  std::array<char, 512> buffer{};  // the largest double has 309 digits before the point
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::fixed, decimals);
  const std::string text(buffer.data(), end.ptr);
  // "-0.00" says nothing that "0.00" does not.
  if (text.front() == '-' && text.find_first_of("123456789") == std::string::npos) {
    return text.substr(1);
  }
  return text;
}

std::string shortest(double value) {
  if (!std::isfinite(value)) return std::string(not_finite(value));
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end.ptr};
}

char32_t take_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  size_t length = 1;
  char32_t code = first;
  char32_t least = 0;  // what a shorter encoding could have said
  if (first >= 0xF0 && first < 0xF8) {
    length = 4, code = first & 0x07U, least = 0x10000;
  } else if (first >= 0xE0 && first < 0xF0) {
    length = 3, code = first & 0x0FU, least = 0x800;
  } else if (first >= 0xC0 && first < 0xE0) {
    length = 2, code = first & 0x1FU, least = 0x80;
  } else if (first >= 0x80) {
    text.remove_prefix(1);
    return kReplacement;
  }
  bool valid = text.size() >= length;
  for (size_t i = 1; valid && i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    valid = (next & 0xC0U) == 0x80;
    code = (code << 6) | (next & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (!valid || code < least || surrogate || code > 0x10FFFF) {
    text.remove_prefix(1);
    return kReplacement;
  }
  text.remove_prefix(length);
  return code;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t code = take_code_point(text);
    const std::string_view bytes = before.substr(0, before.size() - text.size());
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    const bool broken = code == kReplacement && bytes.size() == 1;
    out += control || broken ? std::string_view("?") : bytes;
  }
  return out;
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) width += code_point_width(take_code_point(text));
  return width;
}

std::string shorten(std::string_view text, int width, std::string_view mark) {
  if (display_width(text) <= width) return std::string(text);
  const int keep = width - display_width(mark);
  if (keep <= 0) return std::string(mark.substr(0, width > 0 ? mark.size() : 0));
  const int head_columns = keep / 2;
  const int tail_columns = keep - head_columns;

  std::string_view rest = text;
  int columns = 0;
  while (true) {
    std::string_view next = rest;
    columns += code_point_width(take_code_point(next));
    if (columns > head_columns) break;
    rest = next;
  }
  const std::string_view head = text.substr(0, text.size() - rest.size());
  while (display_width(rest) > tail_columns) take_code_point(rest);
  return std::string(head) + std::string(mark) + std::string(rest);
}

}  // namespace entasis::train::internal
