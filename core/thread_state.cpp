// The thread's state, and the guards that change it.
#include <entasis/core/thread_state_internal.h>

#include <entasis/core/autograd.h>
#include <entasis/core/backend.h>
#include <entasis/core/generator.h>

namespace entasis {

constinit thread_local ThreadState thread_state;

Frame::Frame(const char* op, Location at) : op_(op), at_(at), outer_(thread_state.frame) {
  thread_state.frame = this;
  if (outer_ == nullptr) thread_state.outermost_frame = this;
}
Frame::~Frame() {
  thread_state.frame = outer_;
  if (outer_ == nullptr) thread_state.outermost_frame = nullptr;
}

ModuleScope::ModuleScope(const char* name) : name_(name), outer_(thread_state.module) {
  thread_state.module = this;
}
ModuleScope::~ModuleScope() { thread_state.module = outer_; }

bool grad_enabled() { return thread_state.grad_enabled; }
bool inference_mode_enabled() { return thread_state.inference; }

GradMode::GradMode(bool enabled) : previous_(thread_state.grad_enabled) {
  thread_state.grad_enabled = enabled;
}
GradMode::~GradMode() { thread_state.grad_enabled = previous_; }

InferenceMode::InferenceMode()
    : previous_grad_(thread_state.grad_enabled), previous_inference_(thread_state.inference) {
  thread_state.grad_enabled = false;
  thread_state.inference = true;
}
InferenceMode::~InferenceMode() {
  thread_state.grad_enabled = previous_grad_;
  thread_state.inference = previous_inference_;
}

AnomalyMode::AnomalyMode(bool enabled) : previous_(thread_state.anomaly) {
  thread_state.anomaly = enabled;
}
AnomalyMode::~AnomalyMode() { thread_state.anomaly = previous_; }

Device current_device(DeviceType type) {
  return Device(type, thread_state.current_device[int(type)]);
}
void set_current_device(Device device) {
  check_device(device);
  thread_state.current_device[int(device.type)] = device.index;
}

DeviceGuard::DeviceGuard(Device device) : previous_(current_device(device.type)) {
  set_current_device(device);
}
DeviceGuard::~DeviceGuard() { thread_state.current_device[int(previous_.type)] = previous_.index; }

GeneratorGuard::GeneratorGuard(Generator& generator) : previous_(thread_state.generator) {
  thread_state.generator = &generator;
}
GeneratorGuard::~GeneratorGuard() { thread_state.generator = previous_; }

SavedTensorHooks::SavedTensorHooks(Callback<Ref<PackedTensor>(const Tensor&)> pack)
    : pack_(std::move(pack)), previous_(thread_state.saved_hooks) {
  thread_state.saved_hooks = this;
}
SavedTensorHooks::~SavedTensorHooks() { thread_state.saved_hooks = previous_; }

}  // namespace entasis
