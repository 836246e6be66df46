// The workloads, written once for all libraries with tensors. `Lib` has the types, and what the
// libraries spell differently; ops are found by the tensors that they take.
//
//   add_1, add_1_grad, chain_backward, transformer_step
//   matmul/<m>x<k>x<n>/<nn|nt|tn|tt>, matmul/b<batch>x<m>x<k>x<n>/…   t: the operand is a transpose
//   half_matmul/<f16|bf16>/<m>x<k>x<n>   x [m, k], weight [n, k]
//   linear/<nothing|relu|gelu|add>/<m>x<k>x<n>   and what follows; x [m, k], weight [n, k], bias
//   conv/n<>c<>o<>h<>k<>s<>p<>g<>/<forward|input|weight>/<nchw|nhwc>
//   op/<name>/<n>, op_backward/<name>/<n>   the whole op set: ops.h
//   <pointwise op>/<n>               contiguous, f32
//   copy/<transposed|sliced|broadcast>/<n>x<m>, cast/<from>-<to>/<n>
//   <sum|mean|amax|argmax|var>/<all|rows|columns>/<n>x<m>     over what
//   <softmax|log_softmax|layer_norm|…>/<forward|backward>/<sizes>
//
// "backward" runs autograd over a graph that is kept. Results are new tensors each time, as users
// get them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ops.h"
#include "rows.h"
#include "transformer.h"
#include "workload.h"

namespace entasis::bench {

class FunctionWork final : public Work {
 public:
  explicit FunctionWork(std::function<void()> f) : f_(std::move(f)) {}
  void run() override { f_(); }

 private:
  std::function<void()> f_;
};

template <class Lib>
class Works {
 public:
  using Tensor = typename Lib::Tensor;
  using Sizes = std::vector<int64_t>;
  using Run = std::function<void()>;

  static Work* make(const std::string& text) {
    const Name name(text);
    Lib::seed(1);
    const std::string& kind = name.fields[0];
    if (kind == "transformer_step") return new TransformerStep<Lib>;
    Run run;
    if (kind == "add_1") run = call_work(false);
    if (kind == "add_1_grad") run = call_work(true);
    if (kind == "chain_backward") run = chain_work();
    if (kind == "matmul") run = matmul_work(name);
    if (kind == "half_matmul") run = half_matmul_work(name);
    if (kind == "linear") run = linear_work(name);
    if (kind == "conv") run = conv_work(name);
    if (kind == "copy") run = copy_work(name);
    if (kind == "cast") run = cast_work(name);
    if (kind == "op" || kind == "op_backward") run = op_work<Lib>(name);
    if (!run && name.fields.size() == 2) run = pointwise_work(kind, name.sizes(1)[0]);
    if (!run && name.fields.size() == 3) run = reduction_work(name);
    if (!run && name.fields.size() == 3) run = pass_work(name);
    return run ? new FunctionWork(std::move(run)) : nullptr;
  }

 private:
  static Tensor randn(const Sizes& sizes) { return Lib::randn(sizes); }

  static Run call_work(bool recorded) {
    Tensor a = Lib::ones({1});
    const Tensor b = Lib::ones({1});
    a.requires_grad_(recorded);
    return [=] {
      for (int i = 0; i < kDispatchCalls; ++i) add(a, b);
    };
  }
  // The chain is built outside of what is timed.
  static Run chain_work() {
    Tensor y = Lib::ones({1}).requires_grad_();
    for (int i = 0; i < kChainLength; ++i) y = add(y, 1.0);
    return [y]() mutable { y.backward({}, true); };
  }

  static Run matmul_work(const Name& name) {
    Sizes s = name.sizes(1);
    Sizes batch;
    if (s.size() == 4) {
      batch.push_back(s[0]);
      s.erase(s.begin());
    }
    const auto operand = [&](int64_t rows, int64_t columns, bool transposed) {
      Sizes sizes = batch;
      sizes.push_back(transposed ? columns : rows);
      sizes.push_back(transposed ? rows : columns);
      const Tensor t = randn(sizes);
      return transposed ? t.transpose(-2, -1) : t;
    };
    const std::string& form = name.fields.at(2);
    const Tensor a = operand(s[0], s[1], form[0] == 't'), b = operand(s[1], s[2], form[1] == 't');
    return [=] { matmul(a, b); };
  }

  // half_matmul/<f16|bf16>/<m>x<k>x<n>: weights [n, k], as linear has them.
  static Run half_matmul_work(const Name& name) {
    const Sizes s = name.sizes(2);
    const auto dtype = Lib::dtype(name.fields[1]);
    const Tensor a = Lib::cast(randn({s[0], s[1]}), dtype);
    const Tensor b = Lib::cast(randn({s[2], s[1]}), dtype).transpose(0, 1);
    return [=] { matmul(a, b); };
  }

  // The weights stay, as in inference.
  static Run linear_work(const Name& name) {
    const Sizes s = name.sizes(2);
    const std::string& then = name.fields[1];
    const Tensor x = randn({s[0], s[1]}), w = randn({s[2], s[1]}), b = randn({s[2]});
    if (then == "relu") return [=] { Lib::linear_relu(x, w, b); };
    if (then == "gelu") return [=] { Lib::linear_gelu(x, w, b); };
    if (then == "add") {
      const Tensor other = randn({s[0], s[2]});
      return [=] { Lib::linear_add(x, w, b, other); };
    }
    return [=] { Lib::linear(x, w, b); };
  }

  static Run conv_work(const Name& name) {
    const auto of = [&](char letter, int64_t otherwise) {
      return name.number(1, letter, otherwise);
    };
    const int64_t c = of('c', 1), o = of('o', 1), h = of('h', 1), k = of('k', 1), g = of('g', 1);
    const Sizes stride(2, of('s', 1)), padding(2, of('p', 0)), dilation(2, of('d', 1));
    const std::string& pass = name.fields.at(2);
    Tensor x = randn({of('n', 1), c, h, h}), w = randn({o, c / g, k, k});
    const bool last = name.fields.at(3) == "nhwc";
    if (last) {
      x = Lib::channels_last(x);
      w = Lib::channels_last(w);
    }
    const auto forward = [=] { return Lib::conv2d(x, w, stride, padding, dilation, g); };
    if (pass == "forward") return forward;
    // An input of one channel is in both layouts and leaves the result's open; the gradient that
    // comes back is in the layout of the row.
    return backward(pass == "input" ? x : w, forward, last);
  }

  // Gradients of `forward()` for `leaf`, which it uses.
  template <class F>
  static Run backward(Tensor leaf, const F& forward, bool channels_last = false) {
    leaf.requires_grad_(true);
    const Tensor y = forward();
    const Tensor gy = channels_last ? Lib::channels_last(Lib::randn_like(y)) : Lib::randn_like(y);
    return [=] { Lib::gradient(y, leaf, gy); };
  }

  static Run copy_work(const Name& name) {
    const Sizes s = name.sizes(2);
    const std::string& how = name.fields[1];
    if (how == "transposed") {
      const Tensor x = randn({s[1], s[0]}).transpose(0, 1);
      return [=] { x.contiguous(); };
    }
    if (how == "sliced") {
      const Tensor x = Lib::slice(randn({s[0], 2 * s[1]}), 1, 0, s[1]);
      return [=] { x.contiguous(); };
    }
    if (how == "every_other") {
      const Tensor x = Lib::slice(randn({s[0], 2 * s[1]}), 1, 0, 2 * s[1], 2);
      return [=] { x.contiguous(); };
    }
    if (how == "permuted") {  // [b, n, heads, m] to [b, heads, n, m]
      const Tensor x = randn({s[0], s[1], s[2], s[3]}).transpose(1, 2);
      return [=] { x.contiguous(); };
    }
    const Tensor x = randn(s);
    if (how == "add_row" || how == "add_column") {
      const Tensor other = randn(how == "add_row" ? Sizes{s[1]} : Sizes{s[0], 1});
      return [=] { add(x, other); };
    }
    if (how == "add_transposed") {
      const Tensor other = randn({s[1], s[0]}).transpose(0, 1);
      return [=] { add(x, other); };
    }
    if (how == "cat_rows" || how == "cat_columns") {
      const Tensor other = randn(s);
      const int64_t dim = how == "cat_columns";
      return [=] { Lib::cat(x, other, dim); };
    }
    return {};
  }

  static Run cast_work(const Name& name) {
    const size_t dash = name.fields[1].find('-');
    const Tensor x =
        Lib::cast(randn(name.sizes(2)) * 50, Lib::dtype(name.fields[1].substr(0, dash)));
    const auto to = Lib::dtype(name.fields[1].substr(dash + 1));
    return [=] { Lib::cast(x, to); };
  }

  static Run pointwise_work(const std::string& op, int64_t n) {
    const Tensor a = randn({n}), b = randn({n});
    if (op == "add") return [=] { add(a, b); };
    if (op == "mul") return [=] { mul(a, b); };
    if (op == "div") return [=] { div(a, b); };
    if (op == "relu") return [=] { relu(a); };
    if (op == "abs") return [=] { abs(a); };
    if (op == "gt") return [=] { gt(a, b); };
    if (op == "maximum") return [=] { maximum(a, b); };
    if (op == "exp") return [=] { exp(a); };
    if (op == "tanh") return [=] { tanh(a); };
    if (op == "sigmoid") return [=] { sigmoid(a); };
    if (op == "gelu") return [=] { gelu(a); };
    if (op == "silu") return [=] { silu(a); };
    if (op == "log" || op == "sqrt" || op == "pow") {
      const Tensor positive = exp(a);
      if (op == "log") return [=] { log(positive); };
      if (op == "sqrt") return [=] { sqrt(positive); };
      return [=] { pow(positive, b); };
    }
    if (op == "add_") return [a = a, b]() mutable { a.add_(b); };
    if (op == "relu_backward") return backward(a, [&] { return relu(a); });
    if (op == "gelu_backward") return backward(a, [&] { return gelu(a); });
    if (op == "sigmoid_backward") return backward(a, [&] { return sigmoid(a); });
    if (op == "dropout") return [=] { Lib::dropout(a, 0.1); };
    if (op == "randn") return [n] { randn({n}); };
    return {};
  }

  static Run reduction_work(const Name& name) {
    const std::string &op = name.fields[0], &over = name.fields[1];
    if (over != "all" && over != "rows" && over != "columns") return {};
    const Tensor x = randn(name.sizes(2));
    if (op == "argmax") {
      if (over == "all") return [=] { argmax(x); };
      const int64_t dim = over == "columns" ? 0 : 1;
      return [=] { argmax(x, dim); };
    }
    const Sizes dims = over == "all" ? Sizes{0, 1} : over == "columns" ? Sizes{0} : Sizes{1};
    if (op == "sum") return [=] { Lib::sum(x, dims); };
    if (op == "mean") return [=] { Lib::mean(x, dims); };
    if (op == "amax") return [=] { Lib::amax(x, dims); };
    if (op == "var") return [=] { Lib::var(x, dims); };
    return {};
  }

  // Ops with a forward and a backward pass.
  static Run pass_work(const Name& name) {
    const std::string& op = name.fields[0];
    const Sizes s = name.sizes(2);
    const auto pass = [&](Tensor leaf, auto forward) -> Run {
      if (name.fields[1] == "forward") return [forward] { forward(); };
      return backward(leaf, forward);
    };
    if (op == "embedding" || op == "index_select") {  // <rows>x<width>x<indices>
      const Tensor table = randn({s[0], s[1]}), at = Lib::randint(s[0], {s[2]});
      if (op == "embedding") return pass(table, [=] { return Lib::embedding(at, table); });
      return pass(table, [=] { return index_select(table, 0, at); });
    }
    const Tensor x = randn(s);
    if (op == "softmax") return pass(x, [=] { return softmax(x, -1); });
    if (op == "log_softmax") return pass(x, [=] { return log_softmax(x, -1); });
    if (op == "softmax0") return pass(x, [=] { return softmax(x, 0); });
    if (op == "layer_norm") {
      const Tensor w = randn({s.back()}), b = randn({s.back()});
      if (name.fields[1] == "backward") {
        for (Tensor t : {w, b}) t.requires_grad_(true);
      }
      return pass(x, [=] { return Lib::layer_norm(x, s.back(), w, b); });
    }
    if (op == "batch_norm") {
      const Tensor w = randn({s[1]}), b = randn({s[1]});
      const Tensor mean = Lib::zeros({s[1]}), var = Lib::zeros({s[1]});
      return pass(x, [=] { return Lib::batch_norm(x, mean, var, w, b); });
    }
    if (op == "max_pool") return pass(x, [=] { return Lib::max_pool(x, 2); });
    if (op == "avg_pool") return pass(x, [=] { return Lib::avg_pool(x, 2); });
    if (op == "max_pool3") return pass(x, [=] { return Lib::max_pool(x, 3, 2); });
    if (op == "cross_entropy") {
      const Tensor target = Lib::randint(s[1], {s[0]});
      return pass(x, [=] { return Lib::cross_entropy(x, target); });
    }
    return {};
  }
};

}  // namespace entasis::bench
