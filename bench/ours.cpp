// Entasis's side of the workloads.
#include <cmath>
#include <memory>
#include <optional>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/entasis.h>

#include "models.h"
#include "ops.h"
#include "rows.h"
#include "works.h"

namespace entasis::bench {
namespace {

struct Entasis {
  using Tensor = entasis::Tensor;
  using Sizes = std::vector<int64_t>;

  static Dims dims(const Sizes& sizes) { return Dims(std::span(sizes)); }
  static void seed(uint64_t seed) { manual_seed(seed); }
  static Tensor randn(const Sizes& sizes) { return entasis::randn(dims(sizes)); }
  static Tensor randn_like(const Tensor& t) { return entasis::randn_like(t); }
  static Tensor zeros(const Sizes& sizes) { return entasis::zeros(dims(sizes)); }
  static Tensor ones(const Sizes& sizes) { return entasis::ones(dims(sizes)); }
  static Tensor randint(int64_t high, const Sizes& sizes) {
    return entasis::randint(0, high, dims(sizes));
  }
  static Tensor channels_last(const Tensor& t) { return entasis::channels_last(t); }
  static DType dtype(const std::string& name) {
    return name == "bf16" ? kBF16 : name == "f16" ? kF16 : name == "i64" ? kI64 : kF32;
  }
  static Tensor cast(const Tensor& t, DType dtype) { return t.to(dtype); }
  static Tensor slice(const Tensor& t, int64_t dim, int64_t start, int64_t end, int64_t step = 1) {
    return t.slice(dim, start, end, step);
  }
  static Tensor cat(const Tensor& a, const Tensor& b, int64_t dim) {
    return entasis::cat({a, b}, dim);
  }
  static void gradient(const Tensor& y, const Tensor& x, const Tensor& gy) {
    grad({y}, {x}, {.grad_outputs = {gy}, .retain_graph = true});
  }

  static Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
    return entasis::linear(x, w, b);
  }
  static Tensor linear_relu(const Tensor& x, const Tensor& w, const Tensor& b) {
    return entasis::linear_relu(x, w, b);
  }
  static Tensor linear_gelu(const Tensor& x, const Tensor& w, const Tensor& b) {
    return entasis::linear_gelu(x, w, b);
  }
  static Tensor linear_add(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& other) {
    return entasis::linear_add(x, w, b, other);
  }
  static Tensor conv2d(const Tensor& x, const Tensor& w, const Sizes& stride, const Sizes& padding,
                       const Sizes& dilation, int64_t groups) {
    return entasis::conv2d(x, w, {}, dims(stride), dims(padding), dims(dilation), groups);
  }
  static Tensor dropout(const Tensor& x, double p) { return entasis::dropout(x, p); }
  static Tensor sum(const Tensor& x, const Sizes& over) { return entasis::sum(x, dims(over)); }
  static Tensor mean(const Tensor& x, const Sizes& over) { return entasis::mean(x, dims(over)); }
  static Tensor amax(const Tensor& x, const Sizes& over) { return entasis::amax(x, dims(over)); }
  static Tensor var(const Tensor& x, const Sizes& over) { return entasis::var(x, dims(over)); }
  static Tensor embedding(const Tensor& at, const Tensor& table) {
    return entasis::embedding(at, table);
  }
  static Tensor layer_norm(const Tensor& x, int64_t width, const Tensor& w, const Tensor& b) {
    return entasis::layer_norm(x, {width}, w, b);
  }
  static Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& w,
                           const Tensor& b) {
    return entasis::batch_norm(x, mean, var, w, b, true);
  }
  static Tensor max_pool(const Tensor& x, int64_t size, int64_t stride = 2) {
    return max_pool2d(x, {size, size}, {stride, stride});
  }
  static Tensor avg_pool(const Tensor& x, int64_t size) { return avg_pool2d(x, {size, size}); }
  static Tensor cross_entropy(const Tensor& x, const Tensor& target) {
    return entasis::cross_entropy(x, target);
  }
  // Causal, by the ops that there are.
  static Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v) {
    static const Tensor mask = [&] {
      const Tensor at = arange(q.size(2));
      return where(at.unsqueeze(0) > at.unsqueeze(1), -INFINITY, zeros({1}));
    }();
    const Tensor scores = matmul(q, k.transpose(-2, -1)) * (1 / std::sqrt(double(q.size(3))));
    return matmul(softmax(scores + mask, -1), v);
  }

  // ---- What ops.h walks and the libraries spell differently.
  static Tensor matrix(const Tensor& x, int64_t rows, int64_t columns) {
    return x.reshape({rows, columns});
  }
  static Tensor softsign(const Tensor& x) { return entasis::softsign(x); }
  static Tensor tanhshrink(const Tensor& x) { return entasis::tanhshrink(x); }
  static Tensor logsigmoid(const Tensor& x) { return entasis::logsigmoid(x); }
  static Tensor gelu_tanh(const Tensor& x) { return gelu(x, Approximate::kTanh); }
  static Tensor repeat_interleave(const Tensor& x, int64_t times) {
    return x.repeat_interleave(times);
  }
  static Tensor tile(const Tensor& x, int64_t times) { return x.tile({times}); }
  static Tensor stack(const Tensor& a, const Tensor& b) { return entasis::stack({a, b}); }
  static Tensor pad(const Tensor& x, int64_t by, const char* mode) {
    return entasis::pad(x, {by, by}, mode[0] == 'r' ? PadMode::kReflect : PadMode::kConstant);
  }
  static Tensor amin(const Tensor& x, const Sizes& over) { return entasis::amin(x, dims(over)); }
  static Tensor std(const Tensor& x, const Sizes& over) { return entasis::std(x, dims(over)); }
  static Tensor nansum(const Tensor& x, const Sizes& over) {
    return entasis::nansum(x, dims(over));
  }
  static Tensor nanmean(const Tensor& x, const Sizes& over) {
    return entasis::nanmean(x, dims(over));
  }
  static Tensor any(const Tensor& x, const Sizes& over) { return entasis::any(x, dims(over)); }
  static Tensor all(const Tensor& x, const Sizes& over) { return entasis::all(x, dims(over)); }
  static Tensor count_nonzero(const Tensor& x, const Sizes& over) {
    return entasis::count_nonzero(x, dims(over));
  }
  static Tensor max_dim(const Tensor& x, int64_t dim) { return entasis::max_dim(x, dim).values; }
  static Tensor min_dim(const Tensor& x, int64_t dim) { return entasis::min_dim(x, dim).values; }
  static Tensor aminmax(const Tensor& x, int64_t dim) { return entasis::aminmax(x, dim).min; }
  static Tensor cummax(const Tensor& x, int64_t dim) { return entasis::cummax(x, dim).values; }
  static Tensor cummin(const Tensor& x, int64_t dim) { return entasis::cummin(x, dim).values; }
  static Tensor median_dim(const Tensor& x, int64_t dim) {
    return entasis::median_dim(x, dim).values;
  }
  static Tensor nanmedian_dim(const Tensor& x, int64_t dim) {
    return entasis::nanmedian_dim(x, dim).values;
  }
  static Tensor mode(const Tensor& x, int64_t dim) { return entasis::mode(x, dim).values; }
  static Tensor var_mean(const Tensor& x, const Sizes& over) {
    return entasis::var_mean(x, dims(over)).var;
  }
  static Tensor std_mean(const Tensor& x, const Sizes& over) {
    return entasis::std_mean(x, dims(over)).std;
  }
  static Tensor vector_norm(const Tensor& x, const Sizes& over) {
    return entasis::vector_norm(x, 2, dims(over));
  }
  static Tensor logsumexp(const Tensor& x, int64_t dim) { return entasis::logsumexp(x, {dim}); }
  static Tensor index(const Tensor& x, const Tensor& at) { return x.index({at}); }
  static Tensor index_put(const Tensor& x, const Tensor& at, bool accumulate) {
    return entasis::index_put(x, {at}, x, accumulate);
  }

  static std::unique_ptr<optim::AdamW> adamw(const std::vector<Tensor>& parameters) {
    return parameters.empty() ? nullptr : std::make_unique<optim::AdamW>(parameters);
  }
  static void zero_grad(optim::AdamW& optimizer) { optimizer.zero_grad(); }
};

template <class Model>
class StepWork final : public Work {
 public:
  explicit StepWork(const Dims& shape) : step_(shape) {}
  void run() override { step_.run(); }

 private:
  Step<Model> step_;
};

Work* make(const std::string& name) {
  if (name == "mlp_step") return new StepWork<Mlp>({kMlpBatch, 784});
  if (name == "lenet_step") return new StepWork<Lenet>({kLenetBatch, 1, 28, 28});
  return Works<Entasis>::make(name);
}

}  // namespace

void add_op_rows(std::vector<BenchRow>& rows) {
  for (const OpWork<Entasis>& op : op_works<Entasis>()) {
    const std::string family = op.family;
    const bool heavy = family == "transcendental" || family == "exponential activation";
    const double large = heavy ? 1.5 : 1;
    for (const int64_t n : {1 << 10, 1 << 16, 1 << 24}) {
      const bool small = n == 1 << 10;
      const std::string rest = std::string(op.name) + "/" + std::to_string(n);
      const double bytes = 4.0 * double(n);
      rows.push_back(
          {"op/" + rest, "", 1, 0, bytes * op.operands, 0, small ? 2 : large, false, family});
      if (op.leaf == nullptr) continue;
      rows.push_back({"op_backward/" + rest, "", 1, 0, bytes * (op.operands + 1), 0,
                      small ? 1 : large, false, family + ", backward"});
    }
  }
}

const BenchPeer our_library{"Entasis", [](int n) { set_num_threads(n); }, make};

}  // namespace entasis::bench
