#include <entasis/core/log.h>

#include <atomic>
#include <cstdio>

namespace entasis {
namespace {

void to_stderr(LogLevel level, std::string_view message) {
  std::fprintf(stderr, "entasis: %s%.*s\n", level == LogLevel::kWarning ? "warning: " : "",
               int(message.size()), message.data());
}

constinit std::atomic<LogHandler> current{&to_stderr};

}  // namespace

LogHandler set_log_handler(LogHandler handler) {
  return current.exchange(handler ? handler : &to_stderr);
}

void log(LogLevel level, std::string_view message) { current.load()(level, message); }

}  // namespace entasis
