// Other libraries that work on the same memory, in streams of their own.
#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

#include <entasis/core/storage.h>

namespace entasis::cuda {

// Another library's stream waits for what is queued now in `users`, a mask of the device's streams.
void order_foreign(cudaStream_t later, int device, uint64_t users);
// Work of `later` from now on waits for what another library's stream has so far.
void order_after_foreign(StreamId later, cudaStream_t earlier);

// Calls deleter(context, data), for borrowed memory, when the streams in `users` have done what is
// queued on them now: at once, or from a later give_back_due().
void give_back_when_done(Storage::Deleter deleter, void* context, void* data, int device,
                         uint64_t users) noexcept;
// Gives back what nobody here uses any more. Foreign code runs: the caller holds no lock.
void give_back_due() noexcept;

}  // namespace entasis::cuda
