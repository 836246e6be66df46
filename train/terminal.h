// What an output can show: whether lines may be rewritten, colour, box drawing, and its width.
// The decision is a pure function of the environment, so that tests need no terminal.
#pragma once

#include <string_view>

#include <entasis/core/export.h>

namespace entasis::train {

struct Terminal {
  int fd = 2;
  bool interactive = false;  // a terminal on which a line can be rewritten in place
  bool colour = false;
  bool unicode = false;
  int width = 0;  // columns; 0: ask the system each time
};

// The environment variables that matter; nullptr where unset.
struct TerminalEnvironment {
  const char* term = nullptr;
  const char* no_color = nullptr;
  const char* lc_all = nullptr;
  const char* lc_ctype = nullptr;
  const char* lang = nullptr;
};

// Interactive: a terminal whose TERM is not "dumb". Colour: interactive and NO_COLOR unset or empty
// (https://no-color.org). Unicode: interactive and the locale is UTF-8 or not set at all, as in
// most containers.
ENTASIS_API Terminal decide_terminal(int fd, bool is_terminal,
                                     const TerminalEnvironment& environment);

// The same for this process: `fd` is 1 for standard output, 2 for standard error.
ENTASIS_API Terminal detect_terminal(int fd);

// The columns of the terminal right now; 80 where unknown.
ENTASIS_API int terminal_width(const Terminal& terminal);

// Writes all of `text`; an output that has gone away is no reason to stop a training run.
ENTASIS_API void write_text(int fd, std::string_view text) noexcept;

}  // namespace entasis::train
