// A C++ number on its way into an op: it keeps its category (bool, integer, float), is weak in type
// promotion, and reaches the kernel by value.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include <entasis/core/dtype.h>
#include <entasis/core/export.h>

namespace entasis {

class Number {
 public:
  constexpr Number() : Number(0.0) {}
  constexpr Number(bool value) : integer_(value), category_(Category::kBoolean) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  constexpr Number(T value) : integer_(int64_t(value)), category_(Category::kInteger) {}
  template <std::floating_point T>
  constexpr Number(T value) : real_(double(value)), category_(Category::kFloating) {}

  constexpr Category category() const { return category_; }
  constexpr bool is_floating() const { return category_ == Category::kFloating; }
  constexpr double to_double() const { return is_floating() ? real_ : double(integer_); }
  // Truncates towards zero.
  constexpr int64_t to_int() const { return is_floating() ? truncate_to_int64(real_) : integer_; }
  constexpr bool to_bool() const { return is_floating() ? real_ != 0 : integer_ != 0; }
  template <class T>
  constexpr T to() const {
    return is_floating() ? convert<T>(real_) : convert<T>(integer_);
  }

  // The dtype a number has when it stands alone: bool, i64 or f32, as in PyTorch.
  constexpr DType default_dtype() const {
    return category_ == Category::kBoolean ? kBool : category_ == Category::kInteger ? kI64 : kF32;
  }
  constexpr bool operator==(const Number& other) const {
    return category_ == other.category_ &&
           (is_floating() ? real_ == other.real_ : integer_ == other.integer_);
  }

 private:
  union {
    int64_t integer_;
    double real_;
  };
  Category category_;
};

ENTASIS_API std::string to_string(const Number& number);

}  // namespace entasis
