// A backend is a device family: memory, copies, streams. It knows no op.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <entasis/core/device.h>
#include <entasis/core/export.h>
#include <entasis/core/generator.h>
#include <entasis/core/location.h>
#include <entasis/core/storage.h>

namespace entasis {

struct DeviceProperties {
  std::string name;  // "AMD EPYC 9654", "NVIDIA H200"
  size_t memory_bytes = 0;
  int compute_units = 0;        // cores or multiprocessors
  std::string instruction_set;  // SIMD target or compute capability
  // Of GPUs.
  int major = 0, minor = 0;  // compute capability
  size_t l2_cache_bytes = 0;
  size_t shared_bytes_per_block = 0;  // that a kernel may ask for
};

// A device's memory as its system sees it, with what other processes use.
struct DeviceMemory {
  size_t free = 0;
  size_t total = 0;
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

// An op on its way to a device whose errors may show up only later.
struct OpNote {
  const char* op = nullptr;  // the outermost frame's name, or the op's
  Location at{nullptr, 0};
  const char* module = nullptr;       // "model.fc1"; lives for ever; null outside of modules
  const char* gradient_of = nullptr;  // in backward, the forward op
};
class Error;
// Gives `error` the op and place of a note, as apply() does for errors of the call itself.
ENTASIS_API void place_as_noted(Error& error, const OpNote& note);

class ENTASIS_API Backend {
 public:
  virtual ~Backend();
  virtual int device_count() const = 0;
  virtual DeviceProperties properties(int device) const = 0;
  virtual DeviceMemory device_memory(int device) const = 0;
  // What the backend stands on, each with its version: {"CUDA runtime", "13.0"}. The version of a
  // library that is not there is "none".
  virtual std::vector<std::pair<std::string, std::string>> versions() const;

  // 64-byte aligned, usable on `stream` at once. Throws OutOfMemoryError. Zero bytes give null.
  virtual void* allocate(size_t bytes, int device, StreamId stream) = 0;
  // `other_users` is the storage's mask (rule 13): the block may not be reused before they are
  // done.
  virtual void deallocate(void* data, size_t bytes, int device, StreamId stream,
                          uint64_t other_users) noexcept = 0;
  // Ordered on `stream`. Memory of the host may be reused at once after a copy from it; a copy to
  // it is finished when the stream has been waited for. With `non_blocking` pinned memory is read
  // by the device itself: it may be changed once the stream has been waited for.
  virtual void copy(void* to, Device to_device, const void* from, Device from_device, size_t bytes,
                    StreamId stream, bool non_blocking) = 0;
  virtual void fill_zero(void* data, size_t bytes, int device, StreamId stream) = 0;

  // ---- Pinned memory: the host's, page-locked, which the device reads and writes without the
  // host's help. 64-byte aligned; zero bytes give null. Throws OutOfMemoryError; DeviceError from a
  // backend that has none. A freed block is not reused before the copies from and to it are done.
  virtual void* allocate_pinned(size_t bytes);
  virtual void deallocate_pinned(void* data) noexcept;

  // ---- Streams. A backend without them has stream 0 alone, whose work is done when a call
  // returns. Opens an op on `device`: gives the stream that its work goes to, and remembers the
  // note for errors that show up later.
  virtual StreamId begin_op(int device, const OpNote& note);
  // The stream that this thread's work on `device` goes to.
  virtual StreamId current_stream(int device) const;
  virtual void set_current_stream(int device, StreamId stream);
  // A stream from a pool: the pool comes round, so two calls may give the same one.
  virtual StreamId new_stream(int device, bool high_priority);
  // Work of `later` from now on waits for what `earlier` has so far.
  virtual void order_streams(StreamId later, StreamId earlier);
  // Rule 13: orders `stream` after the storage's last writer, for a write after its readers too,
  // and notes the use.
  virtual void use_on_stream(Storage& storage, StreamId stream, bool writes);
  // Both wait, and throw what went wrong on the device meanwhile.
  virtual void synchronize_stream(StreamId stream);
  virtual void synchronize(int device);
  virtual bool is_idle(StreamId stream);

  // ---- Events: marks in a stream. An undefined one is null.
  virtual void* new_event(int device, bool with_time);
  virtual void delete_event(void* event) noexcept;
  virtual void record_event(void* event, StreamId stream);
  virtual void wait_event(void* event, StreamId stream);  // `stream` waits, not the caller
  virtual bool query_event(void* event);
  virtual void synchronize_event(void* event);
  virtual float milliseconds_between(void* start, void* end);

  // ---- Other libraries, which work on the same memory in streams of their own. Streams go by
  // their native handles (cudaStream_t, where 1 is the legacy default stream and 2 the thread's).
  virtual uintptr_t native_stream(StreamId stream);
  // The other library's stream waits for what is queued here on the storage.
  virtual void hand_over(Storage& storage, uintptr_t native_stream);
  // What is queued here on the storage from now on waits for the other library's stream.
  virtual void take_over(Storage& storage, uintptr_t native_stream);
  // Calls deleter(context, data) for memory of `device` that was borrowed, once the last writer's
  // stream and the other users have done with it. It may be called later, by another thread.
  virtual void give_back(Storage::Deleter deleter, void* context, void* data, int device,
                         StreamId last_writer, uint64_t other_users) noexcept;

  // ---- Graphs: the work of a stream, kept and repeated. Without them these throw DeviceError.
  virtual void begin_capture(int device);
  virtual bool is_capturing(int device) const;  // whether the calling thread does
  virtual void* end_capture(int device);        // the graph
  virtual void abandon_capture(int device) noexcept;
  virtual void replay(void* graph, StreamId stream);
  virtual void delete_graph(void* graph) noexcept;

  // Takes `blocks` blocks of random numbers; inside a capture, relative to where a replay starts.
  virtual RandomState draw(int device, Generator& generator, uint64_t blocks);

  virtual MemoryStats memory_stats(int device) const = 0;
  virtual void reset_peak_memory(int device) = 0;
  virtual void release_cache(int device) = 0;  // gives unused memory back to the system
  virtual std::string memory_summary(int device) const;
};

// Makes a backend known; `backend` lives for the rest of the process.
ENTASIS_API void register_backend(DeviceType type, Backend* backend);
// Null if none is registered.
ENTASIS_API Backend* find_backend(DeviceType type);
// Throws DeviceError that says what is missing.
ENTASIS_API Backend& backend_of(DeviceType type);
// Why there is no such device, in one line; empty if there is one.
ENTASIS_API std::string why_no_device(DeviceType type);
// How many devices of a type there are; 0 without a backend.
ENTASIS_API int device_count(DeviceType type);
// Throws DeviceError unless `device` exists.
ENTASIS_API void check_device(Device device);

ENTASIS_API void synchronize(Device device = {});
ENTASIS_API MemoryStats memory_stats(Device device = {});
ENTASIS_API std::string memory_summary(Device device = {});

}  // namespace entasis
