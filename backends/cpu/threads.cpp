// Reads the CPU affinity mask and the cgroup CPU quota: the default number of threads.
#include <entasis/backends/cpu/internal/threads.h>

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/error.h>

namespace entasis::cpu {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// CPUs that quota/period microseconds amount to, rounded up; 0 for "no limit" or nonsense.
int cpus_of_quota(double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return 0;
  return static_cast<int>(std::clamp(std::ceil(quota / period), 1.0, double{kMaxThreads}));
}

// v2: one file, "max 100000" or "150000 100000".
int quota_v2(const std::string& folder) {
  std::istringstream text(read_text(folder + "/cpu.max"));
  double quota = 0, period = 0;
  return text >> quota >> period ? cpus_of_quota(quota, period) : 0;
}

// v1: two files; the quota is -1 for "no limit".
int quota_v1(const std::string& folder) {
  std::istringstream quota_text(read_text(folder + "/cpu.cfs_quota_us"));
  std::istringstream period_text(read_text(folder + "/cpu.cfs_period_us"));
  double quota = 0, period = 0;
  return quota_text >> quota && period_text >> period ? cpus_of_quota(quota, period) : 0;
}

// The smallest limit on the way from `group` up to the mount. Inside a container the group's path
// may be the host's and not exist here; the mount itself is then the container's own group.
int smallest_on_path(const std::string& mount, std::string group,
                     int (*quota_of)(const std::string& folder)) {
  int smallest = 0;
  for (;;) {
    const int quota = quota_of(mount + group);
    if (quota > 0 && (smallest == 0 || quota < smallest)) smallest = quota;
    const size_t slash = group.rfind('/');
    if (group.empty() || slash == std::string::npos) return smallest;
    group.resize(slash);
  }
}

bool lists_cpu(const std::string& controllers) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

}  // namespace

int affinity_cpus() {
  // The kernel refuses a mask smaller than its own, hence the growing buffer.
  for (size_t cpus = 1024; cpus <= 1024 * 1024; cpus *= 4) {
    std::vector<unsigned char> mask(CPU_ALLOC_SIZE(cpus));
    auto* set = reinterpret_cast<cpu_set_t*>(mask.data());
    if (sched_getaffinity(0, mask.size(), set) == 0) {
      return std::max(1, CPU_COUNT_S(mask.size(), set));
    }
    if (errno != EINVAL) break;
  }
  return 1;
}

int cgroup_cpu_quota(const std::string& mount, const std::string& membership) {
  int smallest = 0;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {  // "hierarchy:controllers:/path"
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);

    int quota = 0;
    if (controllers.empty()) {
      quota = smallest_on_path(mount, group, quota_v2);
    } else if (lists_cpu(controllers)) {
      quota = smallest_on_path(mount + "/" + controllers, group, quota_v1);
      if (quota == 0) quota = smallest_on_path(mount + "/cpu", group, quota_v1);
    }
    if (quota > 0 && (smallest == 0 || quota < smallest)) smallest = quota;
  }
  return smallest;
}

int default_num_threads() {
  if (const char* text = std::getenv("ENTASIS_NUM_THREADS")) {
    char* end = nullptr;
    errno = 0;
    const long threads = std::strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || threads < 1 || threads > kMaxThreads) {
      throw ValueError("ENTASIS_NUM_THREADS must be a whole number from 1 to " +
                       std::to_string(kMaxThreads) + ", got \"" + text + "\"");
    }
    return static_cast<int>(threads);
  }
  const int cpus = std::min(affinity_cpus(), kMaxThreads);
  const int quota = cgroup_cpu_quota("/sys/fs/cgroup", read_text("/proc/self/cgroup"));
  return quota > 0 ? std::min(cpus, quota) : cpus;
}

}  // namespace entasis::cpu
