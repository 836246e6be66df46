// What CUDA's calls return, as exceptions.
#pragma once

#include <cuda_runtime_api.h>

namespace entasis::cuda {

// Throws OutOfMemoryError or DeviceError that names the call, the error and, where the device
// itself has failed, the op that is the likeliest cause. After such a failure the device is lost
// for the rest of the process: the first error tells all, later ones refer to it.
[[noreturn]] void throw_error(cudaError_t error, const char* call);

[[gnu::always_inline]] inline void check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) [[unlikely]]
    throw_error(error, call);
}

// Whether the device has failed for good.
bool device_is_lost();

// Under ENTASIS_SYNC=1 waits for the kernel just launched, so that its error names its op.
void synchronize_after_launch(cudaStream_t stream);
extern const bool kSynchronizeEachLaunch;
inline void after_launch(cudaStream_t stream) {
  if (kSynchronizeEachLaunch) [[unlikely]]
    synchronize_after_launch(stream);
}

}  // namespace entasis::cuda
