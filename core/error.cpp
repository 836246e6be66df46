// Exceptions: their key functions, and where a message gets its place.
#include <entasis/core/error.h>

#include <atomic>
#include <cstring>

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
std::string place_text(Location at) {
  std::string text = " — ";
  if (const Node* node = thread_state.backward_node) {
    text +=
        std::string("in the gradient of ") + (node->frame ? node->frame : node->op->name) + ", ";
    at = node->at;
  } else if (thread_state.module != nullptr) {
    text += "in " + module_path(thread_state.module) + ", ";
  }
  return text + to_string(at);
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

void Error::place(const char* op, Location at) {
  if (placed_) return;
  message_ = std::string(op) + ": " + message_ + place_text(at);
  placed_ = true;
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
