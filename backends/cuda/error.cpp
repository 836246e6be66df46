#include <entasis/backends/cuda/error.h>

#include <atomic>
#include <string>

#include <entasis/backends/cuda/internal/capture_mode.h>
#include <entasis/backends/cuda/internal/environment.h>
#include <entasis/backends/cuda/launch_log.h>
#include <entasis/core/error.h>

namespace entasis::cuda {
namespace {

std::atomic<bool> lost{false};

// Errors after which every call of the process fails: the device's own, not those of a call.
bool is_sticky(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

}  // namespace

const bool kSynchronizeEachLaunch = switched_on("ENTASIS_SYNC");

bool device_is_lost() { return lost.load(std::memory_order_relaxed); }

void throw_error(cudaError_t error, const char* call) {
  cudaGetLastError();  // taken note of: the next call starts afresh
  std::string text = std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) +
                     " from " + call + ")";
  if (error == cudaErrorMemoryAllocation) throw OutOfMemoryError(std::move(text));
  if (!is_sticky(error)) throw DeviceError(std::move(text));
  if (lost.exchange(true)) {
    throw DeviceError("the device failed earlier in this process: " + std::move(text));
  }
  throw DeviceError(std::move(text) + "; " + suspects() +
                    "; the device cannot be used again in this process");
}

void synchronize_after_launch(cudaStream_t stream) {
  if (!is_captured(stream)) check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
}

}  // namespace entasis::cuda
