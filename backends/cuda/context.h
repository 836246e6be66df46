// What a CUDA kernel's host function gets besides operands.
#pragma once

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/launch_log.h>
#include <entasis/backends/cuda/streams.h>
#include <entasis/core/op.h>

namespace entasis::cuda {

class CudaContext {
 public:
  static constexpr DeviceType device_type = DeviceType::kCUDA;
  explicit CudaContext(const Context& context) : context_(context) {}

  cudaStream_t stream() const { return handle_of(context_.stream); }
  StreamId stream_id() const { return context_.stream; }
  int device() const { return context_.device.index; }
  // Device memory, as much as the kernel's scratch function asked for; 64-byte aligned.
  template <class T>
  T* scratch() const {
    return static_cast<T*>(context_.scratch);
  }
  const RandomState& random() const { return context_.random; }
  const OpInfo& op() const { return context_.op; }
  // For kernels that check indices (rule 14).
  cuda::IndexCheck index_check() const { return cuda::index_check(device()); }
  template <class T>
  const T& data() const {
    return *static_cast<const T*>(context_.data);
  }

 private:
  const Context& context_;
};

}  // namespace entasis::cuda
