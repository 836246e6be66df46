// The fake runtime: kernels and functions of the host.
#include <algorithm>
#include <string>

#include "core.h"
#include "device_launch.h"
#include "modules.h"
#include "runtime.h"

namespace entasis::emulation {
namespace {

std::string text_of(dim3 size) {
  return std::to_string(size.x) + 'x' + std::to_string(size.y) + 'x' + std::to_string(size.z);
}

// Why CUDA would refuse the launch; empty if it would not.
std::string refusal(dim3 grid, dim3 block, size_t shared_bytes) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return "a grid of " + text_of(grid) + " blocks";
  if (grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    return "a grid of " + text_of(grid) + " blocks, of at most 2147483647x65535x65535";
  }
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > kMaxBlockThreads || block.z > 64) {
    return "a block of " + text_of(block) + " threads, of at most 1024, 64 in z";
  }
  if (shared_bytes > kMaxSharedBytes) {
    return std::to_string(shared_bytes) + " bytes of dynamic shared memory, of at most " +
           std::to_string(kMaxSharedBytes);
  }
  return "";
}

cudaError_t error_of(Ending ending) {
  switch (ending) {
    case Ending::kRight:
      return cudaSuccess;
    case Ending::kFailed:
      return cudaErrorLaunchFailure;
    case Ending::kIllegalAddress:
      return cudaErrorIllegalAddress;
    case Ending::kMisalignedAddress:
      return cudaErrorMisalignedAddress;
  }
  return cudaErrorUnknown;
}

void call_function(const void* function) {
  (*static_cast<const std::function<void()>*>(function))();
}

void run_kernel(Runtime& r, const Grid& grid, const void* kernel) {
  Order order = r.order;
  if (order.kind == Order::kRandom) order.seed = r.choice.below(0x7fffffff);
  char text[1024];
  const Ending ending = run_grid(grid, order, text, sizeof text);
  if (ending == Ending::kRight) return;
  throw WorkFailure(error_of(ending), std::string(text) + ", in " + function_name(kernel));
}

}  // namespace

cudaError_t launch_body(const void* kernel, dim3 grid, dim3 block, size_t shared_bytes,
                        cudaStream_t stream, std::function<void()> body) {
  return api("cudaLaunchKernel", kUsesDevice, [&](Runtime& r) {
    if (const std::string why = refusal(grid, block, shared_bytes); !why.empty()) {
      r.record_failure("launch with " + why + ", of " + function_name(kernel));
      return cudaErrorInvalidConfiguration;
    }
    CUstream_st* const found = r.find(stream);
    if (found == nullptr || found->device != this_thread().device) {
      return cudaErrorInvalidResourceHandle;
    }
    r.launched.push_back(kernel);
    return r.enqueue(*found, [&r, kernel, grid, block, shared_bytes, body = std::move(body)] {
      run_kernel(r, {grid, block, shared_bytes, call_function, &body}, kernel);
    });
  });
}

extern "C" {

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    return r.enqueue(*found, [function, data] {
      this_thread().in_callback = true;
      function(data);
      this_thread().in_callback = false;
    });
  });
}

cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute name, int value) {
  return api(__func__, kUsesDevice, [&](Runtime&) {
    const bool too_much = name == cudaFuncAttributeMaxDynamicSharedMemorySize &&
                          value > static_cast<int>(kMaxSharedBytes);
    return value < 0 || too_much ? cudaErrorInvalidValue : cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  return api(__func__, kUsesDevice, [&](Runtime&) {
    cudaFuncAttributes found{};
    found.maxThreadsPerBlock = kMaxBlockThreads;
    found.maxDynamicSharedSizeBytes = kMaxSharedBytes;
    found.numRegs = 32;
    found.ptxVersion = found.binaryVersion = 90;
    *attributes = found;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void*,
                                                                   int block_size,
                                                                   size_t shared_bytes, unsigned) {
  return api(__func__, kUsesDevice, [&](Runtime&) {
    if (block_size <= 0) return cudaErrorInvalidValue;
    const int by_threads = 2048 / block_size;
    const int by_memory = static_cast<int>((kMaxSharedBytes + 1024) / (shared_bytes + 1024));
    *blocks = std::min({by_threads, by_memory, 32});
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel,
                                                          int block_size, size_t shared_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, kernel, block_size,
                                                                shared_bytes, 0);
}

}  // extern "C"

}  // namespace entasis::emulation
