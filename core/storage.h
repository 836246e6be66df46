// The memory behind tensors: one block, shared by every view, with the counters that keep aliasing
// honest.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <entasis/core/device.h>
#include <entasis/core/export.h>
#include <entasis/core/ref.h>

namespace entasis {

// A small process-wide number for a stream of work on a device; 0 is the CPU's only one.
using StreamId = uint32_t;

class Storage final : public Counted {
 public:
  // Called with the memory when a borrowed block (`from_blob`) is no longer needed.
  using Deleter = void (*)(void* context, void* data);

  void* data = nullptr;
  size_t bytes = 0;
  Device device;
  // Unique for the life of the process: addresses come back, ids do not.
  uint64_t id = 0;

  // Rule 1. `writes` counts every write, `recorded_writes` those that entered a graph; both are
  // shared by all aliases.
  uint32_t writes = 0;
  uint32_t recorded_writes = 0;

  // Whether somebody outside holds the address and may write without being counted: copies of the
  // values in another form must not be kept.
  bool exposed = false;

  // Rule 13: the stream that wrote last, and the others that use the block.
  StreamId last_writer = 0;
  uint64_t other_users = 0;

  Deleter deleter = nullptr;
  void* deleter_context = nullptr;

  // What kernels keep beside the memory: its values in another form. Goes with the memory.
  struct Companion {
    virtual ~Companion() = default;
  };
  Companion* companion = nullptr;

  // Memory from the device's allocator. Throws OutOfMemoryError, DeviceError.
  ENTASIS_API static Ref<Storage> allocate(size_t bytes, Device device);
  // The host's memory, page-locked, so that CUDA devices copy from and to it while the host goes
  // on. Throws OutOfMemoryError, and DeviceError without a CUDA device.
  ENTASIS_API static Ref<Storage> allocate_pinned(size_t bytes);
  // Memory that somebody else owns; `deleter` may be null. A device's is as its current stream
  // finds it, and is given back when all streams are done with it.
  ENTASIS_API static Ref<Storage> borrow(void* data, size_t bytes, Device device, Deleter deleter,
                                         void* context);

  // Whether it was made by allocate_pinned().
  ENTASIS_API bool is_pinned() const;

  void release() {
    if (drop_strong()) destroy();
  }

 private:
  friend class WeakStorage;
  Storage() = default;
  ~Storage() = default;
  bool drop_strong() const {
    // The sole-owner shortcut holds only while no weak handle could revive the count.
    return weak_.load(std::memory_order_acquire) == 1 ? drop() : drop_counted();
  }
  ENTASIS_API void destroy();  // frees the memory, then the header when no weak handle is left
  void release_header();

  mutable std::atomic<uint32_t> weak_{
      1};  // weak handles, plus one for all the strong ones together
};

// Knows whether a storage still lives without keeping it alive.
class ENTASIS_API WeakStorage {
 public:
  WeakStorage() = default;
  explicit WeakStorage(const Ref<Storage>& storage);
  WeakStorage(const WeakStorage& other);
  WeakStorage(WeakStorage&& other) noexcept;
  WeakStorage& operator=(WeakStorage other) noexcept;
  ~WeakStorage();
  Ref<Storage> lock() const;  // null once the storage is gone

 private:
  Storage* storage_ = nullptr;
};

}  // namespace entasis
