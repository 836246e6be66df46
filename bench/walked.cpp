// Which rows the walk over the op set leaves out, and why; no other may be missing (the test
// bench.ops).
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <entasis/core/row.h>

#include "rows.h"

namespace entasis::bench {
namespace {

struct LeftOut {
  const char* why;
  std::vector<std::string_view> rows;
};

const std::vector<LeftOut>& left_out() {
  static const std::vector<LeftOut> all = {
      {"a view: nothing is moved",
       {"as_strided",
        "broadcast_tensors",
        "broadcast_to",
        "chunk",
        "diagonal",
        "dsplit",
        "expand",
        "flatten",
        "hsplit",
        "meshgrid",
        "moveaxis",
        "movedim",
        "narrow",
        "permute",
        "positive",
        "ravel",
        "reshape",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "squeeze",
        "swapaxes",
        "swapdims",
        "tensor_split",
        "transpose",
        "unbind",
        "unflatten",
        "unfold",
        "unsqueeze",
        "view",
        "view_dtype",
        "vsplit"}},
      {"one of those that are walked, by another name or after a view of the same cost",
       {"block_diag",  "cartesian_prod", "channel_shuffle", "column_stack",  "combinations",
        "diag",        "diagflat",       "divide",          "dstack",        "fliplr",
        "flipud",      "greater",        "greater_equal",   "hstack",        "less",
        "less_equal",  "multiply",       "not_equal",       "pixel_shuffle", "pixel_unshuffle",
        "repeat",      "rsub",           "softmin",         "subtract",      "swish",
        "true_divide", "vander",         "vstack"}},
      {"one that is walked, and a bool that waits for it", {"allclose", "equal"}},
      {"a factory",
       {"empty_like", "full_like", "ones_like", "rand_like", "randn_like", "zeros_like"}},
      {"rows of their own: products, convolutions, normalisation, losses, copies, casts, lookups",
       {"avg_pool2d",
        "batch_norm",
        "batch_norm_stateless",
        "binary_cross_entropy",
        "channels_last",
        "clone",
        "contiguous",
        "conv2d",
        "cross_entropy",
        "dropout",
        "embedding",
        "gather",
        "l1_loss",
        "layer_norm",
        "linear",
        "linear_add",
        "linear_gelu",
        "linear_relu",
        "log_softmax",
        "matmul",
        "max_pool2d",
        "mse_loss",
        "native_dropout",
        "rrelu",
        "smooth_l1_loss",
        "softmax",
        "sum_to",
        "to",
        "to_device"}},
      {"optimizers", {"adam_update", "adamw_update", "sgd_momentum_update", "sgd_update"}},
  };
  return all;
}

// Whether the walk has an op of this name, or one of its forms: <row>_<form>.
bool is_walked(const std::string& row, const std::vector<BenchRow>& walk) {
  return std::ranges::any_of(walk, [&](const BenchRow& each) {
    const std::string prefix = "op/" + row;
    return each.name.starts_with(prefix + "/") || each.name.starts_with(prefix + "_");
  });
}

bool is_left_out(std::string_view row) {
  // In place the same kernel runs; gradients are timed as op_backward.
  if (row.ends_with('_') || row.ends_with("_backward")) return true;
  return std::ranges::any_of(left_out(), [&](const LeftOut& each) {
    return std::ranges::find(each.rows, row) != each.rows.end();
  });
}

}  // namespace

std::vector<std::string> forgotten_rows() {
  std::vector<BenchRow> walk;
  add_op_rows(walk);
  std::vector<std::string> forgotten;
  for (const Row* row : all_rows()) {
    if (!is_left_out(row->name) && !is_walked(row->name, walk)) forgotten.push_back(row->name);
  }
  return forgotten;
}

}  // namespace entasis::bench
