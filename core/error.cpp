// Exceptions: their key functions, and where a message gets its place.
#include <entasis/core/error.h>

#include <atomic>
#include <cstring>

#include <entasis/core/backend.h>
#include <entasis/core/node.h>
#include <entasis/core/op.h>
#include <entasis/core/thread_state_internal.h>

namespace entasis {
namespace {

std::atomic<LocationResolver> location_resolver{nullptr};

std::string module_path(const ModuleScope* scope) {
  if (scope == nullptr) return {};
  std::string outer = module_path(scope->outer());
  return outer.empty() ? scope->name() : outer + "." + scope->name();
}

// " — in model.fc1, train.cpp:41", or in backward " — in the gradient of softmax, train.cpp:41".
std::string place_text(const std::string& module, const char* gradient_of, Location at) {
  std::string text = " — ";
  if (gradient_of != nullptr) {
    text += std::string("in the gradient of ") + gradient_of + ", ";
  } else if (!module.empty()) {
    text += "in " + module + ", ";
  }
  return text + to_string(at);
}
std::string place_text(Location at) {
  if (const Node* node = thread_state.backward_node) {
    return place_text({}, node->frame ? node->frame : node->op->name, node->at);
  }
  return place_text(module_path(thread_state.module), nullptr, at);
}

}  // namespace

Location Location::resolved() const {
  if (file != nullptr) return *this;
  const LocationResolver resolver = location_resolver.load(std::memory_order_relaxed);
  return resolver ? resolver() : Location("unknown", 0);
}

void set_location_resolver(LocationResolver resolver) { location_resolver = resolver; }

std::string to_string(Location at) {
  at = at.resolved();
  const char* slash = std::strrchr(at.file, '/');
  return std::string(slash ? slash + 1 : at.file) + ":" + std::to_string(at.line);
}

Error::Error(std::string message) : message_(std::move(message)) {}
Error::Error(std::string message, Location at) : message_(std::move(message)) {
  message_ += place_text(at);
  placed_ = true;
}

void Error::place(const char* op, Location at) { place(op, place_text(at)); }
void Error::place(const char* op, const std::string& where) {
  if (placed_) return;
  message_ = std::string(op) + ": " + message_ + where;
  placed_ = true;
}

void place_as_noted(Error& error, const OpNote& note) {
  error.place(note.op, place_text(note.module ? note.module : "", note.gradient_of, note.at));
}

void place_in_frames(Error& error, const char* name, Location at) {
  const Frame* frame = thread_state.outermost_frame;
  if (frame == nullptr) return error.place(name, at);
  std::string text = frame->op();
  if (text != name) text += std::string(": ") + name;
  error.place(text.c_str(), frame->at());
}

Error::~Error() = default;
ShapeError::~ShapeError() = default;
DtypeError::~DtypeError() = default;
DeviceError::~DeviceError() = default;
IndexError::~IndexError() = default;
ValueError::~ValueError() = default;
AutogradError::~AutogradError() = default;
OutOfMemoryError::~OutOfMemoryError() = default;
IoError::~IoError() = default;
DistributedError::~DistributedError() = default;

}  // namespace entasis
