#include <entasis/nn/embedding.h>

#include <string>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/nn/init.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/lookup.h>
#include <entasis/ops/shape.h>

namespace entasis::nn {

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim, EmbeddingOptions options,
                     Location at)
    : Embedding(Frame("Embedding", at), num_embeddings, embedding_dim, options) {}

Embedding::Embedding(const Frame& frame, int64_t num_embeddings, int64_t embedding_dim,
                     const EmbeddingOptions& options)
    : weight(parameter("weight",
                       empty({num_embeddings, embedding_dim}, {options.dtype, options.device}))),
      padding_idx_(options.padding_idx) {
  if (padding_idx_) {
    if (*padding_idx_ < -num_embeddings || *padding_idx_ >= num_embeddings) {
      IndexError error("padding_idx is " + std::to_string(*padding_idx_) + ", the table has " +
                       std::to_string(num_embeddings) + " rows");
      place_in_frames(error, "Embedding", frame.at());
      throw error;
    }
    if (*padding_idx_ < 0) *padding_idx_ += num_embeddings;
  }
  reset_parameters();
}

void Embedding::reset_parameters(Location at) {
  init::normal_(weight, 0, 1, at);
  if (!padding_idx_) return;
  const NoGrad no_grad;
  init::zeros_(select(weight, 0, *padding_idx_, at), at);
}

Tensor Embedding::forward(const Tensor& input) {
  return embedding(input, weight, padding_idx_, call_place());
}

}  // namespace entasis::nn
