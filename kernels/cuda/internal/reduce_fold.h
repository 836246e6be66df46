// Folds: what a reduction makes of its elements. A fold is passed to the kernels of
// reduce_kernels.h by value and has
//
//   Value          the type of computation: float, double or int64_t
//   Acc            what is accumulated, trivially copyable
//   kInputs        tensors that are read side by side, 1 or 2
//   Context        what belongs to one output, from context(number of the output)
//   identity()     the accumulator of no elements
//   add(acc, batch, context)    takes the N elements of a batch
//   Join           joins two accumulators, commutative to the bit
//   kInOrder       whether elements must be numbered in row-major order
//   kBlocks        blocks that a multiprocessor should hold at least: the limit of registers
//   write(acc, number)          writes output `number`
//
// Sums of floats follow the CPU: a batch is added by a tree in float and the result goes to an
// accumulator in double, so each element passes at most four roundings in float, whatever the
// count.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include <entasis/core/tensor.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/shuffle.h>

namespace entasis::cuda {

// Elements of one output: vectors of kVec neighbours, `step` elements apart.
template <class C, int kInputs, int N, int kVec>
struct Batch {
  C x[kInputs][N];
  int64_t first;  // the number of element 0 among those of the output
  int step;

  __device__ __forceinline__ int64_t number(int k) const {
    return first + int64_t(k / kVec) * step + k % kVec;
  }
};

struct NoContext {};

// The accumulator of sums of C.
template <class C>
using Wide = std::conditional_t<std::is_integral_v<C>, int64_t, double>;

// x[0] … x[N-1] joined by a tree.
template <int N, class C, class Join>
__device__ __forceinline__ C join_tree(const C (&x)[N], Join join) {
  if constexpr (N == 1) {
    return x[0];
  } else {
    constexpr int kHalf = (N + 1) / 2;
    C half[kHalf];
#pragma unroll
    for (int i = 0; i < kHalf; ++i)
      half[i] = 2 * i + 1 < N ? join(x[2 * i], x[2 * i + 1]) : x[2 * i];
    return join_tree(half, join);
  }
}

// Integers wrap.
struct AddUp {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      using Unsigned = std::make_unsigned_t<T>;
      return T(Unsigned(a) + Unsigned(b));
    } else {
      return a + b;
    }
  }
};

// NaN if either is NaN.
struct Larger {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a != a ? a : b != b ? b : a > b ? a : b;
  }
};

struct Smaller {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a != a ? a : b != b ? b : a < b ? a : b;
  }
};

// Integers wrap.
struct Multiply {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      using Unsigned = std::make_unsigned_t<T>;
      return T(Unsigned(a) * Unsigned(b));
    } else {
      return a * b;
    }
  }
};

template <class T>
__device__ __forceinline__ constexpr T lowest() {
  using Limits = std::numeric_limits<T>;
  return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
}
template <class T>
__device__ __forceinline__ constexpr T highest() {
  using Limits = std::numeric_limits<T>;
  return Limits::has_infinity ? Limits::infinity() : Limits::max();
}
// What the joins of extrema begin with.
template <class T>
__device__ __forceinline__ constexpr T neutral(Larger) {
  return lowest<T>();
}
template <class T>
__device__ __forceinline__ constexpr T neutral(Smaller) {
  return highest<T>();
}

// Halves are rounded from float, as on the CPU.
__device__ __forceinline__ void store_real(void* out, int64_t i, DType dtype, double value) {
  if (dtype == kF64) {
    static_cast<double*>(out)[i] = value;
  } else {
    const float single = static_cast<float>(value);
    if (dtype == kF32) static_cast<float*>(out)[i] = single;
    if (dtype == kF16) static_cast<half_t*>(out)[i] = convert_to<half_t>(single);
    if (dtype == kBF16) static_cast<bfloat16_t*>(out)[i] = convert_to<bfloat16_t>(single);
  }
}

// ---- What folds make of an element first.
struct AsIs {
  template <class C>
  __device__ __forceinline__ C operator()(C x) const {
    return x;
  }
};
struct IsNonzero {
  template <class C>
  __device__ __forceinline__ C operator()(C x) const {
    return x != C(0) ? C(1) : C(0);
  }
};
struct ZeroForNan {
  template <class C>
  __device__ __forceinline__ C operator()(C x) const {
    return x != x ? C(0) : x;
  }
};
struct Magnitude {
  template <class C>
  __device__ __forceinline__ C operator()(C x) const {
    return x < C(0) ? -x : x + C(0);  // no negative zero
  }
};

// Sums of what a map makes of the elements; its folds have a `write` of their own.
template <class C, class Map = AsIs>
struct SumOf {
  using Value = C;
  using Acc = Wide<C>;
  using Context = NoContext;
  using Join = AddUp;
  static constexpr int kInputs = 1;
  static constexpr bool kInOrder = false;
  static constexpr int kBlocks = 4;

  Map map = {};

  __device__ __forceinline__ Context context(int64_t) const { return {}; }
  static __device__ __forceinline__ Acc identity() { return Acc(0); }
  template <int N, int kVec>
  __device__ __forceinline__ void add(Acc& acc, const Batch<C, 1, N, kVec>& batch, Context) const {
    C x[N];
#pragma unroll
    for (int k = 0; k < N; ++k) x[k] = map(batch.x[0][k]);
    acc = AddUp()(acc, Acc(join_tree(x, AddUp())));
  }
};

template <class C, class Map = AsIs>
struct SumFold : SumOf<C, Map> {
  void* out;
  DType dtype;
  double divisor;

  explicit SumFold(const Tensor& to, double divided_by = 1)
      : out(to.raw()), dtype(to.dtype()), divisor(divided_by) {}
  __device__ __forceinline__ void write(const Wide<C>& acc, int64_t number) const {
    if constexpr (std::is_integral_v<C>) {
      store_as<int64_t>(out, number, dtype, acc);
    } else {
      store_real(out, number, dtype, acc / divisor);
    }
  }
};

// Floats are multiplied in double, as on the CPU.
template <class C>
struct ProdFold {
  using Value = C;
  using Acc = Wide<C>;
  using Context = NoContext;
  using Join = Multiply;
  static constexpr int kInputs = 1;
  static constexpr bool kInOrder = false;
  static constexpr int kBlocks = 4;

  void* out;
  DType dtype;

  __device__ __forceinline__ Context context(int64_t) const { return {}; }
  static __device__ __forceinline__ Acc identity() { return Acc(1); }
  template <int N, int kVec>
  __device__ __forceinline__ void add(Acc& acc, const Batch<C, 1, N, kVec>& batch, Context) const {
#pragma unroll
    for (int k = 0; k < N; ++k) acc = Multiply()(acc, Acc(batch.x[0][k]));
  }
  __device__ __forceinline__ void write(const Acc& acc, int64_t number) const {
    if constexpr (std::is_integral_v<C>) {
      store_as<int64_t>(out, number, dtype, acc);
    } else {
      store_real(out, number, dtype, acc);
    }
  }
};

// How many elements are not zero, or whether there are at least `least` of them.
template <class C>
struct NonzeroFold : SumOf<C, IsNonzero> {
  static constexpr int kBlocks = 2;  // 64 bytes in flight need registers
  void* out;
  DType dtype;
  int64_t least;  // negative: the count itself

  NonzeroFold(const Tensor& to, int64_t at_least)
      : out(to.raw()), dtype(to.dtype()), least(at_least) {}
  __device__ __forceinline__ void write(const Wide<C>& acc, int64_t number) const {
    const int64_t count = static_cast<int64_t>(acc);
    if (least < 0) {
      static_cast<int64_t*>(out)[number] = count;
    } else {
      static_cast<uint8_t*>(out)[number] = count >= least;
    }
  }
};

// u64 travels as i64 with the highest bit turned over, which keeps the order: `flip` is that bit.
template <class C>
__device__ __forceinline__ C flipped(C x, int64_t flip) {
  if constexpr (std::is_integral_v<C>) {
    return x ^ flip;
  } else {
    return x;
  }
}

// The largest or smallest, as Extremum says, of what a map makes of the elements.
template <class C, class Extremum, class Map = AsIs>
struct ExtremumFold {
  using Value = C;
  using Acc = C;
  using Context = NoContext;
  using Join = Extremum;
  static constexpr int kInputs = 1;
  static constexpr bool kInOrder = false;
  static constexpr int kBlocks = 4;

  void* out;
  DType dtype;
  int64_t flip;

  __device__ __forceinline__ Context context(int64_t) const { return {}; }
  static __device__ __forceinline__ Acc identity() { return neutral<C>(Extremum()); }
  template <int N, int kVec>
  __device__ __forceinline__ void add(Acc& acc, const Batch<C, 1, N, kVec>& batch, Context) const {
    if constexpr (std::is_integral_v<C>) {
#pragma unroll
      for (int k = 0; k < N; ++k) acc = Extremum()(acc, flipped(batch.x[0][k], flip));
    } else {
      C x[N];
#pragma unroll
      for (int k = 0; k < N; ++k) x[k] = Map()(batch.x[0][k]);
      acc = Extremum()(acc, join_tree(x, Extremum()));
    }
  }
  __device__ __forceinline__ void write(const Acc& acc, int64_t number) const {
    store_as<C>(out, number, dtype, flipped(acc, flip));
  }
};

// The first place of an extremum, and the extremum itself if `values` is given; NaN goes before any
// number.
template <class C, class Extremum>
struct PlaceFold {
  struct Acc {
    C value;
    int64_t position;
  };
  using Value = C;
  using Context = NoContext;
  static constexpr int kInputs = 1;
  static constexpr bool kInOrder = true;
  static constexpr int kBlocks = 2;

  int64_t* out;
  int64_t flip;
  void* values = nullptr;
  DType dtype = kI64;

  static __device__ __forceinline__ bool beats(C a, C b) {
    if constexpr (std::is_same_v<Extremum, Larger>) return a > b;
    return a < b;
  }
  static __device__ __forceinline__ bool wins(const Acc& a, const Acc& b) {
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan;
    if (beats(a.value, b.value)) return true;
    return (a_nan || a.value == b.value) && a.position < b.position;
  }
  struct Join {
    __device__ __forceinline__ Acc operator()(const Acc& a, const Acc& b) const {
      return wins(b, a) ? b : a;
    }
  };

  __device__ __forceinline__ Context context(int64_t) const { return {}; }
  static __device__ __forceinline__ Acc identity() {
    return {neutral<C>(Extremum()), std::numeric_limits<int64_t>::max()};
  }
  template <int N, int kVec>
  __device__ __forceinline__ void add(Acc& acc, const Batch<C, 1, N, kVec>& batch, Context) const {
    C best = flipped(batch.x[0][0], flip);
    int place = 0;
#pragma unroll
    for (int k = 1; k < N; ++k) {
      const C x = flipped(batch.x[0][k], flip);
      if (beats(x, best) || (x != x && best == best)) {
        best = x;
        place = k;
      }
    }
    acc = Join()(acc, Acc{best, batch.number(place)});
  }
  __device__ __forceinline__ void write(const Acc& acc, int64_t number) const {
    out[number] = acc.position;
    if (values != nullptr) store_as<C>(values, number, dtype, flipped(acc.value, flip));
  }
};

}  // namespace entasis::cuda
