// What samples of rows share whose results are elements of their inputs, moved.
#pragma once

#include <functional>
#include <string>

#include "sample.h"

namespace entasis::matrix {

// A result of this shape whose element at `index` is the input's at `from(index)`.
Array taken(const Array& input, const Shape& shape, const std::function<Index(const Index&)>& from);
// The same elements in row-major order under another shape, of which one size may be -1.
Array reshaped(const Array& input, Shape shape);
Array permuted(const Array& input, const std::vector<int64_t>& order);
// Elements start, start + step, … below end along dim, the bounds clamped.
Array sliced(const Array& input, int64_t dim, int64_t start, int64_t end, int64_t step = 1);

// Arrays joined along a dimension; dtypes promote, and those of shape [0] join anything.
Array joined(const std::vector<Array>& arrays, int64_t dim);

// Whether argument i is a list of ints and no single one.
bool is_list(const Call& call, int i);

// A row whose results have the bits of its inputs' elements.
Sample& mover(Samples& samples, const std::string& row, Strides strides,
              std::function<void(Maker&)> calls, std::function<Results(const Call&)> reference);

}  // namespace entasis::matrix
