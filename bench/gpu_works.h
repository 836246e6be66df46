// The workloads of the GPU benchmarks, made from names that say all: "softmax/bf16/16384x50304" is
// the op, the precision and the sizes. bench/gpu_peer.py makes the same from the same names, and
// bench/gpu_rows.py lists which are measured.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <entasis/core/device.h>
#include <entasis/core/dims.h>
#include <entasis/core/dtype.h>

namespace entasis::bench {

struct WorkName {
  std::string op;
  DType dtype;  // of the data; kF32 for tf32
  bool tf32;    // f32 whose products may round their factors
  Dims sizes;
};
// Throws ValueError.
WorkName parse_work(const std::string& name);

struct GpuWork {
  std::function<void()> run;  // queues one unit of work on the current stream
  bool tf32 = false;
  // What counts is the time that the host takes to queue it, with the device idle before.
  bool host_time = false;
};

std::vector<std::string> gpu_ops();
// Sets up inputs, drawn on the device from a fixed seed. Throws ValueError for an op that is not
// there, and what the ops throw.
GpuWork make_gpu_work(const WorkName& name, Device device);

}  // namespace entasis::bench
