// The same workloads on libtorch's C++ API, as a module that the runner opens if it was built.
#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "ops.h"
#include "rows.h"
#include "works.h"

namespace {

using namespace entasis::bench;
using torch::Tensor;

struct Torch {
  using Tensor = torch::Tensor;
  using Sizes = std::vector<int64_t>;

  static void seed(uint64_t seed) { torch::manual_seed(seed); }
  static Tensor randn(const Sizes& sizes) { return torch::randn(sizes); }
  static Tensor randn_like(const Tensor& t) { return torch::randn_like(t); }
  static Tensor zeros(const Sizes& sizes) { return torch::zeros(sizes); }
  static Tensor ones(const Sizes& sizes) { return torch::ones(sizes); }
  static Tensor randint(int64_t high, const Sizes& sizes) {
    return torch::randint(high, sizes, torch::kLong);
  }
  static Tensor channels_last(const Tensor& t) {
    return t.contiguous(torch::MemoryFormat::ChannelsLast);
  }
  static torch::Dtype dtype(const std::string& name) {
    return name == "bf16"  ? torch::kBFloat16
           : name == "f16" ? torch::kHalf
           : name == "i64" ? torch::kLong
                           : torch::kFloat;
  }
  static Tensor cast(const Tensor& t, torch::Dtype dtype) { return t.to(dtype); }
  static Tensor slice(const Tensor& t, int64_t dim, int64_t start, int64_t end, int64_t step = 1) {
    return t.slice(dim, start, end, step);
  }
  static Tensor cat(const Tensor& a, const Tensor& b, int64_t dim) {
    return torch::cat({a, b}, dim);
  }
  static void gradient(const Tensor& y, const Tensor& x, const Tensor& gy) {
    torch::autograd::grad({y}, {x}, {gy}, true);
  }

  static Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
    return torch::linear(x, w, b);
  }
  static Tensor linear_relu(const Tensor& x, const Tensor& w, const Tensor& b) {
    return linear(x, w, b).relu_();
  }
  static Tensor linear_gelu(const Tensor& x, const Tensor& w, const Tensor& b) {
    return torch::gelu(linear(x, w, b));
  }
  static Tensor linear_add(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& other) {
    return linear(x, w, b).add_(other);
  }
  static Tensor conv2d(const Tensor& x, const Tensor& w, const Sizes& stride, const Sizes& padding,
                       const Sizes& dilation, int64_t groups) {
    return torch::conv2d(x, w, {}, stride, padding, dilation, groups);
  }
  static Tensor dropout(const Tensor& x, double p) { return torch::dropout(x, p, true); }
  static Tensor sum(const Tensor& x, const Sizes& over) { return torch::sum(x, over); }
  static Tensor mean(const Tensor& x, const Sizes& over) { return torch::mean(x, over); }
  static Tensor amax(const Tensor& x, const Sizes& over) { return torch::amax(x, over); }
  static Tensor var(const Tensor& x, const Sizes& over) { return torch::var(x, over); }
  static Tensor embedding(const Tensor& at, const Tensor& table) {
    return torch::embedding(table, at);
  }
  static Tensor layer_norm(const Tensor& x, int64_t width, const Tensor& w, const Tensor& b) {
    return torch::layer_norm(x, {width}, w, b);
  }
  static Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& w,
                           const Tensor& b) {
    return torch::batch_norm(x, w, b, mean, var, true, 0.1, 1e-5, false);
  }
  static Tensor max_pool(const Tensor& x, int64_t size, int64_t stride = 2) {
    return torch::max_pool2d(x, size, stride);
  }
  static Tensor avg_pool(const Tensor& x, int64_t size) { return torch::avg_pool2d(x, size); }
  static Tensor cross_entropy(const Tensor& x, const Tensor& target) {
    return torch::nn::functional::cross_entropy(x, target);
  }
  static Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v) {
    return at::scaled_dot_product_attention(q, k, v, {}, 0.0, true);
  }

  // ---- What ops.h walks and the libraries spell differently.
  static Tensor matrix(const Tensor& x, int64_t rows, int64_t columns) {
    return x.reshape({rows, columns});
  }
  static Tensor softsign(const Tensor& x) { return torch::nn::functional::softsign(x); }
  static Tensor tanhshrink(const Tensor& x) { return torch::nn::functional::tanhshrink(x); }
  static Tensor logsigmoid(const Tensor& x) { return torch::log_sigmoid(x); }
  static Tensor gelu_tanh(const Tensor& x) { return torch::gelu(x, "tanh"); }
  static Tensor repeat_interleave(const Tensor& x, int64_t times) {
    return x.repeat_interleave(times);
  }
  static Tensor tile(const Tensor& x, int64_t times) { return x.tile({times}); }
  static Tensor stack(const Tensor& a, const Tensor& b) { return torch::stack({a, b}); }
  static Tensor pad(const Tensor& x, int64_t by, const char* mode) {
    return torch::pad(x.unsqueeze(0), {by, by}, mode).squeeze(0);
  }
  static Tensor amin(const Tensor& x, const Sizes& over) { return torch::amin(x, over); }
  static Tensor std(const Tensor& x, const Sizes& over) { return torch::std(x, over); }
  static Tensor nansum(const Tensor& x, const Sizes& over) { return torch::nansum(x, over); }
  static Tensor nanmean(const Tensor& x, const Sizes& over) { return torch::nanmean(x, over); }
  static Tensor any(const Tensor& x, const Sizes& over) { return torch::any(x, over); }
  static Tensor all(const Tensor& x, const Sizes& over) { return torch::all(x, over); }
  static Tensor count_nonzero(const Tensor& x, const Sizes& over) {
    return torch::count_nonzero(x, over);
  }
  static Tensor max_dim(const Tensor& x, int64_t dim) { return std::get<0>(torch::max(x, dim)); }
  static Tensor min_dim(const Tensor& x, int64_t dim) { return std::get<0>(torch::min(x, dim)); }
  static Tensor cummax(const Tensor& x, int64_t dim) { return std::get<0>(torch::cummax(x, dim)); }
  static Tensor cummin(const Tensor& x, int64_t dim) { return std::get<0>(torch::cummin(x, dim)); }
  static Tensor median_dim(const Tensor& x, int64_t dim) {
    return std::get<0>(torch::median(x, dim));
  }
  static Tensor nanmedian_dim(const Tensor& x, int64_t dim) {
    return std::get<0>(torch::nanmedian(x, dim));
  }
  static Tensor mode(const Tensor& x, int64_t dim) { return std::get<0>(torch::mode(x, dim)); }
  static Tensor aminmax(const Tensor& x, int64_t dim) {
    return std::get<0>(torch::aminmax(x, dim));
  }
  static Tensor var_mean(const Tensor& x, const Sizes& over) {
    return std::get<0>(torch::var_mean(x, over));
  }
  static Tensor std_mean(const Tensor& x, const Sizes& over) {
    return std::get<0>(torch::std_mean(x, over));
  }
  static Tensor vector_norm(const Tensor& x, const Sizes& over) {
    return torch::linalg_vector_norm(x, 2, over);
  }
  static Tensor logsumexp(const Tensor& x, int64_t dim) { return torch::logsumexp(x, dim); }
  static Tensor index(const Tensor& x, const Tensor& at) { return x.index({at}); }
  static Tensor index_put(const Tensor& x, const Tensor& at, bool accumulate) {
    return torch::index_put(x, {at}, x, accumulate);
  }

  static std::unique_ptr<torch::optim::AdamW> adamw(const std::vector<Tensor>& parameters) {
    return parameters.empty() ? nullptr : std::make_unique<torch::optim::AdamW>(parameters);
  }
  static void zero_grad(torch::optim::AdamW& optimizer) { optimizer.zero_grad(); }
};

struct Mlp : torch::nn::Module {
  torch::nn::Linear fc1{register_module("fc1", torch::nn::Linear(784, 256))};
  torch::nn::Linear fc2{register_module("fc2", torch::nn::Linear(256, 10))};
  Tensor forward(const Tensor& x) { return fc2(torch::relu(fc1(x))); }
};

struct Lenet : torch::nn::Module {
  torch::nn::Conv2d conv1{
      register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 6, 5).padding(2)))};
  torch::nn::Conv2d conv2{
      register_module("conv2", torch::nn::Conv2d(torch::nn::Conv2dOptions(6, 16, 5)))};
  torch::nn::Linear fc1{register_module("fc1", torch::nn::Linear(400, 120))};
  torch::nn::Linear fc2{register_module("fc2", torch::nn::Linear(120, 84))};
  torch::nn::Linear fc3{register_module("fc3", torch::nn::Linear(84, 10))};
  Tensor forward(const Tensor& x) {
    Tensor h = torch::max_pool2d(torch::relu(conv1(x)), 2);
    h = torch::max_pool2d(torch::relu(conv2(h)), 2);
    return fc3(torch::relu(fc2(torch::relu(fc1(h.flatten(1))))));
  }
};

template <class Model>
class StepWork final : public Work {
 public:
  explicit StepWork(torch::IntArrayRef shape) {
    torch::manual_seed(1);
    x_ = torch::rand(shape);
    target_ = torch::randint(0, 10, {shape[0]});
  }
  void run() override {
    optimizer_.zero_grad();
    torch::nn::functional::cross_entropy(model_.forward(x_), target_).backward();
    optimizer_.step();
  }

 private:
  Model model_;
  torch::optim::SGD optimizer_{model_.parameters(), torch::optim::SGDOptions(0.01).momentum(0.9)};
  Tensor x_, target_;
};

Work* make(const std::string& name) {
  if (name == "mlp_step") return new StepWork<Mlp>({kMlpBatch, 784});
  if (name == "lenet_step") return new StepWork<Lenet>({kLenetBatch, 1, 28, 28});
  return Works<Torch>::make(name);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const BenchPeer bench_peer;
const BenchPeer bench_peer{"libtorch " TORCH_VERSION, [](int n) { torch::set_num_threads(n); },
                           make};
