// Descriptions of products and convolutions as text, for errors.
#include <entasis/backends/cuda/blas.h>
#include <entasis/backends/cuda/dnn.h>

namespace entasis::cuda {
namespace {

std::string matrix(int64_t rows, int64_t columns, int64_t ld, bool transposed) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]" +
         (transposed ? " transposed" : "") + " with leading dimension " + std::to_string(ld);
}

std::string list(const std::array<int64_t, 4>& values) {
  std::string text = "[";
  for (const int64_t v : values) text += (text.size() > 1 ? ", " : "") + std::to_string(v);
  return text + "]";
}
std::string pair(const std::array<int64_t, 2>& values) {
  return "[" + std::to_string(values[0]) + ", " + std::to_string(values[1]) + "]";
}

}  // namespace

std::string to_string(const Gemm& g) {
  std::string text = std::string(name_of(g.dtype)) + " product of " +
                     matrix(g.m, g.k, g.lda, g.a_transposed) + " and " +
                     matrix(g.k, g.n, g.ldb, g.b_transposed);
  if (g.batches > 1) {
    text += ", " + std::to_string(g.batches) + " times with strides " +
            std::to_string(g.a_batch_stride) + ", " + std::to_string(g.b_batch_stride) + " and " +
            std::to_string(g.c_batch_stride);
  }
  if (g.epilogue != Epilogue::kNone) text += ", epilogue " + std::to_string(int(g.epilogue));
  return text;
}

std::string to_string(const Convolution& c) {
  constexpr const char* kPasses[] = {"convolution", "input gradient of a convolution",
                                     "weight gradient of a convolution"};
  return std::string(name_of(c.dtype)) + " " + kPasses[int(c.pass)] + " of input " +
         list(c.input_shape) + " with weight " + list(c.weight_shape) +
         (c.channels_last ? " (channels-last)" : "") + ", stride " + pair(c.stride) + ", padding " +
         pair(c.padding) + ", dilation " + pair(c.dilation);
}

}  // namespace entasis::cuda
