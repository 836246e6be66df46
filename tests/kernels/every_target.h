// Runs a test on every SIMD target that was compiled and that this machine can execute.
#pragma once

#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/highway.h>
#include <hwy/targets.h>

#include <gtest/gtest.h>

namespace entasis {

// Calls body(target) with dynamic dispatch restricted to each target in turn.
template <class Body>
void on_every_target(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    body(target);
    if (testing::Test::HasFatalFailure()) break;
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace entasis
