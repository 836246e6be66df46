// The registry of backends, and what every backend gets for free.
#include <entasis/core/backend.h>

#include <cstdio>

#include <entasis/core/backend_internal.h>
#include <entasis/core/error.h>
#include <entasis/core/plugin_internal.h>
#include <entasis/core/registration_internal.h>

namespace entasis {

constinit std::atomic<Backend*> backend_table[kDeviceTypes] = {};

namespace {

std::string mebibytes(size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%10.2f MiB", double(bytes) / (1 << 20));
  return text;
}

}  // namespace

Backend::~Backend() = default;
std::vector<std::pair<std::string, std::string>> Backend::versions() const { return {}; }
StreamId Backend::begin_op(int device, const OpNote&) { return current_stream(device); }
StreamId Backend::current_stream(int) const { return 0; }
void Backend::set_current_stream(int, StreamId) {}
StreamId Backend::new_stream(int, bool) { return 0; }
void Backend::order_streams(StreamId, StreamId) {}
void Backend::use_on_stream(Storage&, StreamId, bool) {}
void Backend::synchronize_stream(StreamId) {}
void Backend::synchronize(int) {}
bool Backend::is_idle(StreamId) { return true; }

void* Backend::allocate_pinned(size_t) { throw DeviceError("this device has no pinned memory"); }
void Backend::deallocate_pinned(void*) noexcept {}

uintptr_t Backend::native_stream(StreamId) { return 0; }
void Backend::hand_over(Storage&, uintptr_t) {}
void Backend::take_over(Storage&, uintptr_t) {}
void Backend::give_back(Storage::Deleter deleter, void* context, void* data, int, StreamId,
                        uint64_t) noexcept {
  deleter(context, data);
}

void* Backend::new_event(int, bool) { return nullptr; }
void Backend::delete_event(void*) noexcept {}
void Backend::record_event(void*, StreamId) {}
void Backend::wait_event(void*, StreamId) {}
bool Backend::query_event(void*) { return true; }
void Backend::synchronize_event(void*) {}
float Backend::milliseconds_between(void*, void*) {
  throw DeviceError("this device's events have no time");
}

void Backend::begin_capture(int) { throw DeviceError("this device has no graphs"); }
bool Backend::is_capturing(int) const { return false; }
void* Backend::end_capture(int) { throw DeviceError("this device has no graphs"); }
void Backend::abandon_capture(int) noexcept {}
void Backend::replay(void*, StreamId) { throw DeviceError("this device has no graphs"); }
void Backend::delete_graph(void*) noexcept {}

RandomState Backend::draw(int, Generator& generator, uint64_t blocks) {
  return generator.reserve(blocks);
}

std::string Backend::memory_summary(int device) const {
  const MemoryStats s = memory_stats(device);
  std::string text;
  text +=
      "  allocated   " + mebibytes(s.allocated) + "   peak " + mebibytes(s.peak_allocated) + "\n";
  text += "  reserved    " + mebibytes(s.reserved) + "   peak " + mebibytes(s.peak_reserved) + "\n";
  text += "  allocations " + std::to_string(s.allocations) + ", of them from the cache " +
          std::to_string(s.cache_hits) + "\n";
  return text;
}

void register_backend(DeviceType type, Backend* backend) {
  backend_table[int(type)].store(backend, std::memory_order_release);
}

Backend* find_backend(DeviceType type) {
  if (Backend* backend = backend_table[int(type)].load(std::memory_order_acquire)) return backend;
  ensure_registered();
  if (type == DeviceType::kCUDA) load_cuda();
  return backend_table[int(type)].load(std::memory_order_acquire);
}

std::string why_no_device(DeviceType type) {
  if (find_backend(type) != nullptr) return {};
  if (type == DeviceType::kCUDA) return load_cuda();
  return "this build has no backend for it";
}

Backend& backend_of(DeviceType type) {
  if (Backend* backend = find_backend(type)) return *backend;
  if (type == DeviceType::kMeta) throw DeviceError("the meta device has no memory");
  throw DeviceError(std::string("no ") + name_of(type) + " device: " + why_no_device(type));
}

int device_count(DeviceType type) {
  Backend* backend = find_backend(type);
  return backend ? backend->device_count() : 0;
}

void check_device(Device device) {
  if (device.is_meta()) return;
  const int count = backend_of(device.type).device_count();
  if (device.index >= count) {
    throw DeviceError("no device " + to_string(device) + ": there are " + std::to_string(count));
  }
}

void synchronize(Device device) { backend_of(device.type).synchronize(device.index); }

MemoryStats memory_stats(Device device) {
  return backend_of(device.type).memory_stats(device.index);
}

std::string memory_summary(Device device) {
  return "memory of " + to_string(device) + "\n" +
         backend_of(device.type).memory_summary(device.index);
}

}  // namespace entasis
