// The backward engine: order, accumulation, hooks, higher derivatives, custom functions,
// checkpointing, modes, and graphs of any length.
#include <pthread.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/core/free_list_internal.h>
#include <entasis/entasis.h>

namespace entasis {
namespace {

std::vector<double> values(const Tensor& t) {
  std::vector<double> v;
  const Tensor dense = t.to(kF64).contiguous();
  for (int64_t i = 0; i < t.numel(); ++i) v.push_back(dense.data<double>()[i]);
  return v;
}
using V = std::vector<double>;

Tensor leaf(std::initializer_list<double> v) {
  return from_data(v, {int64_t(v.size())}, kF64).requires_grad_();
}

TEST(Backward, SumsOverUsesAndPasses) {
  Tensor x = leaf({1, 2});
  Tensor y = x * x + x * 3;
  y.sum().backward();
  EXPECT_EQ(values(x.grad()), (V{5, 7}));
  (x * 2).sum().backward();
  EXPECT_EQ(values(x.grad()), (V{7, 9}));
  x.zero_grad();
  EXPECT_FALSE(x.grad().defined());
}

TEST(Backward, BroadcastGradientsAreSummed) {
  Tensor a = full({2, 3}, 2.0, kF64).requires_grad_();
  Tensor b = full({3}, 5.0, kF64).requires_grad_();
  Tensor c = full({}, 7.0, kF64).requires_grad_();
  (a * b * c).sum().backward();
  EXPECT_EQ(values(b.grad()), (V{28, 28, 28}));
  EXPECT_EQ(values(c.grad()), (V{60}));
}

TEST(Backward, MixedDtypesCastBack) {
  Tensor a = ones({2}, kF32).requires_grad_();
  Tensor b = full({2}, 3.0, kF64).requires_grad_();
  (a * b).sum().backward();
  EXPECT_EQ(a.grad().dtype(), kF32);
  EXPECT_EQ(b.grad().dtype(), kF64);
}

TEST(Backward, NonScalarNeedsItsGradient) {
  Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  EXPECT_THROW(y.backward(), ShapeError);
  EXPECT_THROW(y.backward(ones({3}, kF64)), ShapeError);
  y.backward(from_data({1, 10}, {2}, kF64));
  EXPECT_EQ(values(x.grad()), (V{2, 20}));
}

TEST(Backward, OfWhatNeedsNoGradientRaises) {
  EXPECT_THROW(ones({1}).backward(), AutogradError);
  Tensor x = leaf({1});
  Tensor y;
  {
    const NoGrad no_grad;
    y = x * 2;
  }
  EXPECT_FALSE(y.requires_grad());
  EXPECT_THROW(y.backward(), AutogradError);
}

TEST(Backward, RetainGraphRunsAgain) {
  Tensor x = leaf({2});
  Tensor y = (x * x).sum();
  y.backward({}, true);
  y.backward();
  EXPECT_EQ(values(x.grad()), (V{8}));
  EXPECT_THROW(y.backward(), AutogradError);
}

TEST(Backward, RunsByDescendingCreationNumber) {
  // Rule 6: the later op runs first, whatever the shape of the graph.
  std::vector<int> order;
  Tensor x = leaf({1});
  Tensor a = x * 2, b = x * 3, c = a + b;
  a.register_hook([&](const Tensor&) {
    order.push_back(1);
    return Tensor();
  });
  b.register_hook([&](const Tensor&) {
    order.push_back(2);
    return Tensor();
  });
  c.register_hook([&](const Tensor&) {
    order.push_back(3);
    return Tensor();
  });
  c.sum().backward();
  EXPECT_EQ(order, (std::vector<int>{3, 2, 1}));
}

TEST(Grad, OfLeavesAndInnerTensorsWithoutAccumulating) {
  Tensor x = leaf({2, 3});
  Tensor h = x * x;
  Tensor y = (h * 5).sum();
  const Tensors g = grad({y}, {h, x});
  EXPECT_EQ(values(g[0]), (V{5, 5}));
  EXPECT_EQ(values(g[1]), (V{20, 30}));
  EXPECT_FALSE(x.grad().defined());
}

TEST(Grad, UnusedInputsRaiseUnlessAllowed) {
  Tensor x = leaf({2}), z = leaf({1});
  Tensor y = (x * x).sum();
  EXPECT_THROW(grad({y}, {z}, {.retain_graph = true}), AutogradError);
  const Tensors g = grad({y}, {x, z}, {.allow_unused = true});
  EXPECT_EQ(values(g[0]), (V{4}));
  EXPECT_FALSE(g[1].defined());
}

TEST(Grad, RunsOnlyWhatLeadsToAnInput) {
  Tensor x = leaf({2}), z = leaf({3});
  Tensor other = z * z;
  bool ran = false;
  other.register_hook([&](const Tensor&) {
    ran = true;
    return Tensor();
  });
  Tensor y = (x * other).sum();
  grad({y}, {x});
  EXPECT_FALSE(ran);
}

TEST(Grad, HigherDerivatives) {
  Tensor x = leaf({2});
  Tensor y = (x * x * x * x).sum();
  const Tensor first = grad({y}, {x}, {.create_graph = true})[0];
  const Tensor second = grad({first.sum()}, {x}, {.create_graph = true})[0];
  const Tensor third = grad({second.sum()}, {x})[0];
  EXPECT_EQ(values(first), (V{32}));
  EXPECT_EQ(values(second), (V{48}));
  EXPECT_EQ(values(third), (V{48}));
}

TEST(Grad, BackwardThroughSavedOutputs) {
  Tensor x = leaf({0.5});
  Tensor y = exp(x).sum();
  const Tensor g = grad({y}, {x}, {.create_graph = true})[0];
  g.sum().backward();
  EXPECT_NEAR(x.grad().item(), std::exp(0.5), 1e-15);
}

TEST(Hooks, SeeTheWholeGradientAndMayReplaceIt) {
  Tensor x = leaf({1, 2});
  int calls = 0;
  const int id = x.register_hook([&](const Tensor& g) {
    ++calls;
    EXPECT_EQ(values(g), (V{5, 5}));
    return g * 10;
  });
  (x * 2 + x * 3).sum().backward();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(values(x.grad()), (V{50, 50}));
  x.remove_hook(id);
  x.zero_grad();
  (x * 2).sum().backward();
  EXPECT_EQ(calls, 1);
}

TEST(Hooks, InnerTensorsAndRetainedGradients) {
  Tensor x = leaf({1, 2});
  Tensor h = x * 3;
  h.retain_grad();
  h.register_hook([](const Tensor& g) { return g * 2; });
  (h * h).sum().backward();
  EXPECT_EQ(values(h.grad()), (V{12, 24}));
  EXPECT_EQ(values(x.grad()), (V{36, 72}));
}

TEST(Hooks, CompletionFiresInMidBackwardAlsoWithTiedWeights) {
  // w is used twice; its gradient is complete before the node below the second use has run.
  Tensor x = leaf({1}), w = leaf({2});
  std::vector<std::string> events;
  Tensor below = x * 5;
  below.register_hook([&](const Tensor&) {
    events.push_back("below");
    return Tensor();
  });
  Tensor h = below * w;
  Tensor y = h * w;
  w.register_completion_hook(
      [&](const Tensor& t) { events.push_back("w " + std::to_string(int(t.grad().item()))); });
  x.register_completion_hook([&](const Tensor&) { events.push_back("x"); });
  y.sum().backward();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0], "w 20");
  EXPECT_EQ(events[1], "below");
  EXPECT_EQ(events[2], "x");
}

TEST(Hooks, MayRunAnotherPass) {
  Tensor x = leaf({3});
  Tensor inner = leaf({2});
  double inner_gradient = 0;
  Tensor h = x * 2;
  h.register_hook([&](const Tensor& g) {
    const EnableGrad record;  // hooks run in the mode of their pass
    inner_gradient = grad({(inner * inner).sum()}, {inner})[0].item();
    return g;
  });
  (h * h).sum().backward();
  EXPECT_EQ(inner_gradient, 4);
  EXPECT_EQ(values(x.grad()), (V{24}));
}

TEST(Leaves, GradientsNeverAlias) {
  // Rule 2: add hands the same gradient to both leaves.
  Tensor a = leaf({1, 2}), b = leaf({3, 4});
  Tensor seed = ones({2}, kF64);
  (a + b).backward(seed);
  EXPECT_NE(a.grad().raw(), b.grad().raw());
  EXPECT_NE(a.grad().raw(), seed.raw());
  a.grad().add_(1);
  EXPECT_EQ(values(b.grad()), (V{1, 1}));
  EXPECT_EQ(values(seed), (V{1, 1}));
}

TEST(Leaves, GradientsHaveTheirTensorsStrides) {
  Tensor w = empty_strided({kF64, {2, 3}, {1, 2}}, kCPU);
  w.fill_(1);
  w.requires_grad_();
  (w * 2).sum().backward();
  EXPECT_EQ(w.grad().strides(), (Dims{1, 2}));
}

struct Cube : Function<Cube> {
  static constexpr const char* name = "cube";
  static Tensor forward(FunctionContext& context, const Tensor& x) {
    context.save(x);
    return x * x * x;
  }
  static Grads backward(FunctionContext& context, Grads gy) {
    const Tensor x = context.saved(0);
    return {gy[0] * 3 * x * x};
  }
};

TEST(CustomFunction, IsDifferentiableTwice) {
  Tensor x = leaf({2});
  Tensor y = Cube::apply(x);
  EXPECT_EQ(values(y), (V{8}));
  const Tensor g = grad({y.sum()}, {x}, {.create_graph = true})[0];
  EXPECT_EQ(values(g), (V{12}));
  EXPECT_EQ(values(grad({g.sum()}, {x})[0]), (V{12}));
}

TEST(CustomFunction, SavedTensorsMayNotBeOverwritten) {
  Tensor x = leaf({2});
  Tensor h = x * 1;
  Tensor y = Cube::apply(h);
  h.add_(1);
  EXPECT_THROW(y.sum().backward(), AutogradError);
}

TEST(Checkpoint, SameGradientsWithLessKept) {
  Tensor x = leaf({0.3, -0.7}), w = leaf({1.5, 2});
  int runs = 0;
  auto block = [&](const Tensors& in) -> Tensors {
    ++runs;
    return {tanh(in[0] * w) * in[0]};
  };
  const Tensor plain = block({x})[0];
  const Tensors expected = grad({plain.sum()}, {x, w});
  runs = 0;
  const Tensor y = checkpoint(block, {x})[0];
  EXPECT_EQ(runs, 1);
  y.sum().backward();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(values(x.grad()), values(expected[0]));
  EXPECT_EQ(values(w.grad()), values(expected[1]));
}

TEST(Checkpoint, RepeatsRandomNumbersAndWorksUnderGrad) {
  manual_seed(7);
  Tensor x = full({64}, 1.0, kF64).requires_grad_();
  auto block = [](const Tensors& in) -> Tensors { return {dropout(in[0] * in[0], 0.5, true)}; };
  const Tensor y = checkpoint(block, {x})[0];
  const Tensor g = grad({y.sum()}, {x}, {.create_graph = true})[0];
  // dropout keeps with factor 2: the gradient is 2 * 2x where y is not 0.
  const Tensor expected = where(y != 0, full({64}, 4.0, kF64), zeros({64}, kF64));
  EXPECT_EQ(values(g), values(expected));
  EXPECT_EQ(grad({g.sum()}, {x})[0].sum().item(), g.sum().item());
}

TEST(Checkpoint, DifferentSecondRunRaises) {
  Tensor x = leaf({1});
  int runs = 0;
  auto block = [&](const Tensors& in) -> Tensors {
    Tensor y = exp(in[0]);
    if (++runs == 1) y = exp(y);
    return {y};
  };
  const Tensor y = checkpoint(block, {x})[0];
  EXPECT_THROW(y.sum().backward(), AutogradError);
}

TEST(AnomalyMode, NamesTheOpAndLineThatMadeNaN) {
  Tensor x = leaf({0});
  Tensor y = sqrt(x) * 0;
  const int line = __LINE__ - 1;
  const AnomalyMode anomaly;
  try {
    y.sum().backward();
    FAIL() << "nothing was thrown";
  } catch (const AutogradError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("the gradient of input 0 contains NaN — in the gradient of sqrt"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("autograd_test.cpp:" + std::to_string(line)), std::string::npos) << text;
  }
}

TEST(Modes, InferenceTensorsAreNeverSaved) {
  Tensor t;
  {
    const InferenceMode inference;
    t = ones({2}, kF64);
    EXPECT_FALSE(grad_enabled());
  }
  Tensor x = leaf({1, 2});
  EXPECT_NO_THROW(x + t);
  EXPECT_THROW(x * t, AutogradError);
  EXPECT_THROW(t.requires_grad_(), AutogradError);
}

TEST(Modes, GuardsNest) {
  EXPECT_TRUE(grad_enabled());
  {
    const NoGrad off;
    EXPECT_FALSE(grad_enabled());
    {
      const EnableGrad on;
      EXPECT_TRUE(grad_enabled());
    }
    EXPECT_FALSE(grad_enabled());
  }
  EXPECT_TRUE(grad_enabled());
}

TEST(Detach, SharesMemoryWithoutHistory) {
  Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  Tensor d = y.detach();
  EXPECT_EQ(d.raw(), y.raw());
  EXPECT_FALSE(d.requires_grad());
  EXPECT_TRUE(d.is_leaf());
}

// ---- Long graphs: neither backward nor destruction recurses.

constexpr int kLength = 100'000;

void* run_long_chain(void* result) {
  Tensor x = full({1}, 1.0).requires_grad_();
  Tensor y = x;
  for (int i = 0; i < kLength; ++i) y = y + 1;
  y.sum().backward();
  *static_cast<float*>(result) = float(x.grad().item());
  // A second chain dies without ever going backward.
  Tensor z = x;
  for (int i = 0; i < kLength; ++i) z = z * 1;
  return nullptr;
}

TEST(LongGraphs, HundredThousandOpsOnAQuarterMegabyteStack) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  // Sanitized frames are larger.
  const size_t stack = kUseFreeLists ? size_t{256} << 10 : size_t{4} << 20;
  pthread_attr_setstacksize(&attributes, stack);
  pthread_t thread;
  float result = 0;
  ASSERT_EQ(pthread_create(&thread, &attributes, &run_long_chain, &result), 0);
  pthread_join(thread, nullptr);
  EXPECT_EQ(result, 1);
}

}  // namespace
}  // namespace entasis
