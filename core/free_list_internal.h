// Per-thread free lists for the library's small objects: tensor headers, storages, graph nodes.
// Bounded, flushed at thread exit, usable during static destruction, off under sanitizers (so that
// they see every lifetime).
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ENTASIS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define ENTASIS_SANITIZED 1
#endif
#endif

namespace entasis {

#ifdef ENTASIS_SANITIZED
inline constexpr bool kUseFreeLists = false;
#else
inline constexpr bool kUseFreeLists = true;
#endif

void* allocate_object(size_t bytes);
void free_object(void* object, size_t bytes) noexcept;

}  // namespace entasis
