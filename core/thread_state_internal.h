// Everything about a thread that apply() looks at, in one small block of thread-local storage.
#pragma once

#include <cstdint>

#include <entasis/core/device.h>
#include <entasis/core/location.h>
#include <entasis/core/storage.h>

namespace entasis {

class Interceptor;
class SavedTensorHooks;
class Generator;
class Node;

struct ThreadState {
  bool grad_enabled = true;
  bool inference = false;
  bool anomaly = false;
  Interceptor* interceptors = nullptr;  // lowest rank first
  const Frame* frame = nullptr;         // innermost
  const Frame* outermost_frame = nullptr;
  const ModuleScope* module = nullptr;  // innermost
  const Node* backward_node = nullptr;  // whose vjp runs
  SavedTensorHooks* saved_hooks = nullptr;
  Generator* generator = nullptr;
  uint8_t current_device[kDeviceTypes] = {};
};

// initial-exec: an address computed from one register, also inside a shared library.
extern constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

}  // namespace entasis
