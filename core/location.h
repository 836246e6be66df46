// Where the user's call stands, and the frames that let composites and modules lend their name to
// it.
//
// Public functions take `Location at = {}` last: the defaulted built-ins are evaluated at the call
// site, so an error can name the caller's line without a macro.
#pragma once

#include <entasis/core/export.h>

namespace entasis {

struct Location {
  const char* file;
  int line;

  constexpr Location(const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : file(file), line(line) {}

  // For bindings, where finding the caller's line costs more than the call: it is found when an
  // error or a recorded node needs it, by the function given to set_location_resolver().
  static constexpr Location deferred() { return {nullptr, 0}; }
  // This place, or the one that the resolver gives for a deferred one.
  ENTASIS_API Location resolved() const;
};

// `resolver` tells where the call stands that the current thread is in; its files' names must live
// for ever. One for the process.
using LocationResolver = Location (*)();
ENTASIS_API void set_location_resolver(LocationResolver resolver);

// Opened by a composite function: the outermost frame names the call in errors and in recorded
// nodes, so the inner ops of `mse_loss` report the user's line and not ours. One per thread,
// nested.
class ENTASIS_API Frame {
 public:
  Frame(const char* op, Location at);
  ~Frame();
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  const char* op() const { return op_; }
  Location at() const { return at_; }
  const Frame* outer() const { return outer_; }

 private:
  const char* op_;
  Location at_;
  const Frame* outer_;
};

// Opened by a module around its forward: adds one step to the path that errors print
// ("in model.encoder.fc1"). `name` must outlive the scope.
class ENTASIS_API ModuleScope {
 public:
  explicit ModuleScope(const char* name);
  ~ModuleScope();
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;

  const char* name() const { return name_; }
  const ModuleScope* outer() const { return outer_; }

 private:
  const char* name_;
  const ModuleScope* outer_;
};

}  // namespace entasis
