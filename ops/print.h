// Text of a tensor, in NumPy's manner: large tensors are summarised, dtype and device are named
// when they are not the default.
#pragma once

#include <string>

#include <entasis/core/tensor.h>

namespace entasis {

struct PrintOptions {
  int precision = 4;         // significant digits after the point
  int64_t threshold = 1000;  // more elements than this are summarised
  int edge_items = 3;        // shown at each end of a summarised dimension
  int line_width = 80;
};
ENTASIS_API std::string to_string(const Tensor& tensor, const PrintOptions& options = {});

// Any output stream, without its header here.
template <class Stream>
  requires requires(Stream& stream, const std::string& text) { stream.write(text.data(), 1); }
Stream& operator<<(Stream& stream, const Tensor& tensor) {
  const std::string text = to_string(tensor);
  stream.write(text.data(), static_cast<long>(text.size()));
  return stream;
}

}  // namespace entasis
