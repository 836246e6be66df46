// The vector instruction sets by name, as Highway's dispatch sees them. It lies here because only
// this folder may include Highway.
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/targets.h>

#include <entasis/backends/cpu/simd_info.h>

namespace entasis {

SimdInfo simd_info() {
  SimdInfo info;
  // One bit a target; Highway numbers them from the best to the least.
  const auto lowest = [](int64_t targets) { return targets & -targets; };
  for (int64_t rest = HWY_TARGETS; rest != 0; rest &= rest - 1) {
    info.compiled.emplace_back(hwy::TargetName(lowest(rest)));
  }
  // The static target is what the whole library is compiled for: it is there, or nothing runs.
  const int64_t usable = (hwy::SupportedTargets() & HWY_TARGETS) | HWY_STATIC_TARGET;
  info.in_use = hwy::TargetName(lowest(usable));
  return info;
}

}  // namespace entasis
