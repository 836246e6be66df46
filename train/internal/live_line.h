// The progress line on screen, of which there is at most one: a signal handler must be able to wipe
// it away without knowing who drew it.
#pragma once

#include <string_view>

namespace entasis::train::internal {

// To the first column, and erase to the end of the line.
inline constexpr std::string_view kClearLine = "\r\033[K";

// Says that an unfinished line stands on `fd`; -1: none.
void set_live_line(int fd) noexcept;

// Erases that line, if there is one. Safe in a signal handler.
void clear_live_line() noexcept;

}  // namespace entasis::train::internal
