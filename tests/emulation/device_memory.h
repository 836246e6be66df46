// The fake device's memory: full of ones when new (NaN, -1), closed to the host, watched at both
// ends, and gone when freed. Functions are called under the runtime's lock.
#pragma once

#include <cstddef>

namespace entasis::emulation {

// Null if the system has no more. Aligned to 512 bytes, as CUDA's; it ends at a page that nobody
// may touch, but for what rounding to the alignment leaves.
void* allocate_device_memory(size_t bytes);

// False if something was written just outside of it. Its addresses stay forbidden for a while.
bool free_device_memory(void* begin);

// While one lives, device memory is open: work runs. Otherwise touching it is an error that names
// the address; in a kernel, so is what lies around it.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

}  // namespace entasis::emulation
