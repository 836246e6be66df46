// The fake runtime: memory of the device and pinned memory of the host, both from malloc(), and
// copies between them.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "runtime.h"
#include "sanitizers.h"

namespace entasis::emulation {
namespace {

constexpr size_t kAlignment = 512;       // of the device
constexpr size_t kPageAlignment = 4096;  // of pinned memory
// Watched bytes on both sides of device memory; the address sanitizer has its own.
constexpr size_t kGuardBytes = kAddressSanitizer ? 0 : kAlignment;
constexpr int kGuardByte = 0xa5;
constexpr int kUninitialised = 0xff;  // NaN, -1

bool guards_intact(const MemoryBlock& block) {
  const auto* const raw = static_cast<const unsigned char*>(block.raw);
  for (size_t i = 0; i < kGuardBytes; ++i) {
    if (raw[i] != kGuardByte || raw[kGuardBytes + block.bytes + i] != kGuardByte) return false;
  }
  return true;
}

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
  const size_t alignment = device >= 0 ? kAlignment : kPageAlignment;
  const size_t guard = device >= 0 ? kGuardBytes : 0;
  void* raw = nullptr;
  if (posix_memalign(&raw, alignment, guard + bytes + guard) != 0) {
    return cudaErrorMemoryAllocation;
  }
  auto* const begin = static_cast<unsigned char*>(raw) + guard;
  std::memset(raw, kGuardByte, guard);
  std::memset(begin, kUninitialised, bytes);
  std::memset(begin + bytes, kGuardByte, guard);
  r.memory[reinterpret_cast<uintptr_t>(begin)] = {bytes, device, raw, ++r.ids};
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
  if (!pinned) {  // CUDA waits for the device here
    if (const cudaError_t error = r.run_device(block.device)) return error;
    if (!guards_intact(block)) {
      r.sticky = cudaErrorIllegalAddress;
      r.record_failure("a kernel has written outside of the " + std::to_string(block.bytes) +
                       " bytes of device memory that are freed now");
    }
  }
  r.memory.erase(found);
  std::free(block.raw);
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
