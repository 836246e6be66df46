// A vector whose first N elements live inside it: graph nodes and operand lists rarely need more.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <new>
#include <utility>

namespace entasis {

template <class T, int N>
class SmallVector {
 public:
  SmallVector() = default;
  SmallVector(std::initializer_list<T> values) {
    reserve(int(values.size()));
    for (const T& v : values) push_back(v);
  }
  SmallVector(const SmallVector& other) {
    reserve(other.size_);
    for (const T& v : other) push_back(v);
  }
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other) {
      clear();
      reserve(other.size_);
      for (const T& v : other) push_back(v);
    }
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this != &other) {
      destroy();
      take(other);
    }
    return *this;
  }
  ~SmallVector() { destroy(); }

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return heap_ ? heap_ : inline_data(); }
  const T* data() const { return const_cast<SmallVector*>(this)->data(); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](int i) { return data()[i]; }
  const T& operator[](int i) const { return data()[i]; }
  T& back() { return data()[size_ - 1]; }

  template <class... A>
  T& emplace_back(A&&... arguments) {
    if (size_ == capacity_) reserve(capacity_ * 2);
    T* slot = new (data() + size_) T(std::forward<A>(arguments)...);
    ++size_;
    return *slot;
  }
  void push_back(T value) { emplace_back(std::move(value)); }
  void pop_back() { data()[--size_].~T(); }
  void resize(int n) {
    reserve(n);
    while (size_ < n) emplace_back();
    while (size_ > n) pop_back();
  }
  void clear() {
    for (T& v : *this) v.~T();
    size_ = 0;
  }
  void reserve(int capacity) {
    if (capacity <= capacity_) return;
    T* grown = static_cast<T*>(::operator new(sizeof(T) * size_t(capacity)));
    for (int i = 0; i < size_; ++i) {
      new (grown + i) T(std::move(data()[i]));
      data()[i].~T();
    }
    ::operator delete(heap_);
    heap_ = grown;
    capacity_ = capacity;
  }

 private:
  T* inline_data() { return std::launder(reinterpret_cast<T*>(buffer_)); }
  void destroy() {
    clear();
    ::operator delete(heap_);
    heap_ = nullptr;
    capacity_ = N;
  }
  // Expects *this to be empty and without heap memory.
  void take(SmallVector& other) noexcept {
    if (other.heap_) {
      heap_ = std::exchange(other.heap_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, N);
      return;
    }
    for (int i = 0; i < other.size_; ++i)
      new (buffer_ + sizeof(T) * size_t(i)) T(std::move(other[i]));
    size_ = other.size_;
    other.clear();
  }

  int size_ = 0;
  int capacity_ = N;
  T* heap_ = nullptr;
  alignas(T) unsigned char buffer_[sizeof(T) * N];
};

}  // namespace entasis
