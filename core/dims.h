// An inline list of up to eight sizes, strides or dimension numbers.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>

#include <entasis/core/export.h>

namespace entasis {

inline constexpr int kMaxDims = 8;

[[noreturn]] ENTASIS_API void throw_too_many_dims(int64_t count);

class Dims {
 public:
  constexpr Dims() : size_(0) { clear_in_constants(); }
  constexpr Dims(std::initializer_list<int64_t> values) : Dims() {
    for (int64_t v : values) push_back(v);
  }
  explicit Dims(std::span<const int64_t> values) : Dims() {
    for (int64_t v : values) push_back(v);
  }
  constexpr Dims(const Dims& other) : size_(other.size_) {
    clear_in_constants();
    copy(other);
  }
  constexpr Dims& operator=(const Dims& other) {
    size_ = other.size_;
    copy(other);
    return *this;
  }
  // `count` times `value`.
  static Dims filled(int count, int64_t value) {
    Dims d;
    for (int i = 0; i < count; ++i) d.push_back(value);
    return d;
  }

  constexpr int size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr int64_t& operator[](int i) { return values_[i]; }
  constexpr int64_t operator[](int i) const { return values_[i]; }
  int64_t back() const { return values_[size_ - 1]; }
  constexpr void push_back(int64_t v) {
    if (size_ == kMaxDims) throw_too_many_dims(kMaxDims + 1);
    values_[size_++] = v;
  }
  void pop_back() { --size_; }
  void insert(int at, int64_t v) {
    push_back(v);
    for (int i = size_ - 1; i > at; --i) values_[i] = values_[i - 1];
    values_[at] = v;
  }
  void erase(int at) {
    for (int i = at; i + 1 < size_; ++i) values_[i] = values_[i + 1];
    --size_;
  }
  // New entries are zero.
  void resize(int n) {
    if (n > kMaxDims) throw_too_many_dims(n);
    for (int i = size_; i < n; ++i) values_[i] = 0;
    size_ = uint8_t(n);
  }

  constexpr const int64_t* begin() const { return values_; }
  constexpr const int64_t* end() const { return values_ + size_; }
  int64_t* begin() { return values_; }
  int64_t* end() { return values_ + size_; }

  constexpr bool operator==(const Dims& other) const {
    if (size_ != other.size_) return false;
    for (int i = 0; i < size_; ++i)
      if (values_[i] != other.values_[i]) return false;
    return true;
  }

 private:
  // Entries past size() stay unset at run time; a constant must be set whole.
  constexpr void clear_in_constants() {
    if (std::is_constant_evaluated()) {
      for (int64_t& v : values_) v = 0;
    }
  }
  // Half of the entries or all: two or four vector moves and no loop.
  constexpr void copy(const Dims& other) {
    if (std::is_constant_evaluated()) {
      for (int i = 0; i < size_; ++i) values_[i] = other.values_[i];
    } else if (size_ <= kMaxDims / 2) {
      std::memcpy(values_, other.values_, sizeof values_ / 2);
    } else {
      std::memcpy(values_, other.values_, sizeof values_);
    }
  }

  uint8_t size_;
  int64_t values_[kMaxDims];
};

ENTASIS_API std::string to_string(const Dims& dims);  // "[2, 3]"

// The product of the sizes. Throws ShapeError if it does not fit 63 bits or a size is negative.
ENTASIS_API int64_t count_elements(const Dims& shape);

}  // namespace entasis
