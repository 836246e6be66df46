// Matrix product for the types that have no tuned kernel (integers): plain loops in an order that
// the compiler can vectorise when B's columns are adjacent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <entasis/backends/cpu/parallel.h>

namespace entasis::cpu {

// C[m, n] = A[m, k] B[k, n] with any strides (in elements) for A and B and adjacent columns in C.
// Integers wrap around as unsigned ones do. The k loop lies outside the n loop: one pass over a
// stretch of a row of C and of B for each element of A, with 1024 columns at a time in the cache.
template <class T>
void gemm_naive(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row_stride,
                int64_t a_column_stride, const T* b, int64_t b_row_stride, int64_t b_column_stride,
                T* c, int64_t c_row_stride) {
  // Promotion would turn small unsigned types into int, whose overflow is undefined.
  using Wide =
      std::conditional_t<(sizeof(T) < sizeof(uint32_t)), uint32_t, std::make_unsigned_t<T>>;
  constexpr int64_t kColumns = 1024;
  constexpr int64_t kWorkPerRange = 32 * 1024;
  const int64_t rows_per_range = std::max<int64_t>(1, kWorkPerRange / std::max<int64_t>(1, n * k));
  parallel_for(m, rows_per_range, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t j0 = 0; j0 < n; j0 += kColumns) {
        const int64_t columns = std::min(kColumns, n - j0);
        T* const c_row = c + i * c_row_stride + j0;
        std::fill_n(c_row, columns, T{0});
        for (int64_t p = 0; p < k; ++p) {
          const Wide factor = static_cast<Wide>(a[i * a_row_stride + p * a_column_stride]);
          const T* const b_row = b + p * b_row_stride + j0 * b_column_stride;
          if (b_column_stride == 1) {
            for (int64_t j = 0; j < columns; ++j) {
              c_row[j] = static_cast<T>(static_cast<Wide>(c_row[j]) +
                                        factor * static_cast<Wide>(b_row[j]));
            }
          } else {
            for (int64_t j = 0; j < columns; ++j) {
              c_row[j] = static_cast<T>(static_cast<Wide>(c_row[j]) +
                                        factor * static_cast<Wide>(b_row[j * b_column_stride]));
            }
          }
        }
      }
    }
  });
}

}  // namespace entasis::cpu
