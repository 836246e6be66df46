// How a matrix product is carried out: the method, chosen by shape and strides alone, and the cut
// into parts, which may follow the number of threads because it does not change any result.
#pragma once

#include <cstdint>

#include <entasis/kernels/cpu/internal/gemm.h>

namespace entasis::cpu {

// A rectangle of C.
struct GemmPart {
  int64_t row_begin, row_end;
  int64_t column_begin, column_end;
};

enum class GemmMethod {
  kTiles,            // register tiles of C
  kTransposedTiles,  // register tiles of C^T = B^T A^T, when that needs less transposing
  kDots,             // dot products of A's rows with at most kThin columns of B
  kTransposedDots,   // dot products of B's columns with at most kThin rows of A
};

// Takes the step behind the product on a rectangle of C, if there is one.
template <class T, class In>
void finish_part(const Gemm<T, In>& g, const GemmPart& part) {
  if (g.finish.run == nullptr) return;
  int64_t rows = part.row_end - part.row_begin, columns = part.column_end - part.column_begin;
  if (columns == g.c_row_stride) {  // one run
    columns *= rows;
    rows = 1;
  }
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t at = (part.row_begin + i) * g.c_row_stride + part.column_begin;
    const void* const in[] = {g.c + at, g.finish.other != nullptr ? g.finish.other + at : nullptr};
    g.finish.run((g.finish.out != nullptr ? g.finish.out : g.c) + at, in, 0, columns);
  }
}

// Moves the operands to element `index` of the batch.
template <class T, class In>
void select_item(Gemm<T, In>& g, int64_t index) {
  for (size_t i = g.batch.size(); i-- > 0;) {
    const GemmBatch& dim = g.batch[i];
    const int64_t at = index % dim.size;
    index /= dim.size;
    if (g.k > 0) {  // else there may be no memory to point into
      g.a += at * dim.a_stride;
      g.b += at * dim.b_stride;
    }
    g.c += at * dim.c_stride;
    if (g.finish.other != nullptr) g.finish.other += at * dim.c_stride;
    if (g.finish.out != nullptr) g.finish.out += at * dim.c_stride;
  }
}

// The code of one Highway target.
template <class T, class In = T>
struct GemmFunctions {
  int tile_rows;
  int lanes;  // elements in a vector
  void (*tiles)(const Gemm<T, In>& product, const GemmPart& part);
  void (*items)(const Gemm<T, In>& batch, int64_t begin, int64_t end);  // by kTiles
  void (*transposed_tiles)(const Gemm<T>& transposed_product, const GemmPart& part);
  void (*dots)(const Gemm<T, In>& product, const GemmPart& part, bool transposed);
  int panel_columns;  // of a B that is packed as a whole
  void (*pack_panels)(const Gemm<T, In>& product, int64_t begin, int64_t end, T* to);
  void (*transpose)(int64_t rows, int64_t columns, const T* from, int64_t from_stride, T* to,
                    int64_t to_stride);
};

struct GemmTarget {
  GemmFunctions<float> f32;
  GemmFunctions<double> f64;
  GemmFunctions<float, Half> f16;
  GemmFunctions<float, BFloat16> bf16;
};

}  // namespace entasis::cpu
