#include <entasis/core/stream.h>

#include <utility>

#include <entasis/core/backend_internal.h>
#include <entasis/core/error.h>

namespace entasis {
namespace {

Backend& backend_for(Device device) {
  check_device(device);
  return backend_of(device.type);
}

}  // namespace

Stream::Stream(Device device, bool high_priority)
    : device_(device), id_(backend_for(device).new_stream(device.index, high_priority)) {}

Stream Stream::current(Device device) {
  return {device, backend_for(device).current_stream(device.index)};
}

uintptr_t Stream::native_handle() const { return backend_of(device_.type).native_stream(id_); }
void Stream::synchronize() const { backend_of(device_.type).synchronize_stream(id_); }
bool Stream::query() const { return backend_of(device_.type).is_idle(id_); }
void Stream::wait(const Stream& other) const {
  if (device_.type != other.device_.type) {
    throw DeviceError("a stream of " + to_string(device_) + " cannot wait for one of " +
                      to_string(other.device_));
  }
  backend_of(device_.type).order_streams(id_, other.id_);
}

StreamGuard::StreamGuard(const Stream& stream)
    : device_(stream.device()), previous_(Stream::current(stream.device())) {
  backend_of(stream.device().type).set_current_stream(stream.device().index, stream.id());
}
StreamGuard::~StreamGuard() {
  backend_of(previous_.device().type).set_current_stream(previous_.device().index, previous_.id());
}

Event::Event(Device device, bool with_time)
    : device_(device), event_(backend_for(device).new_event(device.index, with_time)) {}
Event::~Event() {
  if (event_ != nullptr) backend_of(device_.type).delete_event(event_);
}
Event::Event(Event&& other) noexcept
    : device_(other.device_), event_(std::exchange(other.event_, nullptr)) {}

void Event::record() { record(Stream::current(device_)); }
void Event::record(const Stream& stream) {
  backend_of(device_.type).record_event(event_, stream.id());
}
void Event::wait(const Stream& stream) const {
  backend_of(device_.type).wait_event(event_, stream.id());
}
void Event::synchronize() const { backend_of(device_.type).synchronize_event(event_); }
bool Event::query() const { return backend_of(device_.type).query_event(event_); }
float Event::milliseconds_to(const Event& end) const {
  return backend_of(device_.type).milliseconds_between(event_, end.event_);
}

}  // namespace entasis
