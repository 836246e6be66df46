// Kernels' side of rule 14: a wrong index reads 0 or drops the write, and is reported here, as is a
// value that the op is not for; the call that next waits for the device throws IndexError or
// ValueError with the op and line of the launch.
#pragma once

#include <cstdint>

#include <entasis/backends/cuda/launch_log.h>
#include <entasis/kernels/cuda/internal/device.h>

namespace entasis::cuda {

// The fault at the lowest position of the earliest launch is kept.
__device__ inline void report(const IndexCheck& check, int64_t position, const Fault& fault) {
  const unsigned long long mine =
      static_cast<unsigned long long>(check.launch) << 32 | (position & 0xffffffffll);
  FaultRecord* const record = check.record;
  // Most of many faults turn back here.
  if (atomicMin(&record->first, mine) <= mine) return;
  while (atomicCAS(&record->lock, 0u, 1u) != 0u) {
  }
  __threadfence();
  if (atomicMin(&record->first, mine) == mine) {  // no lower one has come meanwhile
    record->fault = fault;
    *check.flag = 1;
  }
  __threadfence_system();
  atomicExch(&record->lock, 0u);
}

// `index` at linear `position` of the index tensor is out of range for dimension `dim` of `size`.
__device__ inline void report_index(const IndexCheck& check, int64_t position, int64_t index,
                                    int64_t size, int dim = 0) {
  report(check, position, {.index = index, .size = size, .dim = dim});
}

// `index` in [-size, size) as a place in [0, size), or -1 after a report.
__device__ inline int64_t checked_index(const IndexCheck& check, int64_t position, int64_t index,
                                        int64_t size, int dim = 0) {
  const int64_t place = index < 0 ? index + size : index;
  if (place >= 0 && place < size) return place;
  report_index(check, position, index, size, dim);
  return -1;
}

}  // namespace entasis::cuda
