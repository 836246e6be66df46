#include <entasis/core/free_list_internal.h>

#include <cstdint>
#include <new>

namespace entasis {
namespace {

constexpr size_t kClassBytes = 64;
constexpr size_t kClasses = 10;  // up to 640 bytes
constexpr uint32_t kMaxLength = 256;

struct FreeObject {
  FreeObject* next;
};
struct FreeList {
  FreeObject* head;
  uint32_t length;
};
// Trivially destructible, so it stays usable after the thread's destructors have run.
struct ThreadLists {
  FreeList lists[kClasses];
  bool armed;   // the flush at thread exit is registered
  bool closed;  // it has run
};
constinit thread_local ThreadLists thread_lists __attribute__((tls_model("initial-exec"))) = {};

struct FlushAtExit {
  ~FlushAtExit() {
    thread_lists.closed = true;
    for (FreeList& list : thread_lists.lists) {
      while (FreeObject* object = list.head) {
        list.head = object->next;
        ::operator delete(object);
      }
      list.length = 0;
    }
  }
};

[[gnu::noinline, gnu::cold]] void arm() {
  static thread_local FlushAtExit flush;
  (void)flush;
  thread_lists.armed = true;
}

size_t class_of(size_t bytes) { return (bytes - 1) / kClassBytes; }

}  // namespace

void* allocate_object(size_t bytes) {
  const size_t c = class_of(bytes);
  if (!kUseFreeLists || c >= kClasses) return ::operator new(bytes);
  FreeList& list = thread_lists.lists[c];
  if (FreeObject* object = list.head) {
    list.head = object->next;
    --list.length;
    return object;
  }
  return ::operator new((c + 1) * kClassBytes);
}

void free_object(void* object, size_t bytes) noexcept {
  const size_t c = class_of(bytes);
  if (kUseFreeLists && c < kClasses && !thread_lists.closed) {
    FreeList& list = thread_lists.lists[c];
    if (list.length < kMaxLength) {
      if (!thread_lists.armed) [[unlikely]]
        arm();
      list.head = new (object) FreeObject{list.head};
      ++list.length;
      return;
    }
  }
  ::operator delete(object);
}

}  // namespace entasis
