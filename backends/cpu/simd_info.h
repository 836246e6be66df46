// Which vector instruction sets the library's kernels are compiled for, and which one runs here.
// Plain strings, so that no user needs Highway's headers.
#pragma once

#include <string>
#include <vector>

#include <entasis/core/export.h>

namespace entasis {

struct SimdInfo {
  std::vector<std::string> compiled;  // the best first: "AVX3", "AVX2", "SSE4", or "NEON"
  std::string in_use;                 // the best of them that this processor has
};

// The same for the whole process: the processor is asked once.
ENTASIS_API SimdInfo simd_info();

}  // namespace entasis
