// Streams and events: work of a device that runs in order, and marks in it. A device without
// streams, as the CPU, has one whose work is done when a call returns.
//
// Tensors may go from stream to stream: a storage remembers its last writer and its readers, and
// every op waits for what it needs (rule 13). So streams are for overlap alone; no wait has to be
// written.
#pragma once

#include <cstdint>

#include <entasis/core/device.h>
#include <entasis/core/export.h>
#include <entasis/core/storage.h>

namespace entasis {

class ENTASIS_API Stream {
 public:
  // A stream of `device`, from a pool that comes round after some thirty. Throws DeviceError.
  explicit Stream(Device device, bool high_priority = false);
  // The one that this thread's work goes to.
  static Stream current(Device device);

  Device device() const { return device_; }
  StreamId id() const { return id_; }
  // The stream's own handle (cudaStream_t), for other libraries; 0 on a device without streams.
  uintptr_t native_handle() const;
  void synchronize() const;  // waits; throws what went wrong on the device
  bool query() const;        // whether all its work is done
  // Work from now on waits for what `other` has so far.
  void wait(const Stream& other) const;
  bool operator==(const Stream&) const = default;

 private:
  Stream(Device device, StreamId id) : device_(device), id_(id) {}
  Device device_;
  StreamId id_;
};

// Sends this thread's work on the stream's device to it, and makes that device the current one,
// while the guard lives.
class ENTASIS_API StreamGuard {
 public:
  explicit StreamGuard(const Stream& stream);
  ~StreamGuard();
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

 private:
  DeviceGuard device_;
  Stream previous_;
};

class ENTASIS_API Event {
 public:
  // `with_time` makes milliseconds_to() possible, at a small cost.
  explicit Event(Device device, bool with_time = false);
  ~Event();
  Event(Event&& other) noexcept;
  Event& operator=(Event&&) = delete;

  void record();  // in the current stream
  void record(const Stream& stream);
  void wait(const Stream& stream) const;  // the stream waits, not the caller
  void synchronize() const;
  bool query() const;
  // Time from this event to `end`; both are recorded with time and done. Throws DeviceError.
  float milliseconds_to(const Event& end) const;

 private:
  Device device_;
  void* event_;
};

}  // namespace entasis
