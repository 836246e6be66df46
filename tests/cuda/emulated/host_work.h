// Work of the stand-ins for CUDA's libraries: functions of the host, queued on the fake streams as
// the libraries' kernels would be, and elements of any floating-point dtype.
#pragma once

#include <cstdint>
#include <functional>

#include <entasis/backends/cuda/streams.h>
#include <entasis/core/dtype.h>
#include <entasis/core/half.h>

namespace entasis::cuda {

// Runs `work` when the stream comes to it, at each replay if it is captured.
void queue_on_host(StreamId stream, std::function<void()> work);

inline double load(const void* from, int64_t i, DType dtype) {
  switch (dtype) {
    case kF64:
      return static_cast<const double*>(from)[i];
    case kF16:
      return float(static_cast<const Half*>(from)[i]);
    case kBF16:
      return float(static_cast<const BFloat16*>(from)[i]);
    default:
      return static_cast<const float*>(from)[i];
  }
}
inline void store(void* to, int64_t i, DType dtype, double value) {
  switch (dtype) {
    case kF64:
      static_cast<double*>(to)[i] = value;
      break;
    case kF16:
      static_cast<Half*>(to)[i] = Half(float(value));
      break;
    case kBF16:
      static_cast<BFloat16*>(to)[i] = BFloat16(float(value));
      break;
    default:
      static_cast<float*>(to)[i] = float(value);
      break;
  }
}

}  // namespace entasis::cuda
