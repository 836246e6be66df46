// Numbers for human eyes: counts, times, sizes, losses. None of it depends on the locale.
// Progress line, end table and curve share these, so one figure looks the same everywhere.
#pragma once

#include <cstdint>
#include <string>

#include <entasis/core/export.h>

namespace entasis::train {

ENTASIS_API std::string format_count(int64_t count);     // "12,345"
ENTASIS_API std::string format_rate(double per_second);  // "12,345", below ten "3.4"
ENTASIS_API std::string format_seconds(double seconds);  // "1.23 s", "2 min 05 s", "1 h 02 min"
ENTASIS_API std::string format_clock(double seconds);    // "0:12", "1:02:03"
ENTASIS_API std::string format_bytes(int64_t bytes);     // "512 B", "57.6 MiB"
ENTASIS_API std::string format_loss(double loss);        // "0.1234", "12.34", "1.23e6", "nan"
ENTASIS_API std::string format_percent(double fraction, int decimals = 2);  // 0.9746: "97.46 %"

}  // namespace entasis::train
