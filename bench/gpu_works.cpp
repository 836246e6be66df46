#include "gpu_works.h"

#include <entasis/core/autograd.h>
#include <entasis/core/cuda_graph.h>
#include <entasis/core/stream.h>
#include <entasis/entasis.h>

#include <map>
#include <memory>
#include <sstream>
#include <utility>

#include "models.h"

namespace entasis::bench {
namespace {

using Run = std::function<void()>;

struct Maker {
  WorkName name;
  Device device;
  bool captured = false;  // whether a graph will hold the work

  int64_t size(int i) const { return name.sizes[i]; }
  Tensor normal(const Dims& shape) const { return randn(shape, {name.dtype, device}); }
  Tensor normal() const { return normal(name.sizes); }
  Tensor classes(int64_t count, int64_t n) const { return randint(0, count, {n}, device); }
};

// ---- Elements and rows

Run copy_work(const Maker& m) {
  return [x = m.normal(), y = empty(m.name.sizes, {m.name.dtype, m.device})] { copy_(y, x); };
}
Run add_work(const Maker& m) {
  return [a = m.normal(), b = m.normal()] { add(a, b); };
}
Run gelu_work(const Maker& m) {
  return [x = m.normal()] { gelu(x); };
}
Run sum_work(const Maker& m) {
  return [x = m.normal()] { sum(x); };
}
Run softmax_work(const Maker& m) {
  return [x = m.normal()] { softmax(x, -1); };
}
Run transpose_work(const Maker& m) {
  return [x = m.normal().t()] { contiguous(x); };
}

// The gradient of `output` with respect to `inputs`, again and again.
Run gradient_work(const Tensor& output, Tensors inputs) {
  const Tensor weight = output.dim() == 0 ? Tensor() : randn_like(output);
  return [output, inputs = std::move(inputs), weight] {
    grad({output}, inputs, {.grad_outputs = {weight}, .retain_graph = true});
  };
}

Run layer_norm_work(const Maker& m) {
  const Dims last{m.size(1)};
  return
      [x = m.normal(), w = m.normal(last), b = m.normal(last), last] { layer_norm(x, last, w, b); };
}
Run layer_norm_backward_work(const Maker& m) {
  const Dims last{m.size(1)};
  const Tensor x = m.normal().requires_grad_(), w = m.normal(last).requires_grad_(),
               b = m.normal(last).requires_grad_();
  return gradient_work(layer_norm(x, last, w, b), {x, w, b});
}

Run cross_entropy_work(const Maker& m) {
  return [x = m.normal(), target = m.classes(m.size(1), m.size(0))] { cross_entropy(x, target); };
}
Run cross_entropy_backward_work(const Maker& m) {
  const Tensor x = m.normal().requires_grad_();
  return gradient_work(cross_entropy(x, m.classes(m.size(1), m.size(0))), {x});
}

// tokens x vocabulary x width
Run embedding_work(const Maker& m) {
  return [index = m.classes(m.size(1), m.size(0)), w = m.normal({m.size(1), m.size(2)})] {
    embedding(index, w);
  };
}
Run embedding_backward_work(const Maker& m) {
  const Tensor w = m.normal({m.size(1), m.size(2)}).requires_grad_();
  return gradient_work(embedding(m.classes(m.size(1), m.size(0)), w), {w});
}

// ---- Products

Run matmul_work(const Maker& m) {
  return [a = m.normal({m.size(0), m.size(1)}), b = m.normal({m.size(1), m.size(2)})] {
    matmul(a, b);
  };
}

// batch x channels x side x outputs; 3x3, padded, channels-last
struct Conv {
  Tensor x, w;
  explicit Conv(const Maker& m)
      : x(channels_last(m.normal({m.size(0), m.size(1), m.size(2), m.size(2)}))),
        w(channels_last(m.normal({m.size(3), m.size(1), 3, 3}))) {}
  Tensor output() const { return conv2d(x, w, {}, {1, 1}, {1, 1}); }
};
Run conv_work(const Maker& m) {
  return [conv = Conv(m)] { conv.output(); };
}
Run conv_data_work(const Maker& m) {
  Conv conv(m);
  conv.x.requires_grad_();
  return gradient_work(conv.output(), {conv.x});
}
Run conv_weight_work(const Maker& m) {
  Conv conv(m);
  conv.w.requires_grad_();
  return gradient_work(conv.output(), {conv.w});
}

// ---- Training

// GPT-2's parameters: width x layers x vocabulary x context. Those of the small one are 148
// tensors.
std::vector<Dims> gpt2_shapes(const Dims& sizes) {
  const int64_t width = sizes[0];
  std::vector<Dims> shapes = {{sizes[2], width}, {sizes[3], width}};
  for (int64_t layer = 0; layer < sizes[1]; ++layer) {
    for (const Dims& shape : std::initializer_list<Dims>{{width},
                                                         {width},
                                                         {width, 3 * width},
                                                         {3 * width},
                                                         {width, width},
                                                         {width},
                                                         {width},
                                                         {width},
                                                         {width, 4 * width},
                                                         {4 * width},
                                                         {4 * width, width},
                                                         {width}}) {
      shapes.push_back(shape);
    }
  }
  shapes.insert(shapes.end(), {Dims{width}, Dims{width}});
  return shapes;
}
Run adamw_work(const Maker& m) {
  Tensors parameters;
  for (const Dims& shape : gpt2_shapes(m.name.sizes)) {
    parameters.push_back(m.normal(shape).requires_grad_());
    parameters.back().set_grad(m.normal(shape));
  }
  const auto optimizer =
      std::make_shared<optim::AdamW>(parameters, optim::AdamWOptions{.lr = 1e-4});
  return [optimizer] { optimizer->step(); };
}

template <class Model>
Run step_work(const Dims& shape, const Maker& m) {
  const auto step = std::make_shared<Step<Model>>(shape, m.device, m.captured);
  return [step] { step->run(); };
}
Run mlp_work(const Maker& m) { return step_work<Mlp>({m.size(0), 784}, m); }
Run lenet_work(const Maker& m) { return step_work<Lenet>({m.size(0), 1, 28, 28}, m); }

// ---- What the host does

// elements x length
Run chain_work(const Maker& m) {
  return [x = m.normal({m.size(0)}), step = m.normal({m.size(0)}), length = m.size(1)] {
    Tensor y = x;
    for (int64_t i = 0; i < length; ++i) y = add(y, step);
  };
}

// Captured once, after steps that make what is made at first use.
Run captured(const Run& run, Device device) {
  for (int i = 0; i < 3; ++i) run();
  const auto graph = std::make_shared<CudaGraph>(device);
  graph->capture([&] { run(); });
  return [run, graph] { graph->replay(); };  // the graph works on the memory that `run` holds
}
template <Run (*make)(const Maker&)>
Run captured_work(const Maker& m) {
  Maker inside = m;
  inside.captured = true;
  return captured(make(inside), m.device);
}

Run launch_recorded_work(const Maker& m) {
  return [a = m.normal().requires_grad_(), b = m.normal()] { add(a, b); };
}

// elements x side x products: a copy from the host's memory on a stream of its own, beside products
// of square matrices; each alone too.
Run copy_in_work(const Maker& m) {
  return [host = randn({m.size(0)}), device = m.device] { to_device(host, device); };
}
Run products_work(const Maker& m) {
  const Dims square{m.size(1), m.size(1)};
  return [a = m.normal(square), b = m.normal(square), count = m.size(2)] {
    for (int64_t i = 0; i < count; ++i) matmul(a, b);
  };
}
Run overlap_work(const Maker& m) {
  return [products = products_work(m), copy = copy_in_work(m), beside = Stream(m.device),
          device = m.device] {
    products();
    {
      const StreamGuard guard(beside);
      copy();
    }
    Stream::current(device).wait(beside);
  };
}

struct Entry {
  Run (*make)(const Maker&);
  int sizes;  // how many; 0: any
  bool host_time = false;
};
const std::map<std::string, Entry>& entries() {
  static const std::map<std::string, Entry> all = {
      {"copy", {copy_work, 0}},
      {"add", {add_work, 0}},
      {"gelu", {gelu_work, 0}},
      {"sum", {sum_work, 0}},
      {"softmax", {softmax_work, 2}},
      {"transpose", {transpose_work, 2}},
      {"layer_norm", {layer_norm_work, 2}},
      {"layer_norm_backward", {layer_norm_backward_work, 2}},
      {"cross_entropy", {cross_entropy_work, 2}},
      {"cross_entropy_backward", {cross_entropy_backward_work, 2}},
      {"embedding", {embedding_work, 3}},
      {"embedding_backward", {embedding_backward_work, 3}},
      {"matmul", {matmul_work, 3}},
      {"conv", {conv_work, 4}},
      {"conv_data", {conv_data_work, 4}},
      {"conv_weight", {conv_weight_work, 4}},
      {"adamw", {adamw_work, 4}},
      {"mlp", {mlp_work, 1}},
      {"mlp_captured", {captured_work<mlp_work>, 1}},
      {"lenet", {lenet_work, 1}},
      {"lenet_captured", {captured_work<lenet_work>, 1}},
      {"chain", {chain_work, 2}},
      {"chain_captured", {captured_work<chain_work>, 2}},
      {"launch", {add_work, 1, true}},
      {"launch_recorded", {launch_recorded_work, 1, true}},
      {"copy_in", {copy_in_work, 3}},
      {"products", {products_work, 3}},
      {"overlap", {overlap_work, 3}},
  };
  return all;
}

}  // namespace

WorkName parse_work(const std::string& name) {
  std::istringstream parts(name);
  std::string op, precision, sizes;
  std::getline(parts, op, '/');
  std::getline(parts, precision, '/');
  std::getline(parts, sizes);
  WorkName work{op, kF32, precision == "tf32", {}};
  std::istringstream numbers(sizes);
  for (std::string number; std::getline(numbers, number, 'x');) {
    if (number.empty() || number.size() > 15 ||
        number.find_first_not_of("0123456789") != std::string::npos) {
      throw ValueError("'" + name + "': sizes are numbers with x between them");
    }
    work.sizes.push_back(std::stoll(number));
  }
  for (const DType dtype : {kF32, kF16, kBF16}) {
    if (precision == name_of(dtype)) {
      work.dtype = dtype;
      return work;
    }
  }
  if (!work.tf32) throw ValueError("'" + name + "': no precision '" + precision + "'");
  return work;
}

std::vector<std::string> gpu_ops() {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries()) names.push_back(name);
  return names;
}

GpuWork make_gpu_work(const WorkName& name, Device device) {
  const auto found = entries().find(name.op);
  if (found == entries().end()) throw ValueError("no workload '" + name.op + "'");
  const Entry& entry = found->second;
  if (entry.sizes != 0 && name.sizes.size() != entry.sizes) {
    throw ValueError(name.op + ": takes " + std::to_string(entry.sizes) + " sizes");
  }
  manual_seed(1);
  return {entry.make(Maker{name, device}), name.tf32, entry.host_time};
}

}  // namespace entasis::bench
