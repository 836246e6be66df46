// Intrusive reference counting: the count lives in the object, a handle is one pointer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace entasis {

// Base of counted objects. `T` needs `retain()` and `release()`; most inherit this and define
// `release()` as `if (drop()) destroy`.
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  void retain() const { references_.fetch_add(1, std::memory_order_relaxed); }
  uint32_t references() const { return references_.load(std::memory_order_acquire); }

 protected:
  ~Counted() = default;
  // True when the last reference is gone. A sole owner skips the locked instruction: nobody else
  // can raise the count of an object they hold no reference to.
  bool drop() const { return references_.load(std::memory_order_acquire) == 1 || drop_counted(); }
  // The same where weak handles may raise the count: it really goes down to zero.
  bool drop_counted() const { return references_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  // Takes a reference unless the last one is gone.
  bool revive() const {
    uint32_t count = references_.load(std::memory_order_relaxed);
    while (count != 0) {
      if (references_.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel))
        return true;
    }
    return false;
  }

 private:
  mutable std::atomic<uint32_t> references_{1};
};

template <class T>
class Ref {
 public:
  constexpr Ref() = default;
  constexpr Ref(std::nullptr_t) {}
  explicit Ref(T* pointer) : pointer_(pointer) {
    if (pointer_) pointer_->retain();
  }
  // Takes over a reference that the caller owns (a new object starts with one).
  static Ref adopt(T* pointer) {
    Ref ref;
    ref.pointer_ = pointer;
    return ref;
  }
  Ref(const Ref& other) : Ref(other.pointer_) {}
  Ref(Ref&& other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(pointer_, other.pointer_);
    return *this;
  }
  ~Ref() {
    if (pointer_) pointer_->release();
  }

  T* get() const { return pointer_; }
  T* operator->() const { return pointer_; }
  T& operator*() const { return *pointer_; }
  explicit operator bool() const { return pointer_ != nullptr; }
  bool operator==(const Ref& other) const { return pointer_ == other.pointer_; }
  // Hands the reference to the caller.
  T* detach() { return std::exchange(pointer_, nullptr); }

 private:
  T* pointer_ = nullptr;
};

}  // namespace entasis
