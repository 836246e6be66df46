#include <entasis/core/precision.h>

#include <atomic>

namespace entasis {
namespace {
constinit std::atomic<bool> tf32{false};
}

void allow_tf32(bool on) { tf32.store(on, std::memory_order_relaxed); }
bool is_tf32_allowed() { return tf32.load(std::memory_order_relaxed); }

}  // namespace entasis
