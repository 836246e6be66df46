#include "rows.h"

#include <algorithm>
#include <cmath>

namespace entasis::bench {
namespace {

constexpr double kF32 = 4;

void add(std::vector<BenchRow>& rows, const std::string& name, double flop, double bytes,
         double least_ratio) {
  rows.push_back({name, "", 1, flop, bytes, 0, least_ratio, false});
}

// ---- Whole steps, and calls

void add_steps(std::vector<BenchRow>& rows) {
  // Multiply-adds count two. Training is about three forward passes.
  constexpr double kMlpFlop = 3.0 * 2 * kMlpBatch * (784.0 * 256 + 256 * 10);
  // conv 1->6 5x5 on 28x28 padded, conv 6->16 5x5 on 14x14, then 400-120-84-10.
  constexpr double kLenetFlop =
      3.0 * 2 * kLenetBatch *
      (28.0 * 28 * 6 * 25 + 10.0 * 10 * 16 * 6 * 25 + 400.0 * 120 + 120 * 84 + 84 * 10);
  // 12 matrices of 128 x 128 and two products of 64 tokens for each token and block; the head.
  constexpr double kTransformerFlop =
      3.0 * 2 * 4 * 64 * (4 * (12.0 * 128 * 128 + 2 * 64 * 128) + 128 * 65);
  rows.push_back({"add_1", "add of one-element tensors", kDispatchCalls, 0, 0, 0.1e-6, 0, true});
  rows.push_back({"add_1_grad", "the same, recorded", kDispatchCalls, 0, 0, 0.2e-6, 0, true});
  rows.push_back({"chain_backward", "backward of a chain of 100,000 adds", kChainLength, 0, 0,
                  0.4e-6, 0, true});
  rows.push_back(
      {"mlp_step", "training step, MLP 784-256-10, batch 32, SGD", 1, kMlpFlop, 0, 0, 2.5, true});
  rows.push_back(
      {"lenet_step", "training step, LeNet-5, batch 64, SGD", 1, kLenetFlop, 0, 0, 1.5, true});
  rows.push_back({"transformer_step",
                  "training step, 4 blocks of 128 channels, 64 tokens, batch 4, AdamW", 1,
                  kTransformerFlop, 0, 0, 1.5, true});
}

// ---- Products

void add_matmul(std::vector<BenchRow>& rows, const char* sizes) {
  for (const char* form : {"nn", "nt", "tn"}) {
    const std::string name = std::string("matmul/") + sizes + "/" + form;
    const std::vector<int64_t> s = Name(name).sizes(1);
    const size_t first = s.size() - 3;
    const double batch = first == 1 ? double(s[0]) : 1;
    const double m = double(s[first]), k = double(s[first + 1]), n = double(s[first + 2]);
    add(rows, name, 2 * batch * m * k * n, kF32 * batch * (m * k + k * n + m * n), 0.97);
  }
}

void add_conv(std::vector<BenchRow>& rows, const char* shape) {
  for (const char* layout : {"nchw", "nhwc"}) {
    for (const char* pass : {"forward", "input", "weight"}) {
      const Name name(std::string("conv/") + shape);
      const auto of = [&](char letter, int64_t otherwise) {
        return double(name.number(1, letter, otherwise));
      };
      const double n = of('n', 1), c = of('c', 1), o = of('o', 1), h = of('h', 1), k = of('k', 1);
      const double g = of('g', 1), s = of('s', 1);
      const double out = std::floor((h + 2 * of('p', 0) - k) / s) + 1;
      add(rows, std::string("conv/") + shape + "/" + pass + "/" + layout,
          2 * n * out * out * o * c / g * k * k,
          kF32 * (n * c * h * h + n * o * out * out + o * c / g * k * k), 0.97);
    }
  }
}

void add_products(std::vector<BenchRow>& rows) {
  for (const char* sizes :
       {"128x128x128", "256x256x256", "512x512x512", "1024x1024x1024", "2048x2048x2048",
        "64x1024x1024", "32x784x256", "512x768x3072", "512x3072x768", "8192x64x64", "1x4096x4096",
        "b48x64x64x64", "b96x128x128x64"}) {
    add_matmul(rows, sizes);
  }
  for (const char* sizes : {"1x4096x4096", "64x1024x1024", "512x768x3072"}) {
    for (const char* dtype : {"f16", "bf16"}) {
      const std::string text = std::string("half_matmul/") + dtype + "/" + sizes;
      const std::vector<int64_t> s = Name(text).sizes(2);
      const double m = double(s[0]), k = double(s[1]), n = double(s[2]);
      add(rows, text, 2 * m * k * n, 2 * (m * k + k * n + m * n), 0);
    }
  }
  for (const char* then : {"nothing", "relu", "gelu", "add"}) {
    for (const char* sizes : {"8x1024x1024", "64x1024x1024", "32x784x256", "256x128x512"}) {
      const std::string text = std::string("linear/") + then + "/" + sizes;
      const std::vector<int64_t> s = Name(text).sizes(2);
      const double m = double(s[0]), k = double(s[1]), n = double(s[2]);
      add(rows, text, 2 * m * k * n, kF32 * (m * k + k * n + m * n), 1);
    }
  }
  for (const char* shape : {"n8c64o64h56k3p1", "n8c128o128h28k3p1", "n32c1o32h28k3p1",
                            "n8c3o64h224k7s2p3", "n8c256o512h14k1", "n8c128o128h28k3p1g128"}) {
    add_conv(rows, shape);
  }
}

// ---- What memory bounds

void add_pointwise(std::vector<BenchRow>& rows) {
  struct Op {
    const char* name;
    int operands;  // with the result
    double ratio;
  };
  constexpr Op kOps[] = {{"add", 3, 1},
                         {"mul", 3, 1},
                         {"div", 3, 1},
                         {"maximum", 3, 1},
                         {"gt", 2, 1},
                         {"relu", 2, 1},
                         {"abs", 2, 1},
                         {"sqrt", 2, 1},
                         {"add_", 3, 1},
                         {"exp", 2, 1.5},
                         {"log", 2, 1.5},
                         {"tanh", 2, 1.5},
                         {"sigmoid", 2, 1.5},
                         {"gelu", 2, 1.5},
                         {"silu", 2, 1.5},
                         {"pow", 3, 1.5},
                         {"relu_backward", 3, 1},
                         {"gelu_backward", 3, 1},
                         {"dropout", 2, 1},
                         {"randn", 1, 1}};
  for (const Op& op : kOps) {
    for (const int64_t n : {int64_t{1} << 10, int64_t{1} << 16, int64_t{1} << 24}) {
      add(rows, std::string(op.name) + "/" + std::to_string(n), 0, kF32 * op.operands * double(n),
          op.ratio);
    }
  }
}

// Rows named by sizes, `operands` of whose product are moved.
void add_sized(std::vector<BenchRow>& rows, const std::string& name, double operands) {
  double n = 1;
  for (const int64_t size : Name(name).sizes(2)) n *= double(size);
  add(rows, name, 0, kF32 * operands * n, 1);
}

// What fits the L1 cache, for the comparison with scalar loops.
void add_in_cache(std::vector<BenchRow>& rows) {
  for (const char* op : {"relu", "sigmoid", "gelu", "add"}) {
    add(rows, std::string(op) + "/4096", 0, 0, 0);
  }
}

void add_memory_bound(std::vector<BenchRow>& rows) {
  add_pointwise(rows);
  add_in_cache(rows);
  for (const char* sizes : {"256x256", "4096x4096"}) {
    for (const char* how : {"transposed", "sliced", "every_other"}) {
      add_sized(rows, std::string("copy/") + how + "/" + sizes, 2);
    }
    for (const char* how : {"add_row", "add_column"}) {
      add_sized(rows, std::string("copy/") + how + "/" + sizes, 2);
    }
    add_sized(rows, std::string("copy/add_transposed/") + sizes, 3);
    for (const char* how : {"cat_rows", "cat_columns"}) {
      add_sized(rows, std::string("copy/") + how + "/" + sizes, 4);
    }
  }
  add_sized(rows, "copy/permuted/4x64x4x32", 2);
  add_sized(rows, "copy/permuted/16x512x12x64", 2);
  for (const char* sizes : {"65536", "16777216"}) {
    add_sized(rows, std::string("cast/f32-bf16/") + sizes, 1.5);
    add_sized(rows, std::string("cast/bf16-f32/") + sizes, 1.5);
    add_sized(rows, std::string("cast/f32-f16/") + sizes, 1.5);
    add_sized(rows, std::string("cast/f32-i64/") + sizes, 3);
    add_sized(rows, std::string("cast/i64-f32/") + sizes, 3);
  }
  for (const char* op : {"sum", "mean", "amax", "var", "argmax"}) {
    for (const char* over : {"all", "rows", "columns"}) {
      for (const char* sizes : {"512x768", "4096x4096"}) {
        add_sized(rows, std::string(op) + "/" + over + "/" + sizes, 1);
      }
    }
  }
  for (const char* op : {"softmax", "log_softmax", "softmax0", "layer_norm"}) {
    for (const char* sizes : {"512x768", "8192x1024"}) {
      add_sized(rows, std::string(op) + "/forward/" + sizes, 2);
      add_sized(rows, std::string(op) + "/backward/" + sizes, 3);
    }
  }
  for (const char* sizes : {"32x64x28x28", "8x256x56x56"}) {
    add_sized(rows, std::string("batch_norm/forward/") + sizes, 3);
    add_sized(rows, std::string("batch_norm/backward/") + sizes, 5);
    for (const char* pool : {"max_pool", "avg_pool", "max_pool3"}) {
      add_sized(rows, std::string(pool) + "/forward/" + sizes, 1.25);
      add_sized(rows, std::string(pool) + "/backward/" + sizes, 1.25);
    }
  }
  for (const char* sizes : {"64x10", "8192x1000"}) {
    add_sized(rows, std::string("cross_entropy/forward/") + sizes, 1);
    add_sized(rows, std::string("cross_entropy/backward/") + sizes, 2);
  }
  // Of the table only the rows that are named.
  for (const char* op : {"embedding", "index_select"}) {
    for (const char* sizes : {"65x128x256", "50304x768x4096"}) {
      const std::string forward = std::string(op) + "/forward/" + sizes;
      const std::vector<int64_t> s = Name(forward).sizes(2);
      add(rows, forward, 0, kF32 * 2 * double(s[1]) * double(s[2]), 1);
      add(rows, std::string(op) + "/backward/" + sizes, 0,
          kF32 * (double(s[0]) * double(s[1]) + 2 * double(s[1]) * double(s[2])), 1);
    }
  }
}

}  // namespace

std::vector<BenchRow> rows() {
  std::vector<BenchRow> all;
  add_steps(all);
  add_products(all);
  add_memory_bound(all);
  add_op_rows(all);
  return all;
}

}  // namespace entasis::bench
