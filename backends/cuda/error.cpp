// Errors of the CUDA runtime as exceptions, and the wait after each launch under ENTASIS_SYNC=1.
#include <entasis/backends/cuda/error.h>

#include <cstdlib>
#include <string>

#include <entasis/core/error.h>

namespace entasis::cuda {

void raise(cudaError_t error, const char* what) {
  throw DeviceError(std::string("CUDA: ") + what + ": " + cudaGetErrorString(error) + " (" +
                    cudaGetErrorName(error) + ")");
}

void after_launch(cudaStream_t stream) {
  static const bool synchronous = [] {
    const char* const value = std::getenv("ENTASIS_SYNC");
    return value != nullptr && std::string(value) == "1";
  }();
  if (synchronous) check(cudaStreamSynchronize(stream), "kernel");
}

}  // namespace entasis::cuda
