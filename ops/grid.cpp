// Composites: nothing here has a kernel or a gradient of its own.
#include <entasis/ops/grid.h>

#include <algorithm>
#include <vector>

#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/index_map.h>
#include <entasis/ops/join.h>
#include <entasis/ops/lookup.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape.h>

namespace entasis {

template <>
struct EnumNames<Indexing> {
  static constexpr const char* names[] = {"ij", "xy"};
};

namespace {

void check_vector(const Tensor& t) {
  if (t.dim() != 1) throw ShapeError("needs a vector, the shape is " + to_string(t.shape()));
}

Tensors grid_of(const Tensors& tensors, Location at) {
  Dims shape;
  for (const Tensor& t : tensors) {
    if (t.dim() > 1) {
      throw ShapeError("needs vectors, an input has shape " + to_string(t.shape()));
    }
    if (t.dtype() != tensors[0].dtype()) {
      throw DtypeError(std::string("inputs are ") + name_of(tensors[0].dtype()) + " and " +
                       name_of(t.dtype()));
    }
    shape.push_back(t.numel());
  }
  const int rank = shape.size();
  Tensors grids;
  for (int i = 0; i < rank; ++i) {
    Dims own = Dims::filled(rank, 1);
    own[i] = shape[i];
    grids.push_back(expand(reshape(tensors[size_t(i)], own, at), shape, at));
  }
  return grids;
}

// The number of choices of r out of n. Throws where they do not fit.
int64_t count_choices(int64_t n, int64_t r, bool again) {
  if (again) n = n == 0 && r > 0 ? 0 : n + r - 1;
  if (r > n) return 0;
  __int128 count = 1;
  for (int64_t k = 1; k <= std::min(r, n - r); ++k) {
    count = count * (n - k + 1) / k;
    if (count > INT64_MAX / std::max<int64_t>(r, 1)) {
      throw ShapeError("there are more than 2^63 choices");
    }
  }
  return int64_t(count);
}

// The positions of all choices, one row after another.
std::vector<int64_t> choices_of(int64_t n, int64_t r, bool again) {
  const int64_t count = count_choices(n, r, again);
  std::vector<int64_t> positions;
  positions.reserve(size_t(count * r));
  std::vector<int64_t> row(static_cast<size_t>(r));
  for (int64_t k = 0; k < r; ++k) row[size_t(k)] = again ? 0 : k;
  for (int64_t i = 0; i < count; ++i) {
    positions.insert(positions.end(), row.begin(), row.end());
    // The last entry that can go up does so; those behind it follow as closely as they may.
    int64_t k = r - 1;
    while (k >= 0 && row[size_t(k)] == (again ? n - 1 : n - r + k)) --k;
    if (k < 0) break;
    ++row[size_t(k)];
    for (int64_t j = k + 1; j < r; ++j) row[size_t(j)] = row[size_t(j - 1)] + (again ? 0 : 1);
  }
  return positions;
}

}  // namespace

Tensors meshgrid(const Tensors& tensors, Indexing indexing, Location at) {
  return composite("meshgrid", at, [&] {
    check_not_empty(tensors);
    if (indexing == Indexing::kIj || tensors.size() < 2) return grid_of(tensors, at);
    Tensors swapped = tensors;
    std::swap(swapped[0], swapped[1]);
    Tensors grids = grid_of(swapped, at);
    std::swap(grids[0], grids[1]);
    return grids;
  });
}

Tensor cartesian_prod(const Tensors& tensors, Location at) {
  return composite("cartesian_prod", at, [&] {
    check_not_empty(tensors);
    for (const Tensor& t : tensors) check_vector(t);
    if (tensors.size() == 1) return tensors[0];
    Tensors columns = grid_of(tensors, at);
    for (Tensor& column : columns) column = reshape(column, {-1}, at);
    return stack(columns, 1, at);
  });
}

Tensor combinations(const Tensor& input, int64_t r, bool with_replacement, Location at) {
  return composite("combinations", at, [&] {
    check_defined(input);
    check_vector(input);
    if (r < 0) throw ValueError("r must not be negative, it is " + std::to_string(r));
    if (r == 0) return empty({0}, {input.dtype(), input.device()}, at);
    const std::vector<int64_t> positions = choices_of(input.numel(), r, with_replacement);
    const int64_t count = int64_t(positions.size()) / r;
    const Tensor index = from_data(positions, {int64_t(positions.size())}, {}, at);
    return reshape(index_select(input, 0, to_device(index, input.device(), false, at), at),
                   {count, r}, at);
  });
}

Tensor block_diag(const Tensors& tensors, Location at) {
  return composite("block_diag", at, [&] {
    check_defined(tensors);
    if (tensors.empty()) return zeros({1, 0}, {}, at);
    std::vector<Operand> operands(tensors.begin(), tensors.end());
    const DType dtype = result_type(operands);
    Tensors blocks;
    int64_t width = 0;
    for (const Tensor& t : tensors) {
      if (t.dim() > 2) {
        throw ShapeError("needs matrices, an input has shape " + to_string(t.shape()));
      }
      const Tensor matrix = t.dim() == 2 ? t : reshape(t, {1, t.numel()}, at);
      blocks.push_back(to(matrix, dtype, at));
      width += matrix.shape()[1];
    }
    int64_t before = 0;
    for (Tensor& block : blocks) {
      const int64_t own = block.shape()[1];
      block = pad(block, {before, width - before - own}, PadMode::kConstant, {}, at);
      before += own;
    }
    return cat(blocks, 0, at);
  });
}

Tensor vander(const Tensor& x, std::optional<int64_t> N, bool increasing, Location at) {
  return composite("vander", at, [&] {
    check_defined(x);
    check_vector(x);
    const int64_t count = N.value_or(x.numel());
    if (count < 0) throw ValueError("N must not be negative, it is " + std::to_string(count));
    const DType dtype = promote_types(x.dtype(), kI64);
    if (count == 0) return zeros({x.numel(), 0}, {dtype, x.device()}, at);
    // Half types are multiplied in f32 and rounded once.
    const Tensor base = to(x, is_half(dtype) ? kF32 : dtype, at);
    Tensors powers = {ones(x.shape(), {base.dtype(), x.device()}, at)};
    for (int64_t k = 1; k < count; ++k) {
      powers.push_back(k == 1 ? base : mul(powers.back(), base, at));
    }
    if (!increasing) std::reverse(powers.begin(), powers.end());
    return to(stack(powers, 1, at), dtype, at);
  });
}

namespace {
constinit const Row rows[] = {
    row<&meshgrid>("meshgrid", args("tensors", "indexing"_a = Indexing::kIj),
                   "A view for each tensor, under the shape that their sizes make, in which tensor "
                   "i varies along dimension i; 'xy' exchanges the first two dimensions.",
                   {.method = false, .variadic = true}),
    row<&cartesian_prod>("cartesian_prod", args("tensors"),
                         "The rows of all tuples with one element of each vector, the last varying "
                         "fastest.",
                         {.method = false, .variadic = true}),
    row<&combinations>("combinations", args("input", "r"_a = 2, "with_replacement"_a = false),
                       "The choices of r elements of a vector as rows, in order of their "
                       "positions.",
                       {.method = false}),
    row<&block_diag>("block_diag", args("tensors"),
                     "Matrices one below and right of another, zeros elsewhere; vectors count as "
                     "rows, and dtypes promote.",
                     {.method = false, .variadic = true}),
    row<&vander>("vander", args("x", "N"_a = std::nullopt, "increasing"_a = false),
                 "The powers N-1 ... 0, or 0 ... N-1 if increasing, of a vector's elements as "
                 "columns. Integers become i64.",
                 {.method = false}),
};
}  // namespace
extern const RowList rows_grid;
constinit const RowList rows_grid{rows, {}};

}  // namespace entasis
