// Plans of the vendor's libraries by their whole description: what was worked out once for a
// product or a convolution serves all later calls with the same shapes, layouts and types.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace entasis::cuda {

// A description as words: equal words, same plan.
template <size_t kWords>
using PlanKey = std::array<int64_t, kWords>;

struct PlanKeyHash {
  template <size_t kWords>
  size_t operator()(const PlanKey<kWords>& key) const {
    uint64_t hash = 0;
    for (const int64_t word : key) {
      // A multiplication spreads a word upwards, the shift brings the high bits down.
      hash = (hash ^ uint64_t(word)) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
    }
    return size_t(hash);
  }
};

// Safe for concurrent use. Whoever finds no plan makes it while the others wait.
template <class Key, class Plan>
class PlanCache {
 public:
  // Programs whose shapes never repeat would fill the memory: a full cache starts afresh.
  static constexpr size_t kMaxPlans = 8192;

  // `make()` gives a std::shared_ptr<Plan>; what it throws is passed on and nothing is kept.
  template <class Make>
  std::shared_ptr<Plan> find(const Key& key, const Make& make) {
    const std::lock_guard lock(mutex_);
    if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
    std::shared_ptr<Plan> plan = make();
    if (plans_.size() >= kMaxPlans) plans_.clear();
    plans_.emplace(key, plan);
    return plan;
  }
  size_t size() const {
    const std::lock_guard lock(mutex_);
    return plans_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<Key, std::shared_ptr<Plan>, PlanKeyHash> plans_;
};

}  // namespace entasis::cuda
