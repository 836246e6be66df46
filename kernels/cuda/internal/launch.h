// The only way to start a kernel: launch(kernel, grid, block, shared_bytes, stream, arguments...).
#pragma once

#include <cstddef>
#include <type_traits>

#include <entasis/backends/cuda/error.h>
#include <entasis/kernels/cuda/internal/device.h>

namespace entasis::cuda {

// Dynamic shared memory that a kernel may have without asking.
inline constexpr size_t kUnaskedSharedBytes = 48 * 1024;

// Starts `kernel` with `grid` blocks of `block` threads, each block with `shared_bytes` of dynamic
// shared memory. Arguments are converted to the types of the kernel's parameters, which are
// trivially copyable, and passed by value. Throws DeviceError if CUDA refuses; an error while the
// kernel runs shows at the next synchronisation.
template <class... Parameters>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes,
            cudaStream_t stream, std::type_identity_t<Parameters>... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...),
                "a kernel's parameters are copied to the device as bytes");
#ifdef __CUDACC__
  const void* const function = reinterpret_cast<const void*>(kernel);
  if (shared_bytes > kUnaskedSharedBytes) {
    check(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shared_bytes)),
          "kernel launch: shared memory");
  }
  void* pointers[] = {static_cast<void*>(&arguments)..., nullptr};
  check(cudaLaunchKernel(function, grid, block, pointers, shared_bytes, stream), "kernel launch");
#else
  check(emulation::launch(kernel, grid, block, shared_bytes, stream, arguments...),
        "kernel launch");
#endif
  after_launch(stream);
}

}  // namespace entasis::cuda
