// The CUDA devices of this process.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <entasis/backends/cuda/allocator.h>

namespace entasis::cuda {

// Looks for driver and devices; returns why there are none, or nothing. To be called first, once.
std::string find_devices();
int device_count();
// Of driver, runtime and libraries, by name.
std::vector<std::pair<std::string, std::string>> versions();
// Shared memory that a block may ask for, multiprocessors, and the like.
struct DeviceLimits {
  int multiprocessors;
  int max_shared_bytes;    // of a block, when asked for
  int compute_capability;  // 90 for 9.0
};
const DeviceLimits& limits_of(int device);
Allocator& allocator_of(int device);

}  // namespace entasis::cuda
