// The CUDA backend's way into the process.
#pragma once

namespace entasis::cuda {

// Registers the backend if there is a driver and a device; else returns why not.
const char* register_backend();

}  // namespace entasis::cuda
