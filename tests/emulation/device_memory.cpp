#include "device_memory.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

#include "core.h"
#include "fiber.h"
#include "last_words.h"
#include "sanitizers.h"

namespace entasis::emulation {
namespace {

constexpr size_t kAlignment = 512;
constexpr size_t kPage = 64 * 1024;  // a multiple of any system's
constexpr unsigned char kGuardByte = 0xa5;
constexpr size_t kKeptForbidden = 256;  // freed allocations

// [forbidden page] [rest of a page] data [rest of 512 bytes] [forbidden page]
struct Allocation {
  unsigned char* data;
  size_t bytes;
  unsigned char* pages;  // what can be opened
  size_t page_bytes;

  unsigned char* reserved() const { return pages - kPage; }
  size_t reserved_bytes() const { return page_bytes + 2 * kPage; }
  bool reserves(const unsigned char* address) const {
    return static_cast<size_t>(address - reserved()) < reserved_bytes();
  }
};

struct Memory {
  std::vector<Allocation> live;
  std::deque<Allocation> freed;
  int opened = 0;
};
Memory& memory() {
  static Memory& instance = *new Memory;
  return instance;
}

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// ---- What happens at a forbidden address

struct sigaction previous_action;

// "4 bytes behind the end of 400 bytes of device memory"
bool describe(const unsigned char* address, char* text, size_t size) {
  const Memory& m = memory();
  for (const Allocation& a : m.live) {
    if (!a.reserves(address)) continue;
    if (address >= a.data + a.bytes) {
      snprintf(text, size, "%zu bytes behind the end of %zu bytes of device memory",
               static_cast<size_t>(address - a.data) - a.bytes, a.bytes);
    } else if (address < a.data) {
      snprintf(text, size, "%zu bytes before the begin of %zu bytes of device memory",
               static_cast<size_t>(a.data - address), a.bytes);
    } else {
      snprintf(text, size, "device memory, which only kernels and copies may touch");
    }
    return true;
  }
  for (const Allocation& a : m.freed) {
    if (!a.reserves(address)) continue;
    snprintf(text, size, "%zu bytes of device memory that were freed", a.bytes);
    return true;
  }
  return false;
}

void on_fault(int signal, siginfo_t* info, void* context) {
  static char text[256];
  char what[128];
  if (describe(static_cast<const unsigned char*>(info->si_addr), what, sizeof what)) {
    const bool in_kernel = running != nullptr;
    snprintf(text, sizeof text, "illegal memory access: %s code touches %s",
             in_kernel ? "device" : "host", what);
    // Without a sanitizer, whose report would be better, the kernel ends as on a device.
    if (in_kernel && !kAddressSanitizer && !kThreadSanitizer) {
      fail(text, {nullptr, 0}, Ending::kIllegalAddress);
    }
    fprintf(stderr, "CUDA emulation: %s\n", text);
    print_order();
  }
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
  } else {
    sigaction(signal, &previous_action, nullptr);  // and come here no more
  }
}

void watch_faults() {
  static const bool watching = [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;  // a kernel is left from within
    return sigaction(SIGSEGV, &action, &previous_action) == 0;
  }();
  (void)watching;
}

// ---- Pages

// A file of ones. Memory is a private copy of it, again and again, so that what nobody writes costs
// nothing.
constexpr size_t kFileBytes = 2 << 20;
int file_of_ones() {
  static const int file = [] {
    const int made = memfd_create("entasis-uninitialised", MFD_CLOEXEC);
    const std::vector<unsigned char> ones(kFileBytes, 0xff);
    if (made < 0 || write(made, ones.data(), kFileBytes) != ssize_t{kFileBytes}) abort();
    return made;
  }();
  return file;
}

int protection() { return memory().opened > 0 ? PROT_READ | PROT_WRITE : PROT_NONE; }

bool map_ones(unsigned char* pages, size_t bytes) {
  for (size_t done = 0; done < bytes; done += kFileBytes) {
    const size_t part = std::min(kFileBytes, bytes - done);
    void* const mapped = mmap(pages + done, part, protection(),
                              MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file_of_ones(), 0);
    if (mapped == MAP_FAILED) return false;
  }
  return true;
}

// Calls `visit(begin, end)` for the watched bytes before and behind the data.
template <class Visit>
void visit_guards(const Allocation& a, Visit visit) {
  visit(std::max(a.pages, a.data - kAlignment), a.data);
  visit(a.data + a.bytes, a.pages + a.page_bytes);
}

}  // namespace

void* allocate_device_memory(size_t bytes) {
  watch_faults();
  Allocation a{};
  a.bytes = bytes;
  a.page_bytes = round_up(bytes, kPage);
  void* const reserved = mmap(nullptr, a.reserved_bytes(), PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return nullptr;
  a.pages = static_cast<unsigned char*>(reserved) + kPage;
  a.data = a.pages + a.page_bytes - round_up(bytes, kAlignment);
  if (!map_ones(a.pages, a.page_bytes)) {
    munmap(a.reserved(), a.reserved_bytes());
    return nullptr;
  }
  memory().live.push_back(a);
  const DeviceAccess access;
  forbid_memory(a.pages, a.page_bytes);
  visit_guards(a, [](unsigned char* begin, unsigned char* end) {
    allow_memory(begin, static_cast<size_t>(end - begin));
    std::fill(begin, end, kGuardByte);
    forbid_memory(begin, static_cast<size_t>(end - begin));
  });
  allow_memory(a.data, a.bytes);
  return a.data;
}

bool free_device_memory(void* begin) {
  Memory& m = memory();
  const auto found = std::find_if(m.live.begin(), m.live.end(),
                                  [&](const Allocation& a) { return a.data == begin; });
  const Allocation a = *found;
  bool intact = true;
  {
    const DeviceAccess access;
    allow_memory(a.pages, a.page_bytes);
    visit_guards(a, [&](const unsigned char* first, const unsigned char* last) {
      intact &= std::all_of(first, last, [](unsigned char byte) { return byte == kGuardByte; });
    });
  }
  m.live.erase(found);
  m.freed.push_back(a);
  // Nothing but forbidden addresses; for the address sanitizer, too.
  mmap(a.pages, a.page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
       -1, 0);
  forbid_memory(a.pages, a.page_bytes);
  if (m.freed.size() > kKeptForbidden) {
    const Allocation& oldest = m.freed.front();
    allow_memory(oldest.pages, oldest.page_bytes);
    munmap(oldest.reserved(), oldest.reserved_bytes());
    m.freed.pop_front();
  }
  return intact;
}

DeviceAccess::DeviceAccess() {
  if (memory().opened++ > 0) return;
  for (const Allocation& a : memory().live) {
    mprotect(a.pages, a.page_bytes, PROT_READ | PROT_WRITE);
  }
}

DeviceAccess::~DeviceAccess() {
  if (--memory().opened > 0) return;
  for (const Allocation& a : memory().live) mprotect(a.pages, a.page_bytes, PROT_NONE);
}

}  // namespace entasis::emulation
