// Matrix products and convolutions by oneDNN, as a module that the runner opens if it was built.
// Operands lie as the workload says; a convolution's weights are brought into the form that oneDNN
// likes best beforehand, and its sums are not.
#include <omp.h>
#include <dnnl.hpp>

#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "workload.h"

namespace {

using namespace entasis::bench;
using dnnl::memory;
using Dims = memory::dims;

dnnl::engine& engine() {
  static dnnl::engine e(dnnl::engine::kind::cpu, 0);
  return e;
}
dnnl::stream& stream() {
  static dnnl::stream s(engine());
  return s;
}

memory random_memory(const memory::desc& desc) {
  memory m(desc, engine());
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  float* const data = static_cast<float*>(m.get_data_handle());
  for (size_t i = 0; i < desc.get_size() / sizeof(float); ++i) data[i] = normal(random);
  return m;
}

class Primitive final : public Work {
 public:
  Primitive(dnnl::primitive primitive, std::unordered_map<int, memory> arguments)
      : primitive_(std::move(primitive)), arguments_(std::move(arguments)) {}
  void run() override {
    primitive_.execute(stream(), arguments_);
    stream().wait();
  }

 private:
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> arguments_;
};

Work* make_matmul(const Name& name) {
  const std::vector<int64_t> s = name.sizes(1);
  const size_t first = s.size() - 3;
  const int64_t m = s[first], k = s[first + 1], n = s[first + 2];
  const auto desc = [&](int64_t rows, int64_t columns, bool transposed) {
    Dims sizes{rows, columns};
    Dims strides{transposed ? 1 : columns, transposed ? rows : 1};
    if (first == 1) {
      sizes.insert(sizes.begin(), s[0]);
      strides.insert(strides.begin(), rows * columns);
    }
    return memory::desc(sizes, memory::data_type::f32, strides);
  };
  const memory::desc a = desc(m, k, name.fields.at(2)[0] == 't');
  const memory::desc b = desc(k, n, name.fields.at(2)[1] == 't');
  const memory::desc c = desc(m, n, false);
  const dnnl::matmul::primitive_desc plan({a, b, c}, engine());
  return new Primitive(dnnl::matmul(plan), {{DNNL_ARG_SRC, random_memory(a)},
                                            {DNNL_ARG_WEIGHTS, random_memory(b)},
                                            {DNNL_ARG_DST, memory(c, engine())}});
}

Work* make_conv(const Name& name) {
  const auto of = [&](char letter, int64_t otherwise) { return name.number(1, letter, otherwise); };
  const int64_t n = of('n', 1), c = of('c', 1), o = of('o', 1), h = of('h', 1), k = of('k', 1);
  const int64_t s = of('s', 1), p = of('p', 0), g = of('g', 1), dilation = of('d', 1) - 1;
  const int64_t out = (h + 2 * p - (dilation + 1) * (k - 1) - 1) / s + 1;
  const auto tag =
      name.fields.at(3) == "nhwc" ? memory::format_tag::nhwc : memory::format_tag::nchw;
  const auto f32 = memory::data_type::f32;
  const memory::desc x({n, c, h, h}, f32, tag), y({n, o, out, out}, f32, tag);
  const Dims weight_sizes = g == 1 ? Dims{o, c, k, k} : Dims{g, o / g, c / g, k, k};
  const memory::desc w(weight_sizes, f32, memory::format_tag::any);
  const Dims strides{s, s}, dilations{dilation, dilation}, padding{p, p};
  const auto direct = dnnl::algorithm::convolution_direct;
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, x, w, y, strides, dilations, padding, padding},
      engine());
  const std::string& pass = name.fields.at(2);
  if (pass == "forward") {
    return new Primitive(dnnl::convolution_forward(forward),
                         {{DNNL_ARG_SRC, random_memory(x)},
                          {DNNL_ARG_WEIGHTS, random_memory(forward.weights_desc())},
                          {DNNL_ARG_DST, memory(y, engine())}});
  }
  if (pass == "input") {
    const dnnl::convolution_backward_data::primitive_desc plan(
        {direct, x, w, y, strides, dilations, padding, padding}, engine(), forward);
    return new Primitive(dnnl::convolution_backward_data(plan),
                         {{DNNL_ARG_DIFF_DST, random_memory(y)},
                          {DNNL_ARG_WEIGHTS, random_memory(plan.weights_desc())},
                          {DNNL_ARG_DIFF_SRC, memory(x, engine())}});
  }
  const dnnl::convolution_backward_weights::primitive_desc plan(
      {direct, x, w, y, strides, dilations, padding, padding}, engine(), forward);
  return new Primitive(dnnl::convolution_backward_weights(plan),
                       {{DNNL_ARG_SRC, random_memory(x)},
                        {DNNL_ARG_DIFF_DST, random_memory(y)},
                        {DNNL_ARG_DIFF_WEIGHTS, memory(plan.diff_weights_desc(), engine())}});
}

Work* make(const std::string& text) {
  const Name name(text);
  if (name.fields[0] == "matmul") return make_matmul(name);
  if (name.fields[0] == "conv") return make_conv(name);
  return nullptr;
}

const std::string label = [] {
  const dnnl_version_t* v = dnnl_version();
  return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
         std::to_string(v->patch);
}();

}  // namespace

extern "C" __attribute__((visibility("default"))) const BenchPeer bench_peer;
const BenchPeer bench_peer{label.c_str(), [](int n) { omp_set_num_threads(n); }, make};
