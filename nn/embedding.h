// Embedding: a table of vectors, looked up by integers.
#pragma once

#include <optional>

#include <entasis/nn/module.h>

namespace entasis::nn {

struct EmbeddingOptions {
  std::optional<int64_t> padding_idx = {};  // this row begins as 0 and gets no gradient
  DType dtype = kF32;
  Device device = {};
};

// input (integers of any shape) -> [.., embedding_dim]: the rows of weight [num_embeddings,
// embedding_dim], which begins standard normal. A negative padding_idx counts from the end. Throws
// IndexError for one outside the table.
class ENTASIS_API Embedding : public Module {
 public:
  using Options = EmbeddingOptions;
  Embedding(int64_t num_embeddings, int64_t embedding_dim, EmbeddingOptions options = {},
            Location at = {});

  Tensor forward(const Tensor& input) override;
  void reset_parameters(Location at = {});
  const std::optional<int64_t>& padding_idx() const { return padding_idx_; }

  Tensor& weight;

 private:
  Embedding(const Frame&, int64_t num_embeddings, int64_t embedding_dim,
            const EmbeddingOptions& options);

  std::optional<int64_t> padding_idx_;
};

}  // namespace entasis::nn
