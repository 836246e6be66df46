// How launch() of the kernels starts one here: as a piece of work on a stream of the fake runtime.
#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>

#include <driver_types.h>

#include "core.h"

namespace entasis::emulation {
#pragma GCC visibility push(default)

// Checks the launch as CUDA does and queues it; `kernel` is for messages.
cudaError_t launch_body(const void* kernel, dim3 grid, dim3 block, size_t shared_bytes,
                        cudaStream_t stream, std::function<void()> body);

#pragma GCC visibility pop

template <class... Parameters>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes,
                   cudaStream_t stream, std::type_identity_t<Parameters>... arguments) {
  // The work runs later, so it owns the arguments; each thread has a copy of its own.
  return launch_body(
      reinterpret_cast<const void*>(kernel), grid, block, shared_bytes, stream,
      [kernel, values = std::tuple<Parameters...>(arguments...)] { std::apply(kernel, values); });
}

}  // namespace entasis::emulation
