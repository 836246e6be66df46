// An argument that is one whole number or a list of any length: split sizes, positions to cut at,
// paddings. (Dims holds what has an entry for each dimension.)
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <entasis/core/dims.h>

namespace entasis {

class Ints {
 public:
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Ints(T value) : values_{int64_t(value)}, is_list_(false) {}
  Ints(std::initializer_list<int64_t> values) : values_(values) {}
  Ints(std::vector<int64_t> values) : values_(std::move(values)) {}
  Ints(const Dims& values) : values_(values.begin(), values.end()) {}

  bool is_list() const { return is_list_; }
  // Of a single number.
  int64_t value() const { return values_[0]; }
  // A single number counts as a list of one.
  const std::vector<int64_t>& list() const { return values_; }
  int64_t size() const { return int64_t(values_.size()); }
  int64_t operator[](size_t i) const { return values_[i]; }
  bool operator==(const Ints&) const = default;

 private:
  std::vector<int64_t> values_;
  bool is_list_ = true;
};

ENTASIS_API std::string to_string(std::span<const int64_t> values);  // "[2, 3]"

}  // namespace entasis
