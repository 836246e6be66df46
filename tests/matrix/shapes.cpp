#include "shapes.h"

#include <algorithm>

namespace entasis::matrix {
namespace {

DType common_dtype(const std::vector<Array>& arrays) {
  DType dtype = arrays[0].dtype;
  for (const Array& a : arrays) dtype = promoted(dtype, a.dtype);
  return dtype;
}

// A tensor of shape [0] joins anything.
bool is_nothing(const Array& a) { return a.shape == Shape{0}; }

}  // namespace

Array taken(const Array& input, const Shape& shape,
            const std::function<Index(const Index&)>& from) {
  Array y = zeros_of(input.dtype, shape);
  size_t next = 0;
  each_index(shape, [&](const Index& index) { y.values[next++] = input.at(from(index)); });
  return y;
}

Array reshaped(const Array& input, Shape shape) {
  int64_t known = 1;
  for (int64_t size : shape) known *= size == -1 ? 1 : size;
  for (int64_t& size : shape) {
    if (size == -1) size = input.numel() / known;
  }
  return {input.dtype, shape, input.values};
}

Array sliced(const Array& x, int64_t dim, int64_t start, int64_t end, int64_t step) {
  const size_t d = size_t(wrap(dim, x.rank()));
  const int64_t size = x.shape[d];
  auto bound = [size](int64_t b) { return std::clamp<int64_t>(b < 0 ? b + size : b, 0, size); };
  start = bound(start);
  end = std::max(bound(end), start);
  Shape shape = x.shape;
  shape[d] = (end - start + step - 1) / step;
  return taken(x, shape, [&](Index index) {
    index[d] = start + index[d] * step;
    return index;
  });
}

Array permuted(const Array& input, const std::vector<int64_t>& order) {
  Shape shape;
  for (int64_t d : order) shape.push_back(input.shape[size_t(d)]);
  return taken(input, shape, [&](const Index& index) {
    Index from(index.size());
    for (size_t d = 0; d < order.size(); ++d) from[size_t(order[d])] = index[d];
    return from;
  });
}

Array joined(const std::vector<Array>& arrays, int64_t dim) {
  Shape shape = {0};
  size_t d = 0;
  for (const Array& a : arrays) {
    if (is_nothing(a)) continue;
    d = size_t(wrap(dim, a.rank()));
    const int64_t so_far = shape == Shape{0} ? 0 : shape[d];
    shape = a.shape;
    shape[d] += so_far;
  }
  Array y = zeros_of(common_dtype(arrays), shape);
  int64_t start = 0;
  for (const Array& a : arrays) {
    if (is_nothing(a)) continue;
    each_index(a.shape, [&](Index index) {
      const Real v = a.at(index);
      index[d] += start;
      y.at(index) = a.dtype == y.dtype ? v : held(y.dtype, v);
    });
    start += a.shape[d];
  }
  return y;
}

bool is_list(const Call& call, int i) {
  return !std::holds_alternative<int64_t>(std::get<Value>(call.arguments.at(size_t(i))));
}

Sample& mover(Samples& samples, const std::string& row, Strides strides,
              std::function<void(Maker&)> calls, std::function<Results(const Call&)> reference) {
  Sample& s = samples.add(row);
  s.strides = strides;
  s.ulps = 0;
  s.signed_zeros = s.same_on_targets = true;
  s.calls = std::move(calls);
  s.reference = std::move(reference);
  return s;
}

}  // namespace entasis::matrix
