// Warnings and notices. By default they go to stderr, one line each.
#pragma once

#include <string_view>

#include <entasis/core/export.h>

namespace entasis {

enum class LogLevel : unsigned char { kInfo, kWarning };

using LogHandler = void (*)(LogLevel level, std::string_view message);
// Null restores the default. Returns the previous handler. Safe from any thread.
ENTASIS_API LogHandler set_log_handler(LogHandler handler);
ENTASIS_API void log(LogLevel level, std::string_view message);

}  // namespace entasis
