// Streams of the CUDA devices. Entasis numbers them through: stream i of device d is
// 1 + d * kMaxStreams + i, 0 being the CPU's. Stream 0 of a device is what every thread starts
// with; it does not wait for CUDA's legacy stream.
#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/limits.h>
#include <entasis/core/storage.h>

namespace entasis::cuda {

inline int device_of(StreamId stream) { return int(stream - 1) / kMaxStreams; }
inline int index_of(StreamId stream) { return int(stream - 1) % kMaxStreams; }
inline uint64_t bit_of(StreamId stream) { return uint64_t{1} << index_of(stream); }
inline StreamId stream_id(int device, int index) {
  return StreamId(1 + device * kMaxStreams + index);
}

// Makes `device` current for the calling thread.
void use_device(int device);

// The CUDA stream; made at first use.
cudaStream_t handle_of(StreamId stream);
StreamId current_stream(int device);
void set_current_stream(int device, StreamId stream);
StreamId new_stream(int device, bool high_priority);

// Work of `later` from now on waits for what `earlier` has so far.
void order(StreamId later, StreamId earlier);
// Waits for a stream or a whole device, then throws what its kernels found wrong.
void synchronize_stream(StreamId stream);
void synchronize_device(int device);
bool is_idle(StreamId stream);

// Events without time, from a pool of the current device.
cudaEvent_t take_event(int device);
void return_event(int device, cudaEvent_t event);

}  // namespace entasis::cuda
