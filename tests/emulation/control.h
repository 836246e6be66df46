// What tests ask of the emulated device: faults to order, and what has happened. Functions may be
// called from any thread.
//
// The environment sets what a test cannot reach, where a program loads the emulated plugin:
//   ENTASIS_EMULATION_ORDER     see order.h
//   ENTASIS_EMULATION_DEVICES   number of devices (1)
//   ENTASIS_EMULATION_MEMORY    bytes of each (4 GiB)
//   ENTASIS_EMULATION_DRIVER    the driver's version, 12040 for 12.4; 0: no driver (the runtime's)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <driver_types.h>

#include "order.h"

namespace entasis::emulation {
#pragma GCC visibility push(default)

// What went wrong on the device, or with the last refused launch, since the last reset(): with the
// kernel's name, place, block and thread where there are any. Empty if nothing.
std::string last_failure();

// Forgets errors (also those that stick to the device), faults not yet met, work not yet run,
// counts, and settings below. Memory, streams and events stay.
void reset();

// The machine. The driver's version is as cudaDriverGetVersion() gives it; 0: none is installed.
void set_device_count(int count);
void set_driver_version(int version);
void set_device_memory(size_t bytes);
void set_order(Order order);

// The next call of the runtime function of this name, after `skip` others, does nothing but return
// `error`; "cudaLaunchKernel" is the name for launches.
void fail_call(const char* function, cudaError_t error, int skip = 0);

// The next work on any stream, after `skip` other pieces, ends in `error`, which sticks: as a
// kernel that breaks while the host has gone on.
void fail_work(cudaError_t error, int skip = 0);

// How often a function of the runtime was called.
int64_t calls(const char* function);

// Names of kernels in the order of their launches (replays of graphs launch none).
std::vector<std::string> launched_kernels();

// Pieces of work that are queued and have not run.
int64_t pending_work();

struct MemoryUse {
  int64_t device_blocks, device_bytes;  // from cudaMalloc(), on all devices
  int64_t pinned_blocks, pinned_bytes;
};
MemoryUse memory_use();

#pragma GCC visibility pop
}  // namespace entasis::emulation
