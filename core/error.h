// The exceptions that Entasis throws. A message names the op, the values, the module path and the
// caller's line:
//
//   matmul: inner sizes differ: a is [64, 32], b is [31, 16] (32 vs 31) — in model.fc1,
//   train.cpp:41
//
// Rules and kernels throw the bare reason; `apply()` adds the op in front and the place behind.
#pragma once

#include <exception>
#include <string>

#include <entasis/core/export.h>
#include <entasis/core/location.h>

namespace entasis {

class ENTASIS_API Error : public std::exception {
 public:
  explicit Error(std::string message);
  Error(std::string message, Location at);  // appends the place at once
  ~Error() override;                        // key function: one typeinfo for every library

  const char* what() const noexcept override { return message_.c_str(); }

  // Puts "op: " in front and " — in module.path, file.cpp:12" behind, once; later calls do nothing.
  void place(const char* op, Location at);
  bool placed() const { return placed_; }

 private:
  friend void place_as_noted(Error& error, const struct OpNote& note);
  void place(const char* op, const std::string& where);

  std::string message_;
  bool placed_ = false;
};

class ENTASIS_API ShapeError : public Error {
 public:
  using Error::Error;
  ~ShapeError() override;
};

class ENTASIS_API DtypeError : public Error {
 public:
  using Error::Error;
  ~DtypeError() override;
};

class ENTASIS_API DeviceError : public Error {
 public:
  using Error::Error;
  ~DeviceError() override;
};

class ENTASIS_API IndexError : public Error {
 public:
  using Error::Error;
  ~IndexError() override;
};

class ENTASIS_API ValueError : public Error {
 public:
  using Error::Error;
  ~ValueError() override;
};

// Misuse of the graph: a stale history, a saved tensor overwritten, backward run twice.
class ENTASIS_API AutogradError : public Error {
 public:
  using Error::Error;
  ~AutogradError() override;
};

class ENTASIS_API OutOfMemoryError : public Error {
 public:
  using Error::Error;
  ~OutOfMemoryError() override;
};

class ENTASIS_API IoError : public Error {
 public:
  using Error::Error;
  ~IoError() override;
};

class ENTASIS_API DistributedError : public Error {
 public:
  using Error::Error;
  ~DistributedError() override;
};

// Places an error that the function or op `name`, called at `at`, raised: by the outermost frame's
// name and line too, if one is open. For checks outside of rules; apply() does it for rules.
ENTASIS_API void place_in_frames(Error& error, const char* name, Location at);

// "train.cpp:41": the file's name without its folders, and the line.
ENTASIS_API std::string to_string(Location at);

}  // namespace entasis
