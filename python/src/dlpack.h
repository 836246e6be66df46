// DLPack's binary interface, versions 0 and 1 (https://dmlc.github.io/dlpack/latest/c_api.html):
// how libraries hand tensors to each other without copies.
#pragma once

#include <cstdint>

namespace entasis::python::dlpack {

struct Device {
  int32_t type;
  int32_t id;
};
inline constexpr int32_t kCPU = 1;
inline constexpr int32_t kCUDA = 2;
inline constexpr int32_t kCUDAHost = 3;
inline constexpr int32_t kCUDAManaged = 13;

struct DataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};
inline constexpr uint8_t kInt = 0, kUInt = 1, kFloat = 2, kBFloat = 4, kBool = 6;

struct Tensor {
  void* data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: row-major
  uint64_t byte_offset;
};

struct Managed {
  Tensor tensor;
  void* context;
  void (*deleter)(Managed*);
};

struct Version {
  uint32_t major, minor;
};
inline constexpr uint64_t kReadOnly = 1, kIsCopied = 2;

struct ManagedVersioned {
  Version version;
  void* context;
  void (*deleter)(ManagedVersioned*);
  uint64_t flags;
  Tensor tensor;
};

}  // namespace entasis::python::dlpack
