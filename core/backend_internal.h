// The table of backends, for the places where a call through find_backend() would be felt.
#pragma once

#include <atomic>

#include <entasis/core/backend.h>

namespace entasis {

extern constinit std::atomic<Backend*> backend_table[kDeviceTypes];

// backend_of() with its usual case inline.
inline Backend& quick_backend_of(DeviceType type) {
  Backend* backend = backend_table[int(type)].load(std::memory_order_acquire);
  return backend ? *backend : backend_of(type);
}

}  // namespace entasis
