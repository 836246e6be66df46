// How many threads this process may usefully run: CPU affinity, cgroup quota, environment.
#pragma once

#include <string>

namespace entasis::cpu {

// The number of threads before anyone sets it: ENTASIS_NUM_THREADS if set, else the smaller of
// affinity_cpus() and the cgroup quota. Throws ValueError for a variable that makes no sense.
int default_num_threads();

// CPUs in this thread's affinity mask; at least 1.
int affinity_cpus();

// The CPU quota of the cgroup (v1 or v2) that `membership` (the text of /proc/self/cgroup) names
// below `mount` (/sys/fs/cgroup), or of any of its parents, rounded up; 0 if there is none.
int cgroup_cpu_quota(const std::string& mount, const std::string& membership);

}  // namespace entasis::cpu
