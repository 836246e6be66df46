// Which of a SIMD target's functions serve a type.
#pragma once

namespace entasis::cpu {

template <class T, class Target>
const auto& functions_for(const Target& target) {
  if constexpr (sizeof(T) == 4) {
    return target.f32;
  } else {
    return target.f64;
  }
}

}  // namespace entasis::cpu
