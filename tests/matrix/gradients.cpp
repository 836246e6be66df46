#include "gradients.h"

#include <algorithm>

#include <entasis/core/autograd.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/reduction.h>

namespace entasis::matrix {
namespace {

constexpr size_t kMostDifferences = 60;  // elements of a tensor that a difference is taken for

// The i-th weight of the sum that is differentiated: no pattern, no zero, held by every dtype.
Real weight(size_t i) { return Real(int(i * 7 % 13) - 6) / 4 + Real(0.125); }

// The arguments of a call as leaves. Targets of in-place rows are copies of theirs.
struct Leaves {
  Trial run;
  std::vector<size_t> differentiable;  // positions in run.placed
  Tensors tensors;                     // those leaves
  Values values;                       // for invoke_row
};

Leaves leaves_of(const Sample& sample, const Call& call, Layout layout) {
  Leaves leaves{prepare(call, layout), {}, {}, {}};
  auto leaf_of = [&](size_t k) -> Tensor {
    const Tensor& tensor = leaves.run.placed[k].tensor();
    const int i = leaves.run.position[k];
    const bool asked = sample.differentiable.empty() ||
                       std::find(sample.differentiable.begin(), sample.differentiable.end(), i) !=
                           sample.differentiable.end();
    if (!is_float(tensor.dtype()) || !asked) return tensor;
    Tensor leaf = tensor;
    leaf.requires_grad_();
    leaves.differentiable.push_back(k);
    leaves.tensors.push_back(leaf);
    return k == 0 && sample.strides == Strides::kTarget ? clone(leaf) : leaf;
  };
  size_t k = 0;
  for (const Value& value : leaves.run.values) {
    if (std::holds_alternative<Tensor>(value)) {
      leaves.values.emplace_back(leaf_of(k++));
    } else if (const Tensors* list = std::get_if<Tensors>(&value)) {
      Tensors tensors;
      for (size_t j = 0; j < list->size(); ++j) tensors.push_back(leaf_of(k++));
      leaves.values.emplace_back(tensors);
    } else {
      leaves.values.emplace_back(value);
    }
  }
  return leaves;
}

// The results that carry a gradient, and tensors of weights for them.
struct Weighted {
  Tensors outputs, weights;
  std::vector<size_t> index;  // among all results
};
Weighted weighted(const std::vector<Tensor>& results) {
  Weighted w;
  for (size_t k = 0; k < results.size(); ++k) {
    if (!is_float(results[k].dtype()) || !results[k].requires_grad()) continue;
    Array weights = zeros_of(results[k].dtype(), shape_of(results[k]));
    for (size_t i = 0; i < weights.values.size(); ++i) weights.values[i] = weight(i);
    w.outputs.push_back(results[k]);
    w.weights.push_back(Placed(weights, Layout::kContiguous, results[k].device()).tensor());
    w.index.push_back(k);
  }
  return w;
}

// The weighted sum of the reference's results.
Real objective(const Sample& sample, const Call& call, const std::vector<size_t>& outputs) {
  const Results results = sample.reference(call);
  Real sum = 0;
  for (size_t k : outputs) {
    for (size_t i = 0; i < results[k].values.size(); ++i) sum += weight(i) * results[k].values[i];
  }
  return sum;
}

Array& array_behind(Call& call, const Trial& run, size_t k) {
  CallArgument& argument = call.arguments[size_t(run.position[k])];
  if (Array* array = std::get_if<Array>(&argument)) return *array;
  size_t first = k;
  while (first > 0 && run.position[first - 1] == run.position[k]) --first;
  return std::get<std::vector<Array>>(argument)[k - first];
}

// By every element, or by every n-th if there are many; `every()` picks the same.
std::vector<Real> differences(const Sample& sample, Call call, const Trial& run, size_t k,
                              const std::vector<size_t>& outputs) {
  std::vector<Real> gradient;
  std::vector<Real>& values = array_behind(call, run, k).values;
  const size_t step = values.size() / kMostDifferences + 1;
  for (size_t i = 0; i < values.size(); i += step) {
    Real& v = values[i];
    const Real middle = v;
    v = middle + kStep;
    const Real above = objective(sample, call, outputs);
    v = middle - kStep;
    const Real below = objective(sample, call, outputs);
    v = middle;
    gradient.push_back((above - below) / (2 * kStep));
  }
  return gradient;
}

std::vector<Real> every(const std::vector<Real>& values) {
  std::vector<Real> some;
  for (size_t i = 0; i < values.size(); i += values.size() / kMostDifferences + 1) {
    some.push_back(values[i]);
  }
  return some;
}

void expect_near(const std::vector<Real>& want, const std::vector<Real>& got, Real tolerance,
                 const std::string& what) {
  ASSERT_EQ(want.size(), got.size()) << what;
  Real scale = 1;
  for (Real w : want) scale = std::max(scale, std::abs(w));
  for (size_t i = 0; i < want.size(); ++i) {
    if (!(std::abs(want[i] - got[i]) <= tolerance * scale)) {
      ADD_FAILURE() << what << ", element " << i << ": " << double(got[i]) << ", by differences "
                    << double(want[i]) << ", largest " << double(scale);
      return;
    }
  }
}

void expect_strides_of(const Tensor& leaf, const Tensor& grad) {
  EXPECT_EQ(entasis::name_of(leaf.dtype()), std::string(entasis::name_of(grad.dtype())));
  EXPECT_EQ(to_string(leaf.shape()), to_string(grad.shape()));
  // A leaf that is no dense block cannot pass its strides on.
  const Operand operand(leaf);
  if (leaf.numel() == 0 ||
      !(pointwise_spec(leaf.dtype(), {&operand, 1}).strides == leaf.strides())) {
    return;
  }
  Shape want = strides_of(leaf), got = strides_of(grad);
  for (int d = 0; d < leaf.dim(); ++d) {
    if (leaf.shape()[d] == 1) got[size_t(d)] = want[size_t(d)] = 1;  // says nothing
  }
  EXPECT_EQ(to_string(want), to_string(got)) << "strides of the gradient";
}

}  // namespace

void check_first(const Sample& sample, const Call& call, Layout layout, Differences& known) {
  Leaves leaves = leaves_of(sample, call, layout);
  if (leaves.tensors.empty()) return;
  const Weighted w = weighted(invoke_row(sample, leaves.values));
  ASSERT_FALSE(w.outputs.empty()) << "no result carries a gradient";
  for (size_t k = 0; k < w.outputs.size(); ++k) {
    w.outputs[k].backward(w.weights[k], k + 1 < w.outputs.size());
  }
  for (size_t j = 0; j < leaves.tensors.size(); ++j) {
    const size_t k = leaves.differentiable[j];
    const std::string what = "gradient of tensor " + std::to_string(k);
    const Tensor grad = leaves.tensors[j].grad();
    std::vector<Real> got(size_t(leaves.tensors[j].numel()), 0);
    if (grad.defined()) {
      expect_strides_of(leaves.tensors[j], grad);
      got = read(grad).values;
    }
    auto found = known.by_tensor.find(k);
    if (found == known.by_tensor.end()) {
      found = known.by_tensor.emplace(k, differences(sample, call, leaves.run, k, w.index)).first;
    }
    expect_near(found->second, every(got), tolerance_of(leaves.tensors[j].dtype()).gradient, what);
  }
}

namespace {

// ---- Second gradients: of the sum of v times the first gradients, by inputs and by weights.

struct Both {
  Tensors inputs;  // leaves, then the weights
  Tensor value;    // the sum, with its graph
};

Both first_gradients(const Sample& sample, const Call& call, Layout layout,
                     const std::vector<std::vector<Real>>* weights) {
  Leaves leaves = leaves_of(sample, call, layout);
  Weighted w = weighted(invoke_row(sample, leaves.values));
  Both both{leaves.tensors, {}};
  for (size_t k = 0; k < w.weights.size(); ++k) {
    if (weights) {
      Array array = read(w.weights[k]);
      array.values = (*weights)[k];
      w.weights[k] = Placed(array, Layout::kContiguous, w.outputs[k].device()).tensor();
    }
    w.weights[k].requires_grad_();
    both.inputs.push_back(w.weights[k]);
  }
  const Tensors grads =
      grad(w.outputs, leaves.tensors,
           {.grad_outputs = w.weights, .create_graph = true, .allow_unused = true});
  for (size_t j = 0; j < grads.size(); ++j) {
    if (!grads[j].defined()) continue;
    Array v = zeros_of(kF64, shape_of(grads[j]));
    for (size_t i = 0; i < v.values.size(); ++i) v.values[i] = weight(i + 5);
    const Placed weights_of_sum(v, Layout::kContiguous, grads[j].device());
    const Tensor term = sum(mul(grads[j], weights_of_sum.tensor()));
    both.value = both.value.defined() ? add(both.value, term) : term;
  }
  return both;
}

}  // namespace

void check_second(const Sample& sample, Call call, Layout layout) {
  const Both both = first_gradients(sample, call, layout, nullptr);
  if (!both.value.defined()) return;
  Tensors got(both.inputs.size());
  if (both.value.requires_grad()) {
    got = grad({both.value}, both.inputs, {.allow_unused = true});
  }
  std::vector<std::vector<Real>> values, weights;
  Leaves leaves = leaves_of(sample, call, layout);
  for (size_t j = 0; j < both.inputs.size(); ++j) {
    (j < leaves.tensors.size() ? values : weights).push_back(read(both.inputs[j]).values);
  }
  auto sum_at = [&] {
    const Both moved = first_gradients(sample, call, layout, &weights);
    return moved.value.defined() ? Real(moved.value.item<double>()) : 0;
  };
  for (size_t j = 0; j < both.inputs.size(); ++j) {
    const bool is_leaf = j < leaves.tensors.size();
    std::vector<Real>& moved = is_leaf
                                   ? array_behind(call, leaves.run, leaves.differentiable[j]).values
                                   : weights[j - leaves.tensors.size()];
    std::vector<Real> want;
    for (Real& v : moved) {
      const Real middle = v, above = held(kF64, middle + kStep), below = held(kF64, middle - kStep);
      v = above;
      const Real high = sum_at();
      v = below;
      const Real low = sum_at();
      v = middle;
      want.push_back((high - low) / (above - below));
    }
    std::vector<Real> have(want.size(), 0);
    if (got[j].defined()) have = read(got[j]).values;
    expect_near(
        want, have, kSecondGradientTolerance,
        (is_leaf ? "second gradient of leaf " : "second gradient of weight ") + std::to_string(j));
  }
}

void check_derivative(const Sample& sample, DType dtype) {
  const std::vector<Real> points = Maker(dtype).extremes();
  const Array x{dtype, {int64_t(points.size())}, points};
  Call call{"extremes", {x}};
  Leaves leaves = leaves_of(sample, call, Layout::kContiguous);
  const Tensor y = invoke_row(sample, leaves.values)[0];
  Array ones = x;
  for (Real& v : ones.values) v = 1;
  y.backward(Placed(ones, Layout::kContiguous, y.device()).tensor());
  const std::vector<Real> got = read(leaves.tensors[0].grad()).values;
  const Real tolerance = tolerance_of(dtype).gradient;
  for (size_t i = 0; i < points.size(); ++i) {
    const Real want = sample.derivative(points[i]);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got[i])) << "at " << double(points[i]) << ": " << double(got[i]);
    } else if (std::abs(want) > highest_finite(dtype)) {
      EXPECT_GE(std::copysign(Real(1), want) * got[i], highest_finite(dtype) / 2)
          << "at " << double(points[i]);
    } else {
      EXPECT_LE(std::abs(got[i] - want), tolerance * std::max(Real(1), std::abs(want)))
          << "at " << double(points[i]) << ": " << double(got[i]) << ", expected " << double(want);
    }
  }
}

}  // namespace entasis::matrix
