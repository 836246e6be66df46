// Triangles of matrices.
#include "shapes.h"

namespace entasis::matrix {
namespace {

Array triangle_of(const Call& c, bool upper) {
  Array y = c.array(0);
  const int64_t diagonal = c.integer(1, 0);
  each_index(y.shape, [&](const Index& index) {
    const int64_t above = index[index.size() - 1] - index[index.size() - 2];
    if (upper ? above < diagonal : above > diagonal) y.at(index) = 0;
  });
  return y;
}

void calls(Maker& m) {
  m.call("wide", m.uniform({3, 5}));
  m.call("tall, above", m.uniform({5, 3}), 1);
  m.call("below", m.uniform({4, 4}), -2);
  m.call("all", m.uniform({2, 3}), 100);
  m.call("nothing", m.uniform({2, 3}), INT64_MIN);
  m.call("batch", m.uniform({2, 3, 4, 2}), -1);
  m.call("empty", m.uniform({0, 3}));
  m.call("empty rows", m.uniform({3, 0}));
}

}  // namespace

void samples_triangle(Samples& samples) {
  for (const bool upper : {false, true}) {
    for (const bool in_place : {false, true}) {
      const std::string row = std::string(upper ? "triu" : "tril") + (in_place ? "_" : "");
      mover(samples, row, in_place ? Strides::kTarget : Strides::kDense, calls,
            [upper](const Call& c) -> Results { return {triangle_of(c, upper)}; })
          .bad<ShapeError>("at least 2 dimensions, the shape is [3]", zeros_of(kF32, {3}))
          .bad<ValueError>("undefined", std::nullopt)
          .large = [](Maker& m) {
        m.call("large", m.uniform({3, 151, 173}), 2);
      };
    }
  }
}

}  // namespace entasis::matrix
