// Capture and replay of a stream's work as a CUDA graph.
#pragma once

#include <entasis/backends/cuda/pinned.h>
#include <entasis/core/generator.h>
#include <entasis/core/storage.h>

namespace entasis::cuda {

// Everything that the calling thread does on `device` from now on is kept instead of run, on a
// stream and in a memory pool of its own.
void begin_capture(int device);
// Whether the calling thread captures, on that device.
bool is_capturing(int device);
// The graph that the calling thread captures copies from or to this pinned memory, at each replay.
void capture_pinned(PinnedBlock* block);
// Throws DeviceError that names the op noted last if the calling thread captures: `why` it cannot.
void refuse_capture(const char* why);
void* end_capture(int device);
void abandon_capture(int device) noexcept;

// Runs the graph once on `stream`. Draws of random numbers go on from where the generator stands.
void replay(void* graph, StreamId stream);
void delete_graph(void* graph) noexcept;

// The state for a draw: by value, or inside a capture from a cell that each replay sets.
RandomState draw(int device, Generator& generator, uint64_t blocks);

}  // namespace entasis::cuda
