// What launch() calls of the CUDA backend (backends/cuda/error.h), as the emulation's own tests
// need it: errors tell their cause and nothing is remembered, since these tests break the device
// often.
#include <string>

#include <entasis/backends/cuda/error.h>
#include <entasis/core/error.h>

namespace entasis::cuda {

const bool kSynchronizeEachLaunch = false;

void synchronize_after_launch(cudaStream_t stream) { check(cudaStreamSynchronize(stream), "sync"); }

void throw_error(cudaError_t error, const char* call) {
  throw DeviceError(std::string(call) + ": " + cudaGetErrorString(error) + " (" +
                    cudaGetErrorName(error) + ")");
}

}  // namespace entasis::cuda
