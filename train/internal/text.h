// Text helpers of the training output: numbers without the locale, and the width of UTF-8 text on a
// terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace entasis::train::internal {

// `value` with a fixed number of decimals; "nan", "inf" or "-inf" where it is not finite.
std::string fixed(double value, int decimals);

// The shortest text that reads back as the same double.
std::string shortest(double value);

// Takes the first code point off `text`, which must not be empty. A byte that is not valid UTF-8
// gives U+FFFD and is taken off alone.
char32_t take_code_point(std::string_view& text);

// `text` without control characters and broken UTF-8, each replaced by '?'.
std::string printable(std::string_view text);

// The number of terminal columns: two for wide characters, none for combining marks. Knows no
// escape sequences.
int display_width(std::string_view text);

// `text` itself if it fits into `width` columns, else with its middle replaced by `mark`, so that
// both ends of a path stay readable.
std::string shorten(std::string_view text, int width, std::string_view mark);

}  // namespace entasis::train::internal
