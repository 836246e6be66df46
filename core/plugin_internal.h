// The CUDA backend's way into the process.
#pragma once

#include <string>

namespace entasis {

// Loads the CUDA plugin, or registers the one that is linked in, at the first call; later calls
// only tell. Returns why there is no CUDA device, or nothing.
const std::string& load_cuda();

}  // namespace entasis
