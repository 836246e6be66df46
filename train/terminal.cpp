// Terminal detection, and the one progress line that may be on screen.
// Writing goes straight to the descriptor: nothing is buffered when a signal arrives.
#include <entasis/train/terminal.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <entasis/train/internal/live_line.h>

namespace entasis::train {
namespace {

constexpr int kDefaultWidth = 80;

bool is_set(const char* value) { return value != nullptr && value[0] != '\0'; }

// The locale of characters: the first of the three variables that is set decides, as in
// setlocale().
bool speaks_utf8(const TerminalEnvironment& environment) {
  for (const char* value : {environment.lc_all, environment.lc_ctype, environment.lang}) {
    if (!is_set(value)) continue;
    std::string letters;
    for (const char* c = value; *c != '\0'; ++c) {
      if (*c != '-') letters += static_cast<char>(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    return letters.find("utf8") != std::string::npos;
  }
  return true;
}

std::atomic<int> live_line_fd{-1};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

}  // namespace

Terminal decide_terminal(int fd, bool is_terminal, const TerminalEnvironment& environment) {
  const bool dumb = is_set(environment.term) && std::string_view(environment.term) == "dumb";
  Terminal terminal;
  terminal.fd = fd;
  terminal.interactive = is_terminal && !dumb;
  terminal.colour = terminal.interactive && !is_set(environment.no_color);
  terminal.unicode = terminal.interactive && speaks_utf8(environment);
  return terminal;
}

Terminal detect_terminal(int fd) {
  return decide_terminal(fd, ::isatty(fd) == 1,
                         {std::getenv("TERM"), std::getenv("NO_COLOR"), std::getenv("LC_ALL"),
                          std::getenv("LC_CTYPE"), std::getenv("LANG")});
}

int terminal_width(const Terminal& terminal) {
  if (terminal.width > 0) return terminal.width;
  struct winsize size {};
  if (::ioctl(terminal.fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kDefaultWidth;
}

void write_text(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done > 0) {
      text.remove_prefix(static_cast<size_t>(done));
    } else if (done < 0 && errno == EAGAIN) {
      struct pollfd ready {
        fd, POLLOUT, 0
      };
      ::poll(&ready, 1, -1);
    } else if (done == 0 || errno != EINTR) {
      return;
    }
  }
}

namespace internal {

void set_live_line(int fd) noexcept { live_line_fd.store(fd, std::memory_order_relaxed); }

void clear_live_line() noexcept {
  const int fd = live_line_fd.exchange(-1, std::memory_order_relaxed);
  if (fd >= 0) write_text(fd, kClearLine);
}

}  // namespace internal
}  // namespace entasis::train
