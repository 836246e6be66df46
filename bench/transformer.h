// A decoder of the GPT-2 kind and its training step, for any library with tensors: 4 blocks of 128
// channels and 4 heads, 64 tokens, batch 4, 65 kinds of token, AdamW.
#pragma once

#include <cstdint>
#include <vector>

#include "workload.h"

namespace entasis::bench {

template <class Lib>
class TransformerStep final : public Work {
 public:
  using Tensor = typename Lib::Tensor;

  TransformerStep() {
    Lib::seed(1);
    tokens_ = Lib::randint(kVocabulary, {kBatch, kTokens});
    positions_ = Lib::randint(kTokens, {kTokens});
    targets_ = Lib::randint(kVocabulary, {kBatch * kTokens});
    token_table_ = weight({kVocabulary, kWidth});
    position_table_ = weight({kTokens, kWidth});
    for (Block& block : blocks_) {
      block.norm1 = norm();
      block.qkv = linear(kWidth, 3 * kWidth);
      block.out = linear(kWidth, kWidth);
      block.norm2 = norm();
      block.up = linear(kWidth, 4 * kWidth);
      block.down = linear(4 * kWidth, kWidth);
    }
    norm_ = norm();
    head_ = linear(kWidth, kVocabulary);
    optimizer_ = Lib::adamw(parameters_);
  }

  void run() override {
    Lib::zero_grad(*optimizer_);
    Tensor x =
        add(Lib::embedding(tokens_, token_table_), Lib::embedding(positions_, position_table_));
    for (const Block& block : blocks_) {
      x = apply_add(block.out, attention(block, apply_norm(block.norm1, x)), x);
      const Tensor normal = apply_norm(block.norm2, x);
      const Tensor up = Lib::linear_gelu(normal, block.up.weight, block.up.bias);
      x = apply_add(block.down, up, x);
    }
    const Tensor logits = apply(head_, apply_norm(norm_, x));
    Lib::cross_entropy(reshape(logits, {kBatch * kTokens, kVocabulary}), targets_).backward();
    optimizer_->step();
  }

 private:
  static constexpr int64_t kBatch = 4, kTokens = 64, kWidth = 128, kHeads = 4, kVocabulary = 65;

  struct Affine {
    Tensor weight, bias;
  };
  struct Block {
    Affine norm1, qkv, out, norm2, up, down;
  };

  Tensor keep(Tensor t) {
    t.requires_grad_(true);
    parameters_.push_back(t);
    return t;
  }
  Tensor weight(const std::vector<int64_t>& sizes) { return keep(mul(Lib::randn(sizes), 0.02)); }
  Affine linear(int64_t in, int64_t out) { return {weight({out, in}), keep(Lib::zeros({out}))}; }
  Affine norm() { return {keep(Lib::ones({kWidth})), keep(Lib::zeros({kWidth}))}; }

  static Tensor apply(const Affine& f, const Tensor& x) { return Lib::linear(x, f.weight, f.bias); }
  static Tensor apply_add(const Affine& f, const Tensor& x, const Tensor& residual) {
    return Lib::linear_add(x, f.weight, f.bias, residual);
  }
  static Tensor apply_norm(const Affine& f, const Tensor& x) {
    return Lib::layer_norm(x, kWidth, f.weight, f.bias);
  }
  // Before its last linear.
  static Tensor attention(const Block& block, const Tensor& x) {
    const Tensor qkv = reshape(apply(block.qkv, x), {kBatch, kTokens, 3 * kHeads, kWidth / kHeads});
    const Tensor heads = qkv.transpose(1, 2);  // [batch, 3 heads, tokens, width]
    const auto part = [&](int64_t i) { return Lib::slice(heads, 1, i * kHeads, (i + 1) * kHeads); };
    const Tensor mixed = Lib::attention(part(0), part(1), part(2));
    return reshape(mixed.transpose(1, 2), {kBatch, kTokens, kWidth});
  }

  std::vector<Tensor> parameters_;
  Tensor tokens_, positions_, targets_, token_table_, position_table_;
  Block blocks_[4];
  Affine norm_, head_;
  decltype(Lib::adamw({})) optimizer_;
};

}  // namespace entasis::bench
