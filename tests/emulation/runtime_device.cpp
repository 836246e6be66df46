// The fake runtime: devices, versions, errors.
#include <cstdio>
#include <cstring>

#include "core.h"
#include "runtime.h"

namespace entasis::emulation {
namespace {

constexpr int kProcessors = 4;
constexpr size_t kUnaskedSharedBytes = 48 * 1024;

int attribute(cudaDeviceAttr name) {
  switch (name) {
    case cudaDevAttrMaxThreadsPerBlock:
      return kMaxBlockThreads;
    case cudaDevAttrMaxBlockDimX:
      return 1024;
    case cudaDevAttrMaxBlockDimY:
      return 1024;
    case cudaDevAttrMaxBlockDimZ:
      return 64;
    case cudaDevAttrMaxGridDimX:
      return 0x7fffffff;
    case cudaDevAttrMaxGridDimY:
      return 65535;
    case cudaDevAttrMaxGridDimZ:
      return 65535;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return kUnaskedSharedBytes;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return kMaxSharedBytes;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return kMaxSharedBytes + 1024;
    case cudaDevAttrWarpSize:
      return kWarpThreads;
    case cudaDevAttrMultiProcessorCount:
      return kProcessors;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return 2048;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      return 32;
    case cudaDevAttrMaxRegistersPerBlock:
      return 65536;
    case cudaDevAttrComputeCapabilityMajor:
      return 9;
    case cudaDevAttrComputeCapabilityMinor:
      return 0;
    case cudaDevAttrL2CacheSize:
      return 50 << 20;
    case cudaDevAttrConcurrentKernels:
      return 1;
    case cudaDevAttrAsyncEngineCount:
      return 2;
    case cudaDevAttrUnifiedAddressing:
      return 1;
    case cudaDevAttrGlobalMemoryBusWidth:
      return 5120;
    case cudaDevAttrMemoryClockRate:
      return 2'619'000;
    case cudaDevAttrClockRate:
      return 1'980'000;
    case cudaDevAttrStreamPrioritiesSupported:
      return 1;
    default:
      return 0;
  }
}

struct ErrorText {
  cudaError_t error;
  const char* name;
  const char* text;
};
#define ENTASIS_EMULATION_ERROR(name, text) \
  { name, #name, text }
constexpr ErrorText kErrors[] = {
    ENTASIS_EMULATION_ERROR(cudaSuccess, "no error"),
    ENTASIS_EMULATION_ERROR(cudaErrorInvalidValue, "invalid argument"),
    ENTASIS_EMULATION_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    ENTASIS_EMULATION_ERROR(cudaErrorInitializationError, "initialization error"),
    ENTASIS_EMULATION_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    ENTASIS_EMULATION_ERROR(cudaErrorInsufficientDriver,
                            "CUDA driver version is insufficient for CUDA runtime version"),
    ENTASIS_EMULATION_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    ENTASIS_EMULATION_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    ENTASIS_EMULATION_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    ENTASIS_EMULATION_ERROR(cudaErrorNotReady, "device not ready"),
    ENTASIS_EMULATION_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    ENTASIS_EMULATION_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    ENTASIS_EMULATION_ERROR(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    ENTASIS_EMULATION_ERROR(cudaErrorMisalignedAddress, "misaligned address"),
    ENTASIS_EMULATION_ERROR(cudaErrorAssert, "device-side assert triggered"),
    ENTASIS_EMULATION_ERROR(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered"),
    ENTASIS_EMULATION_ERROR(cudaErrorNotPermitted, "operation not permitted"),
    ENTASIS_EMULATION_ERROR(cudaErrorNotSupported, "operation not supported"),
    ENTASIS_EMULATION_ERROR(cudaErrorStreamCaptureUnsupported,
                            "operation not permitted when stream is capturing"),
    ENTASIS_EMULATION_ERROR(cudaErrorStreamCaptureInvalidated,
                            "operation failed due to a previous error during capture"),
    ENTASIS_EMULATION_ERROR(cudaErrorStreamCaptureMerge,
                            "operation would result in a merge of separate capture sequences"),
    ENTASIS_EMULATION_ERROR(cudaErrorStreamCaptureUnmatched,
                            "capture was not ended in the same stream as it began"),
    ENTASIS_EMULATION_ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    ENTASIS_EMULATION_ERROR(cudaErrorStreamCaptureIsolation,
                            "dependency created on uncaptured work in another stream"),
    ENTASIS_EMULATION_ERROR(cudaErrorStreamCaptureImplicit,
                            "operation would make the legacy stream depend on a capturing "
                            "blocking stream"),
    ENTASIS_EMULATION_ERROR(cudaErrorCapturedEvent,
                            "operation not permitted on an event last recorded in a capturing "
                            "stream"),
    ENTASIS_EMULATION_ERROR(cudaErrorStreamCaptureWrongThread,
                            "attempt to terminate a thread-local capture sequence from another "
                            "thread"),
    ENTASIS_EMULATION_ERROR(cudaErrorUnknown, "unknown error"),
};
#undef ENTASIS_EMULATION_ERROR

const ErrorText& text_of(cudaError_t error) {
  for (const ErrorText& known : kErrors) {
    if (known.error == error) return known;
  }
  static constexpr ErrorText kOther = {cudaErrorUnknown, "unrecognized error code",
                                       "unrecognized error code"};
  return kOther;
}

}  // namespace

extern "C" {

// ---- Errors

const char* cudaGetErrorName(cudaError_t error) { return text_of(error).name; }
const char* cudaGetErrorString(cudaError_t error) { return text_of(error).text; }

cudaError_t cudaGetLastError() {
  const std::lock_guard lock(runtime().mutex);
  const cudaError_t error = this_thread().last_error;
  this_thread().last_error = cudaSuccess;
  return runtime().sticky != cudaSuccess ? runtime().sticky : error;
}

cudaError_t cudaPeekAtLastError() {
  const std::lock_guard lock(runtime().mutex);
  return runtime().sticky != cudaSuccess ? runtime().sticky : this_thread().last_error;
}

// ---- Versions

cudaError_t cudaDriverGetVersion(int* version) {
  return api(__func__, kPlain, [&](Runtime& r) {
    *version = r.driver_version;
    return cudaSuccess;
  });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  return api(__func__, kPlain, [&](Runtime&) {
    *version = CUDART_VERSION;
    return cudaSuccess;
  });
}

// ---- Devices

cudaError_t cudaGetDeviceCount(int* count) {
  return api(__func__, kPlain, [&](Runtime& r) {
    *count = 0;
    if (const cudaError_t error = r.machine_error()) return error;
    *count = r.device_count;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return api(__func__, kPlain, [&](Runtime& r) {
    *device = this_thread().device;
    return r.machine_error();
  });
}

cudaError_t cudaSetDevice(int device) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    if (device < 0 || device >= r.device_count) return cudaErrorInvalidDevice;
    this_thread().device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr name, int device) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    if (device < 0 || device >= r.device_count) return cudaErrorInvalidDevice;
    *value = attribute(name);
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    if (device < 0 || device >= r.device_count) return cudaErrorInvalidDevice;
    cudaDeviceProp p{};
    std::snprintf(p.name, sizeof p.name, "CUDA emulated on the CPU");
    p.totalGlobalMem = r.device_bytes;
    p.sharedMemPerBlock = kUnaskedSharedBytes;
    p.sharedMemPerBlockOptin = kMaxSharedBytes;
    p.sharedMemPerMultiprocessor =
        static_cast<size_t>(attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor));
    p.regsPerBlock = attribute(cudaDevAttrMaxRegistersPerBlock);
    p.warpSize = attribute(cudaDevAttrWarpSize);
    p.maxThreadsPerBlock = attribute(cudaDevAttrMaxThreadsPerBlock);
    p.maxThreadsPerMultiProcessor = attribute(cudaDevAttrMaxThreadsPerMultiProcessor);
    p.major = attribute(cudaDevAttrComputeCapabilityMajor);
    p.minor = attribute(cudaDevAttrComputeCapabilityMinor);
    p.multiProcessorCount = attribute(cudaDevAttrMultiProcessorCount);
    p.l2CacheSize = attribute(cudaDevAttrL2CacheSize);
    p.memoryBusWidth = attribute(cudaDevAttrGlobalMemoryBusWidth);
    p.asyncEngineCount = attribute(cudaDevAttrAsyncEngineCount);
    p.concurrentKernels = p.unifiedAddressing = p.streamPrioritiesSupported = 1;
    p.pciBusID = device + 1;
    *properties = p;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int size, int device) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    if (device < 0 || device >= r.device_count) return cudaErrorInvalidDevice;
    std::snprintf(text, static_cast<size_t>(size), "0000:%02x:00.0", device + 1);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceCanAccessPeer(int* possible, int device, int peer) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    const bool exist = device >= 0 && device < r.device_count && peer >= 0 && peer < r.device_count;
    if (!exist) return cudaErrorInvalidDevice;
    *possible = device != peer;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    return peer < 0 || peer >= r.device_count || peer == this_thread().device
               ? cudaErrorInvalidDevice
               : cudaSuccess;
  });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return api(__func__, kUsesDevice, [&](Runtime&) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return api(__func__, kUsesDevice | kUnsafeInCapture,
             [&](Runtime& r) { return r.run_device(this_thread().device); });
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    const size_t used = r.used_bytes(this_thread().device);
    *total_bytes = r.device_bytes;
    *free_bytes = used < r.device_bytes ? r.device_bytes - used : 0;
    return cudaSuccess;
  });
}

}  // extern "C"

}  // namespace entasis::emulation
