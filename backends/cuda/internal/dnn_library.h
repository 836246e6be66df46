// cuDNN's library, opened at first use, and its backend descriptors as objects.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <cudnn_graph.h>

namespace entasis::cuda {

// The functions that convolutions need.
struct DnnLibrary {
  decltype(&cudnnGetVersion) get_version;
  decltype(&cudnnGetErrorString) get_error_string;
  decltype(&cudnnGetLastErrorString) get_last_error_string;
  decltype(&cudnnCreate) create;
  decltype(&cudnnSetStream) set_stream;
  decltype(&cudnnBackendCreateDescriptor) create_descriptor;
  decltype(&cudnnBackendDestroyDescriptor) destroy_descriptor;
  decltype(&cudnnBackendSetAttribute) set_attribute;
  decltype(&cudnnBackendGetAttribute) get_attribute;
  decltype(&cudnnBackendFinalize) finalize;
  decltype(&cudnnBackendExecute) execute;
};
// Throws DeviceError that says what to install.
const DnnLibrary& dnn_library();

// A call that cuDNN refused; what it said.
struct DnnFailure {
  cudnnStatus_t status;
  std::string what;
};
// Throws DnnFailure.
void check_dnn(cudnnStatus_t status, const char* call);

// How the graph API calls the types of attributes.
template <class T>
inline constexpr cudnnBackendAttributeType_t kAttributeType = CUDNN_TYPE_INT64;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<bool> = CUDNN_TYPE_BOOLEAN;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<float> = CUDNN_TYPE_FLOAT;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<double> = CUDNN_TYPE_DOUBLE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<void*> = CUDNN_TYPE_VOID_PTR;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnHandle_t> = CUDNN_TYPE_HANDLE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnConvolutionMode_t> =
    CUDNN_TYPE_CONVOLUTION_MODE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnPointwiseMode_t> =
    CUDNN_TYPE_POINTWISE_MODE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnBackendHeurMode_t> =
    CUDNN_TYPE_HEUR_MODE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnBackendNumericalNote_t> =
    CUDNN_TYPE_NUMERICAL_NOTE;

class DnnDescriptor {
 public:
  DnnDescriptor() = default;
  explicit DnnDescriptor(cudnnBackendDescriptorType_t type) {
    check_dnn(dnn_library().create_descriptor(type, &handle_), "cudnnBackendCreateDescriptor");
  }
  DnnDescriptor(DnnDescriptor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  DnnDescriptor& operator=(DnnDescriptor&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~DnnDescriptor() {
    if (handle_ != nullptr) dnn_library().destroy_descriptor(handle_);
  }
  cudnnBackendDescriptor_t handle() const { return handle_; }

  template <class T>
  void set(cudnnBackendAttributeName_t name, std::span<const T> values) {
    set_raw(name, kAttributeType<T>, int64_t(values.size()), values.data());
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    set_raw(name, kAttributeType<T>, 1, &value);
  }
  // Other descriptors have names of their own: their handles are void*, as addresses are.
  void set_part(cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t part) {
    set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part);
  }
  void set_parts(cudnnBackendAttributeName_t name,
                 std::span<const cudnnBackendDescriptor_t> parts) {
    set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, int64_t(parts.size()), parts.data());
  }
  void finalize() { check_dnn(dnn_library().finalize(handle_), "cudnnBackendFinalize"); }

  // At most `room` values; how many there are.
  template <class T>
  int64_t get(cudnnBackendAttributeName_t name, int64_t room, T* values) const {
    return get_raw(name, kAttributeType<T>, room, values);
  }
  // Into descriptors that exist already; null only asks for their number.
  int64_t get_parts(cudnnBackendAttributeName_t name, int64_t room,
                    cudnnBackendDescriptor_t* parts) const {
    return get_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, room, parts);
  }

 private:
  void set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
               const void* values) {
    check_dnn(dnn_library().set_attribute(handle_, name, type, count, values),
              "cudnnBackendSetAttribute");
  }
  int64_t get_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t room,
                  void* values) const {
    int64_t count = 0;
    check_dnn(dnn_library().get_attribute(handle_, name, type, room, &count, values),
              "cudnnBackendGetAttribute");
    return count;
  }

  cudnnBackendDescriptor_t handle_ = nullptr;
};

}  // namespace entasis::cuda
