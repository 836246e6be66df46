// A backend is a device family: memory, copies, streams. It knows no op.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <entasis/core/device.h>
#include <entasis/core/export.h>
#include <entasis/core/storage.h>

namespace entasis {

struct DeviceProperties {
  std::string name;  // "AMD EPYC 9654", "NVIDIA H200"
  size_t memory_bytes = 0;
  int compute_units = 0;        // cores or multiprocessors
  std::string instruction_set;  // SIMD target or compute capability
};

// Bytes, as of now or since the last reset.
struct MemoryStats {
  size_t allocated = 0;  // in live storages
  size_t peak_allocated = 0;
  size_t reserved = 0;  // taken from the system
  size_t peak_reserved = 0;
  uint64_t allocations = 0;  // calls
  uint64_t cache_hits = 0;   // calls served without the system
};

class ENTASIS_API Backend {
 public:
  virtual ~Backend();
  virtual int device_count() const = 0;
  virtual DeviceProperties properties(int device) const = 0;

  // 64-byte aligned, usable on `stream` at once. Throws OutOfMemoryError. Zero bytes give null.
  virtual void* allocate(size_t bytes, int device, StreamId stream) = 0;
  // `other_users` is the storage's mask (rule 13): the block may not be reused before they are
  // done.
  virtual void deallocate(void* data, size_t bytes, int device, StreamId stream,
                          uint64_t other_users) noexcept = 0;
  virtual void copy(void* to, Device to_device, const void* from, Device from_device, size_t bytes,
                    StreamId stream) = 0;
  virtual void fill_zero(void* data, size_t bytes, int device, StreamId stream) = 0;

  // The stream that this thread's work on `device` goes to.
  virtual StreamId current_stream(int device) const;
  // Orders `stream` after the storage's last writer and notes the use (rule 13).
  virtual void use_on_stream(Storage& storage, StreamId stream);
  virtual void synchronize(int device);

  virtual MemoryStats memory_stats(int device) const = 0;
  virtual void reset_peak_memory(int device) = 0;
  virtual void release_cache(int device) = 0;  // gives unused memory back to the system
};

// Makes a backend known; `backend` lives for the rest of the process.
ENTASIS_API void register_backend(DeviceType type, Backend* backend);
// Null if none is registered.
ENTASIS_API Backend* find_backend(DeviceType type);
// Throws DeviceError that says what is missing.
ENTASIS_API Backend& backend_of(DeviceType type);
// How many devices of a type there are; 0 without a backend.
ENTASIS_API int device_count(DeviceType type);
// Throws DeviceError unless `device` exists.
ENTASIS_API void check_device(Device device);

ENTASIS_API void synchronize(Device device = {});
ENTASIS_API MemoryStats memory_stats(Device device = {});
ENTASIS_API std::string memory_summary(Device device = {});

}  // namespace entasis
