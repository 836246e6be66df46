// Hides freed device memory from AddressSanitizer's point of view, in the order of the stream: work
// that was queued before the memory was freed may still touch it.
#include <entasis/backends/cuda/internal/poison.h>

#include <entasis/backends/cuda/graph.h>
#include <entasis/backends/cuda/streams.h>

#if defined(__SANITIZE_ADDRESS__)
#define ENTASIS_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ENTASIS_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef ENTASIS_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace entasis::cuda {

#ifdef ENTASIS_ADDRESS_SANITIZER

namespace {

struct Region {
  void* data;
  size_t bytes;
};

void on_stream(void (*f)(void*), void* data, size_t bytes, StreamId stream) {
  if (is_capturing(device_of(stream))) return;  // replays would repeat it
  cudaLaunchHostFunc(handle_of(stream), f, new Region{data, bytes});
}

}  // namespace

void hide(void* data, size_t bytes, StreamId stream) {
  on_stream(
      [](void* p) {
        const auto* r = static_cast<Region*>(p);
        __asan_poison_memory_region(r->data, r->bytes);
        delete r;
      },
      data, bytes, stream);
}
void reveal(void* data, size_t bytes, StreamId stream) {
  on_stream(
      [](void* p) {
        const auto* r = static_cast<Region*>(p);
        __asan_unpoison_memory_region(r->data, r->bytes);
        delete r;
      },
      data, bytes, stream);
}

#else

void hide(void*, size_t, StreamId) {}
void reveal(void*, size_t, StreamId) {}

#endif

}  // namespace entasis::cuda
