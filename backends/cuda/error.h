// How calls of CUDA's runtime are checked, and what happens after each launch of a kernel.
#pragma once

#include <cuda_runtime_api.h>

namespace entasis::cuda {

// Throws DeviceError for a call that ended with `error`; `what` says what was being done.
[[noreturn]] void raise(cudaError_t error, const char* what);

[[gnu::always_inline]] inline void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) [[unlikely]] {
    raise(error, what);
  }
}

// Called after each launch. Where the environment has ENTASIS_SYNC=1 it waits for the kernel, so
// that an error is raised by the op that caused it.
void after_launch(cudaStream_t stream);

}  // namespace entasis::cuda
