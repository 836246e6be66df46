// Clock and memory figures of Linux.
// The memory figure comes from /proc, where the kernel keeps it up to date.
#include <entasis/train/process.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include <time.h>

namespace entasis::train {

double monotonic_seconds() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

int64_t peak_memory_bytes() {
  // getrusage() would do too, but its figure is inherited through exec: a small program started by
  // a large one would report the large one's peak.
  std::ifstream status("/proc/self/status");
  const std::string key = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return 1024 * std::atoll(line.c_str() + key.size());
  }
  return -1;
}

}  // namespace entasis::train
