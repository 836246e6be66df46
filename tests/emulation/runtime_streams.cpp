// The fake runtime: streams and events.
#include <algorithm>

#include "runtime.h"

namespace entasis::emulation {
namespace {

cudaError_t create_stream(Runtime& r, cudaStream_t* stream, unsigned flags, int priority) {
  const int device = this_thread().device;
  (void)r.default_stream(device);  // comes first
  auto made = std::make_unique<CUstream_st>();
  made->device = device;
  made->flags = flags;
  made->priority = std::clamp(priority, -5, 0);
  *stream = made.get();
  r.streams.push_back(std::move(made));
  return cudaSuccess;
}

bool ended(const Ticket& ticket) { return ticket == nullptr || ticket->yes; }

}  // namespace

extern "C" {

// ---- Streams

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return api(__func__, kUsesDevice,
             [&](Runtime& r) { return create_stream(r, stream, cudaStreamDefault, 0); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return api(__func__, kUsesDevice, [&](Runtime& r) { return create_stream(r, stream, flags, 0); });
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  return api(__func__, kUsesDevice,
             [&](Runtime& r) { return create_stream(r, stream, flags, priority); });
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    const CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    *priority = found->priority;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned* flags) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    const CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    *flags = found->flags;
    return cudaSuccess;
  });
}

// Its work goes on.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    CUstream_st* const found = r.find(stream);
    if (found == nullptr || stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (found->capture != nullptr) found->capture->invalid = true;
    found->destroyed = true;
    std::erase_if(r.streams, [](const auto& s) { return s->destroyed && s->queue.empty(); });
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return api(__func__, kUsesDevice | kUnsafeInCapture, [&](Runtime& r) {
    CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = r.refuse_capture(*found)) return error;
    return r.run_stream(*found);
  });
}

// The device makes some way whenever it is asked.
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return api(__func__, kUsesDevice | kUnsafeInCapture, [&](Runtime& r) {
    CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = r.refuse_capture(*found)) return error;
    const bool ready = ended(found->last);
    if (!ready) r.advance();
    if (r.sticky != cudaSuccess) return r.sticky;
    return ready ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    CUstream_st* const waiting = r.find(stream);
    const CUevent_st* const awaited = r.find(event);
    if (waiting == nullptr || awaited == nullptr) return cudaErrorInvalidResourceHandle;
    if (waiting->capture != nullptr || awaited->capture != 0) {
      return r.join_capture(*waiting, *awaited);
    }
    if (r.blocked_by_capture(*waiting)) return cudaErrorStreamCaptureImplicit;
    if (awaited->recorded != nullptr) r.submit(*waiting, {}, {awaited->recorded});
    return cudaSuccess;
  });
}

// ---- Events

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    auto made = std::make_unique<CUevent_st>();
    made->device = this_thread().device;
    made->flags = flags;
    *event = made.get();
    r.events.push_back(std::move(made));
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    if (r.find(event) == nullptr) return cudaErrorInvalidResourceHandle;
    std::erase_if(r.events, [&](const auto& e) { return e.get() == event; });
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    CUstream_st* const from = r.find(stream);
    CUevent_st* const to = r.find(event);
    if (from == nullptr || to == nullptr || from->device != to->device) {
      return cudaErrorInvalidResourceHandle;
    }
    if (r.blocked_by_capture(*from)) return cudaErrorStreamCaptureImplicit;
    if (from->capture != nullptr) {
      if (from->capture->invalid) return cudaErrorStreamCaptureInvalidated;
      to->capture = from->capture->id;
      to->frontier = from->frontier;
    } else {
      to->capture = 0;
      to->recorded = r.submit(*from, {});
    }
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return cudaEventRecord(event, stream);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return api(__func__, kUsesDevice | kUnsafeInCapture, [&](Runtime& r) {
    const CUevent_st* const found = r.find(event);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    if (found->capture != 0) return cudaErrorCapturedEvent;
    const Ticket recorded = found->recorded;
    return r.run_until(nullptr, [&] { return ended(recorded); });
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return api(__func__, kUsesDevice | kUnsafeInCapture, [&](Runtime& r) {
    const CUevent_st* const found = r.find(event);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    if (found->capture != 0) return cudaErrorCapturedEvent;
    const bool ready = ended(found->recorded);
    if (!ready) r.advance();
    if (r.sticky != cudaSuccess) return r.sticky;
    return ready ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    const CUevent_st* const first = r.find(start);
    const CUevent_st* const second = r.find(end);
    const auto timed = [](const CUevent_st* e) {
      return e != nullptr && e->recorded != nullptr && (e->flags & cudaEventDisableTiming) == 0;
    };
    if (!timed(first) || !timed(second)) return cudaErrorInvalidResourceHandle;
    if (!first->recorded->yes || !second->recorded->yes) return cudaErrorNotReady;
    const std::chrono::duration<float, std::milli> time =
        second->recorded->at - first->recorded->at;
    *milliseconds = time.count();
    return cudaSuccess;
  });
}

}  // extern "C"

}  // namespace entasis::emulation
