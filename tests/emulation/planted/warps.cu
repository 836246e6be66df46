// Planted bugs of warps: shuffles, masks, memory order.
#include <vector>

#include <entasis/kernels/cuda/internal/launch.h>

#include "device_array.h"
#include "planted.h"

namespace entasis::cuda {
namespace {

using emulation::DeviceArray;

// Runs a kernel on one warp; right if every lane has written `expected(lane)`.
template <class Expected>
bool run_warp(void (*kernel)(int*), cudaStream_t stream, Expected expected) {
  DeviceArray<int> out(32, stream);
  launch(kernel, 1, 32, 32 * sizeof(int), stream, out.data());
  const std::vector<int> got = out.host();
  for (int lane = 0; lane < 32; ++lane) {
    if (got[lane] != expected(lane)) return false;
  }
  return true;
}

// Each lane takes its neighbour's value through shared memory.
template <bool kBug>
__global__ void rotate(int* out) {
  DYN_SHARED(int, values);
  values[lane_id()] = int(lane_id()) * 3;
  if constexpr (!kBug) __syncwarp();
  out[lane_id()] = values[(lane_id() + 1) % 32];
}

bool missing_syncwarp(bool bug, cudaStream_t stream) {
  return run_warp(bug ? rotate<true> : rotate<false>, stream,
                  [](int lane) { return (lane + 1) % 32 * 3; });
}

// The lower half reads lane 0's value, but only that half shuffles.
template <bool kBug>
__global__ void shuffle_in_branch(int* out) {
  int value = int(lane_id()) + 5;
  if constexpr (kBug) {
    if (lane_id() < 16) value = __shfl_sync(kFullWarp, value, 0);
    __syncwarp();
  } else {
    const int first = __shfl_sync(kFullWarp, value, 0);
    if (lane_id() < 16) value = first;
  }
  out[lane_id()] = value;
}

bool divergent_shuffle(bool bug, cudaStream_t stream) {
  return run_warp(bug ? shuffle_in_branch<true> : shuffle_in_branch<false>, stream,
                  [](int lane) { return lane < 16 ? 5 : lane + 5; });
}

// Both halves shuffle, at different places of the source.
template <bool kBug>
__global__ void shuffle_twice(int* out) {
  const unsigned half = lane_id() < 16 ? 0xffffu : 0xffff0000u;
  const unsigned mask = kBug ? kFullWarp : half;
  const int value = int(lane_id());
  if (lane_id() < 16) {
    out[lane_id()] = __shfl_sync(mask, value, 3);
  } else {
    out[lane_id()] = __shfl_sync(mask, value, 20);
  }
}

bool shuffles_that_do_not_meet(bool bug, cudaStream_t stream) {
  return run_warp(bug ? shuffle_twice<true> : shuffle_twice<false>, stream,
                  [](int lane) { return lane < 16 ? 3 : 20; });
}

template <bool kBug>
__global__ void shuffle_with_mask(int* out) {
  out[lane_id()] = __shfl_xor_sync(kBug ? 0xffffu : kFullWarp, int(lane_id()), 1);
}

bool wrong_mask(bool bug, cudaStream_t stream) {
  return run_warp(bug ? shuffle_with_mask<true> : shuffle_with_mask<false>, stream,
                  [](int lane) { return lane ^ 1; });
}

// Lanes of a tail have left before their warp reduces.
template <bool kBug>
__global__ void reduce_after_exit(int* out) {
  const bool inside = lane_id() < 20;
  if (kBug && !inside) return;
  int value = inside ? 1 : 0;
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(kFullWarp, value, step);
  out[lane_id()] = value;
}

bool exited_lanes(bool bug, cudaStream_t stream) {
  return run_warp(bug ? reduce_after_exit<true> : reduce_after_exit<false>, stream,
                  [](int) { return 20; });
}

// A lane outside of the mask has nothing to give.
template <bool kBug>
__global__ void read_outside_mask(int* out) {
  const unsigned half = lane_id() < 16 ? 0xffffu : 0xffff0000u;
  out[lane_id()] = __shfl_sync(half, int(lane_id()), kBug ? 3 : (lane_id() < 16 ? 3 : 19));
}

bool source_outside_mask(bool bug, cudaStream_t stream) {
  return run_warp(bug ? read_outside_mask<true> : read_outside_mask<false>, stream,
                  [](int lane) { return lane < 16 ? 3 : 19; });
}

}  // namespace

std::vector<PlantedBug> planted_in_warps() {
  return {{"missing_syncwarp", missing_syncwarp},
          {"divergent_shuffle", divergent_shuffle},
          {"shuffles_that_do_not_meet", shuffles_that_do_not_meet},
          {"wrong_mask", wrong_mask},
          {"exited_lanes", exited_lanes},
          {"source_outside_mask", source_outside_mask}};
}

}  // namespace entasis::cuda
