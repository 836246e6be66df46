#include <entasis/core/generator.h>

#include <entasis/core/thread_state_internal.h>

namespace entasis {
namespace {

constexpr uint64_t kSplitSubsequence = 0x5b1d'5b1d'5b1d'5b1d;  // never used by a draw's retries

struct DefaultGenerators {
  Generator cpu{0};
  Generator cuda{0};
};
// Never destroyed: tensors may be filled while statics die.
DefaultGenerators& default_generators() {
  static auto* generators = new DefaultGenerators;
  return *generators;
}

}  // namespace

void Generator::manual_seed(uint64_t seed) {
  seed_ = seed;
  offset_.store(0, std::memory_order_relaxed);
}

void Generator::set_state(State state) {
  seed_ = state.seed;
  offset_.store(state.offset, std::memory_order_relaxed);
}

Generator Generator::split(uint64_t stream) const {
  const auto words = philox4x32(seed_, stream, kSplitSubsequence);
  return Generator(uint64_t(words[1]) << 32 | words[0]);
}

Generator& default_generator(Device device) {
  return device.is_cuda() ? default_generators().cuda : default_generators().cpu;
}

Generator& current_generator(Device device) {
  return thread_state.generator ? *thread_state.generator : default_generator(device);
}

void manual_seed(uint64_t seed) {
  default_generators().cpu.manual_seed(seed);
  default_generators().cuda.manual_seed(seed);
}

}  // namespace entasis
