// The registry of backends, and what every backend gets for free.
#include <entasis/core/backend.h>

#include <cstdio>

#include <entasis/core/backend_internal.h>
#include <entasis/core/error.h>
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
StreamId Backend::current_stream(int) const { return 0; }
void Backend::use_on_stream(Storage&, StreamId) {}
void Backend::synchronize(int) {}

void register_backend(DeviceType type, Backend* backend) {
  backend_table[int(type)].store(backend, std::memory_order_release);
}

Backend* find_backend(DeviceType type) {
  if (Backend* backend = backend_table[int(type)].load(std::memory_order_acquire)) return backend;
  ensure_registered();
  return backend_table[int(type)].load(std::memory_order_acquire);
}

Backend& backend_of(DeviceType type) {
  if (Backend* backend = find_backend(type)) return *backend;
  if (type == DeviceType::kMeta) throw DeviceError("the meta device has no memory");
  throw DeviceError(std::string("no ") + name_of(type) +
                    " device: this build or machine has no backend for it");
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
  const MemoryStats s = memory_stats(device);
  std::string text = "memory of " + to_string(device) + "\n";
  text +=
      "  allocated   " + mebibytes(s.allocated) + "   peak " + mebibytes(s.peak_allocated) + "\n";
  text += "  reserved    " + mebibytes(s.reserved) + "   peak " + mebibytes(s.peak_reserved) + "\n";
  text += "  allocations " + std::to_string(s.allocations) + ", of them from the cache " +
          std::to_string(s.cache_hits) + "\n";
  return text;
}

}  // namespace entasis
