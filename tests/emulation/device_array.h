// An array in device memory, for tests of emulated kernels.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <vector>

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/error.h>

namespace entasis::emulation {

template <class T>
class DeviceArray {
 public:
  DeviceArray(size_t size, cudaStream_t stream) : size_(size), stream_(stream) {
    void* memory = nullptr;
    cuda::check(cudaMalloc(&memory, size * sizeof(T)), "DeviceArray");
    data_ = static_cast<T*>(memory);
  }
  DeviceArray(const std::vector<T>& values, cudaStream_t stream)
      : DeviceArray(values.size(), stream) {
    cuda::check(
        cudaMemcpyAsync(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice, stream_),
        "DeviceArray");
  }
  DeviceArray(std::initializer_list<T> values, cudaStream_t stream)
      : DeviceArray(std::vector<T>(values), stream) {}
  ~DeviceArray() { (void)cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return data_; }

  // Its elements, once the work of the stream is done.
  std::vector<T> host() const {
    std::vector<T> values(size_);
    cuda::check(
        cudaMemcpyAsync(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost, stream_),
        "DeviceArray");
    cuda::check(cudaStreamSynchronize(stream_), "DeviceArray");
    return values;
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
  cudaStream_t stream_ = nullptr;
};

}  // namespace entasis::emulation
