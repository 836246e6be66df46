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
};

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
