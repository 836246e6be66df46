// Atomic operations, fences, and special loads and stores of device code. Atomics are relaxed, as
// on the device: the thread sanitizer takes them for atomic, but for synchronisation only together
// with fences.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "core.h"
#include "sanitizers.h"

namespace entasis::emulation {

template <class T, class... U>
inline constexpr bool is_one_of = (std::is_same_v<T, U> || ...);

// The types for which nvcc has each operation.
template <class T>
concept Integer32Or64 =
    is_one_of<T, int, unsigned, unsigned long, long, long long, unsigned long long>;

template <class T>
using Bits = std::conditional_t<sizeof(T) == 2, uint16_t,
                                std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;

// Replaces *place by change(*place); the old value.
template <class T, class Change>
T replace(T* place, Change change) {
  if constexpr (kThreadSanitizer) meet_atomically(place);
  auto* const bits = reinterpret_cast<Bits<T>*>(place);
  Bits<T> old = __atomic_load_n(bits, __ATOMIC_RELAXED);
  Bits<T> changed;
  do {
    changed = std::bit_cast<Bits<T>>(change(std::bit_cast<T>(old)));
  } while (
      !__atomic_compare_exchange_n(bits, &old, changed, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return std::bit_cast<T>(old);
}

template <class T>
using Same = std::type_identity_t<T>;  // converted to T instead of deduced

}  // namespace entasis::emulation

template <class T>
T atomicAdd(T* place, ::entasis::emulation::Same<T> value) {
  return ::entasis::emulation::replace(place, [&](T old) { return static_cast<T>(old + value); });
}
template <::entasis::emulation::Integer32Or64 T>
T atomicSub(T* place, ::entasis::emulation::Same<T> value) {
  return ::entasis::emulation::replace(place, [&](T old) { return old - value; });
}
template <::entasis::emulation::Integer32Or64 T>
T atomicMin(T* place, ::entasis::emulation::Same<T> value) {
  return ::entasis::emulation::replace(place, [&](T old) { return value < old ? value : old; });
}
template <::entasis::emulation::Integer32Or64 T>
T atomicMax(T* place, ::entasis::emulation::Same<T> value) {
  return ::entasis::emulation::replace(place, [&](T old) { return old < value ? value : old; });
}
template <::entasis::emulation::Integer32Or64 T>
T atomicAnd(T* place, ::entasis::emulation::Same<T> value) {
  return ::entasis::emulation::replace(place, [&](T old) { return old & value; });
}
template <::entasis::emulation::Integer32Or64 T>
T atomicOr(T* place, ::entasis::emulation::Same<T> value) {
  return ::entasis::emulation::replace(place, [&](T old) { return old | value; });
}
template <::entasis::emulation::Integer32Or64 T>
T atomicXor(T* place, ::entasis::emulation::Same<T> value) {
  return ::entasis::emulation::replace(place, [&](T old) { return old ^ value; });
}
template <class T>
T atomicExch(T* place, ::entasis::emulation::Same<T> value) {
  return ::entasis::emulation::replace(place, [&](T) { return value; });
}
template <class T>
T atomicCAS(T* place, ::entasis::emulation::Same<T> expected, ::entasis::emulation::Same<T> value) {
  return ::entasis::emulation::replace(place, [&](T old) { return old == expected ? value : old; });
}
// Counts up to `limit` and begins anew at 0; and down.
inline unsigned atomicInc(unsigned* place, unsigned limit) {
  return ::entasis::emulation::replace(place,
                                       [&](unsigned old) { return old >= limit ? 0u : old + 1; });
}
inline unsigned atomicDec(unsigned* place, unsigned limit) {
  return ::entasis::emulation::replace(
      place, [&](unsigned old) { return old == 0 || old > limit ? limit : old - 1; });
}

// ---- Fences. One CPU thread runs all device threads, so its memory is in order: only the compiler
// must be held, and the thread sanitizer be told.
inline void __threadfence() {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if constexpr (::entasis::emulation::kThreadSanitizer) ::entasis::emulation::memory_fence();
}
inline void __threadfence_block() { __threadfence(); }
inline void __threadfence_system() { __threadfence(); }

// ---- Loads and stores that choose a cache. Vectors among them need aligned addresses.
#define ENTASIS_EMULATION_LOAD(name)                                                      \
  template <class T>                                                                      \
  T name(const T* place,                                                                  \
         ::entasis::emulation::Location at = ::entasis::emulation::Location::current()) { \
    ::entasis::emulation::check_aligned(place, alignof(T), at);                           \
    return *place;                                                                        \
  }
ENTASIS_EMULATION_LOAD(__ldg)
ENTASIS_EMULATION_LOAD(__ldcg)
ENTASIS_EMULATION_LOAD(__ldca)
ENTASIS_EMULATION_LOAD(__ldcs)
ENTASIS_EMULATION_LOAD(__ldlu)
ENTASIS_EMULATION_LOAD(__ldcv)
#undef ENTASIS_EMULATION_LOAD

#define ENTASIS_EMULATION_STORE(name)                                                        \
  template <class T>                                                                         \
  void name(T* place, ::entasis::emulation::Same<T> value,                                   \
            ::entasis::emulation::Location at = ::entasis::emulation::Location::current()) { \
    ::entasis::emulation::check_aligned(place, alignof(T), at);                              \
    *place = value;                                                                          \
  }
ENTASIS_EMULATION_STORE(__stwb)
ENTASIS_EMULATION_STORE(__stcg)
ENTASIS_EMULATION_STORE(__stcs)
ENTASIS_EMULATION_STORE(__stwt)
#undef ENTASIS_EMULATION_STORE
