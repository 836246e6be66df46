// The fake runtime: memory of the device, pinned memory of the host, and copies.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "device_memory.h"
#include "runtime.h"

namespace entasis::emulation {
namespace {

constexpr size_t kPinnedAlignment = 4096;  // a page
constexpr int kUninitialised = 0xff;       // NaN, -1

// One end of a copy, as it is when the copy is queued.
struct End {
  bool on_device = false;
  bool pinned = false;
  uint64_t id = 0;  // of its block; 0: pageable
};

End end_of(const Runtime& r, const void* begin, size_t bytes) {
  const MemoryBlock* const block = r.find_memory(begin, bytes);
  if (block == nullptr) return {};
  return {block->device >= 0, block->device < 0, block->id};
}

// A block may be freed while the copy waits.
void check_end(const Runtime& r, const End& end, const void* begin, size_t bytes) {
  const MemoryBlock* const block = r.find_memory(begin, bytes);
  if (end.id != 0 && (block == nullptr || block->id != end.id)) {
    throw WorkFailure(cudaErrorIllegalAddress, "a copy runs after its memory was freed");
  }
}

bool fits(cudaMemcpyKind kind, const End& to, const End& from) {
  switch (kind) {
    case cudaMemcpyHostToHost:
      return !to.on_device && !from.on_device;
    case cudaMemcpyHostToDevice:
      return to.on_device && !from.on_device;
    case cudaMemcpyDeviceToHost:
      return !to.on_device && from.on_device;
    case cudaMemcpyDeviceToDevice:
      return to.on_device && from.on_device;
    case cudaMemcpyDefault:
      return true;
  }
  return false;
}

cudaError_t copy(Runtime& r, void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                 CUstream_st& stream) {
  if (bytes == 0) return cudaSuccess;
  if (r.exceeds_memory(to, bytes) || r.exceeds_memory(from, bytes)) return cudaErrorInvalidValue;
  const End target = end_of(r, to, bytes), source = end_of(r, from, bytes);
  if (!fits(kind, target, source)) return cudaErrorInvalidValue;
  const auto run = [&r, to, from, bytes, target, source] {
    check_end(r, target, to, bytes);
    check_end(r, source, from, bytes);
    std::memmove(to, from, bytes);
  };
  if (stream.capture != nullptr || !target.on_device || source.id != 0) {
    return r.enqueue(stream, run);
  }
  // CUDA reads pageable memory before it returns.
  const auto* const begin = static_cast<const std::byte*>(from);
  return r.enqueue(stream, [&r, to, target, staged = std::vector(begin, begin + bytes)] {
    check_end(r, target, to, staged.size());
    std::memcpy(to, staged.data(), staged.size());
  });
}

cudaError_t set(Runtime& r, void* to, int value, size_t bytes, CUstream_st& stream) {
  if (bytes == 0) return cudaSuccess;
  const End target = end_of(r, to, bytes);
  if (target.id == 0) return cudaErrorInvalidValue;
  return r.enqueue(stream, [&r, to, value, bytes, target] {
    check_end(r, target, to, bytes);
    std::memset(to, value, bytes);
  });
}

cudaError_t allocate(Runtime& r, void** pointer, size_t bytes, int device) {
  *pointer = nullptr;
  if (device >= 0 && bytes > r.device_bytes - std::min(r.device_bytes, r.used_bytes(device))) {
    return cudaErrorMemoryAllocation;
  }
  if (bytes == 0) return cudaSuccess;
  void* begin = nullptr;
  if (device >= 0) {
    begin = allocate_device_memory(bytes);
  } else if (posix_memalign(&begin, kPinnedAlignment, bytes) == 0) {
    std::memset(begin, kUninitialised, bytes);
  }
  if (begin == nullptr) return cudaErrorMemoryAllocation;
  r.memory[reinterpret_cast<uintptr_t>(begin)] = {bytes, device, ++r.ids};
  *pointer = begin;
  return cudaSuccess;
}

cudaError_t release(Runtime& r, void* pointer, bool pinned) {
  if (pointer == nullptr) return cudaSuccess;
  const auto found = r.memory.find(reinterpret_cast<uintptr_t>(pointer));
  if (found == r.memory.end() || (found->second.device < 0) != pinned) {
    return cudaErrorInvalidValue;
  }
  const MemoryBlock block = found->second;
  if (pinned) {
    r.memory.erase(found);
    std::free(pointer);
    return cudaSuccess;
  }
  if (const cudaError_t error = r.run_device(block.device)) return error;  // CUDA waits here
  r.memory.erase(found);
  if (!free_device_memory(pointer)) {
    r.sticky = cudaErrorIllegalAddress;
    r.record_failure("a kernel has written outside of the " + std::to_string(block.bytes) +
                     " bytes of device memory that are freed now");
  }
  return r.sticky;
}

}  // namespace

const MemoryBlock* Runtime::find_memory(const void* begin, size_t bytes) const {
  const auto address = reinterpret_cast<uintptr_t>(begin);
  auto next = memory.upper_bound(address);
  if (next == memory.begin()) return nullptr;
  const auto& [start, block] = *--next;
  const bool inside = address - start < block.bytes && bytes <= block.bytes - (address - start);
  return inside ? &block : nullptr;
}

bool Runtime::exceeds_memory(const void* begin, size_t bytes) const {
  return find_memory(begin, 1) != nullptr && find_memory(begin, bytes) == nullptr;
}

size_t Runtime::used_bytes(int device) const {
  size_t used = 0;
  for (const auto& [address, block] : memory) {
    if (block.device == device) used += block.bytes;
  }
  return used;
}

extern "C" {

// ---- Allocation

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  return api(__func__, kUsesDevice | kUnsafeInCapture,
             [&](Runtime& r) { return allocate(r, pointer, bytes, this_thread().device); });
}

cudaError_t cudaFree(void* pointer) {
  return api(__func__, kUsesDevice | kUnsafeInCapture,
             [&](Runtime& r) { return release(r, pointer, false); });
}

cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) {
  return api(__func__, kUsesDevice | kUnsafeInCapture,
             [&](Runtime& r) { return allocate(r, pointer, bytes, -1); });
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  return api(__func__, kUsesDevice | kUnsafeInCapture,
             [&](Runtime& r) { return allocate(r, pointer, bytes, -1); });
}

cudaError_t cudaFreeHost(void* pointer) {
  return api(__func__, kUsesDevice | kUnsafeInCapture,
             [&](Runtime& r) { return release(r, pointer, true); });
}

cudaError_t cudaHostGetDevicePointer(void** device_pointer, void* pointer, unsigned) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    const MemoryBlock* const block = r.find_memory(pointer, 1);
    if (block == nullptr || block->device >= 0) return cudaErrorInvalidValue;
    *device_pointer = pointer;
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    cudaPointerAttributes found{};
    found.type = cudaMemoryTypeUnregistered;
    found.device = this_thread().device;
    found.hostPointer = const_cast<void*>(pointer);
    if (const MemoryBlock* const block = r.find_memory(pointer, 1)) {
      found.devicePointer = const_cast<void*>(pointer);
      found.type = block->device >= 0 ? cudaMemoryTypeDevice : cudaMemoryTypeHost;
      if (block->device >= 0) {
        found.device = block->device;
        found.hostPointer = nullptr;
      }
    }
    *attributes = found;
    return cudaSuccess;
  });
}

// ---- Copies

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    return copy(r, to, from, bytes, kind, *found);
  });
}

cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t bytes,
                                cudaStream_t stream) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    return copy(r, to, from, bytes, cudaMemcpyDeviceToDevice, *found);
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return api(__func__, kUsesDevice | kUnsafeInCapture, [&](Runtime& r) {
    CUstream_st& stream = *r.default_stream(this_thread().device);
    const cudaError_t error = copy(r, to, from, bytes, kind, stream);
    return error != cudaSuccess ? error : r.run_stream(stream);
  });
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    return set(r, to, value, bytes, *found);
  });
}

cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  return api(__func__, kUsesDevice | kUnsafeInCapture, [&](Runtime& r) {
    CUstream_st& stream = *r.default_stream(this_thread().device);
    const cudaError_t error = set(r, to, value, bytes, stream);
    return error != cudaSuccess ? error : r.run_stream(stream);
  });
}

}  // extern "C"

}  // namespace entasis::emulation
