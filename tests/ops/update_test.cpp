// Optimizer steps against their formulas in double, in all layouts and dtypes and for any number of
// threads; the plain forms against the fused ones, and their gradients.
#include <entasis/ops/update.h>

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/autograd.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/methods.h>

#include <entasis/tests/ops/gradient_check.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using naive::Values;

constexpr DType kFloats[] = {kF32, kF64, kF16, kBF16};

// ---- The formulas, as PyTorch documents them, one element after another

struct SgdReference {
  SgdHyper h;
  void step(Values& p, const Values& g, Values& v, bool first) const {
    for (size_t i = 0; i < p.size(); ++i) {
      double d = g[i] + h.weight_decay * p[i];
      if (h.momentum != 0) {
        v[i] = first ? d : h.momentum * v[i] + (1 - h.dampening) * d;
        d = h.nesterov ? d + h.momentum * v[i] : v[i];
      }
      p[i] -= h.lr * d;
    }
  }
};

struct AdamReference {
  AdamHyper h;
  void step(Values& p, const Values& g, Values& m, Values& v, int64_t t) const {
    for (size_t i = 0; i < p.size(); ++i) {
      double d = g[i];
      if (h.decoupled) {
        p[i] -= h.lr * h.weight_decay * p[i];
      } else {
        d += h.weight_decay * p[i];
      }
      m[i] = h.beta1 * m[i] + (1 - h.beta1) * d;
      v[i] = h.beta2 * v[i] + (1 - h.beta2) * d * d;
      const double m_hat = m[i] / (1 - std::pow(h.beta1, double(t)));
      const double v_hat = v[i] / (1 - std::pow(h.beta2, double(t)));
      p[i] -= h.lr * m_hat / (std::sqrt(v_hat) + h.eps);
    }
  }
};

const SgdHyper kSgdHypers[] = {
    {.lr = 0.1},
    {.lr = 0.1, .weight_decay = 0.05},
    {.lr = 0.1, .momentum = 0.9},
    {.lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.05},
    {.lr = 0.1, .momentum = 0.9, .nesterov = true},
    {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05, .nesterov = true},
};
const AdamHyper kAdamHypers[] = {
    {.lr = 0.01},
    {.lr = 0.01, .beta1 = 0.5, .beta2 = 0.9, .eps = 1e-3},
    {.lr = 0.01, .weight_decay = 0.1},
    {.lr = 0.01, .weight_decay = 0.1, .decoupled = true},
};
constexpr int kSteps = 5;

std::string describe(const SgdHyper& h) {
  return "momentum " + std::to_string(h.momentum) + ", dampening " + std::to_string(h.dampening) +
         ", decay " + std::to_string(h.weight_decay) + (h.nesterov ? ", nesterov" : "");
}

// A step rounds p once and what is subtracted from it, at most `moves` a step, a few times.
naive::Tolerance tolerance(DType dtype, double moves) {
  const double r = naive::rounding(dtype);
  return {2 * kSteps * r, 8 * kSteps * r * moves};
}

// f16 holds no small second moments, so its gradients stay away from 0.
Values gradient_values(DType dtype, int64_t n, uint32_t seed) {
  return naive::random_values(dtype, n, seed, dtype == kF16 ? 1 : -4, 4);
}

// Sizes around the vector's, the tile's and the grain's.
const Dims kShapes[] = {{}, {1}, {7}, {0, 3}, {3, 5, 2}, {65, 4}, {257}, {40001}};

TEST(SgdStep, FollowsItsFormula) {
  for (const DType dtype : kFloats) {
    for (const SgdHyper& hyper : kSgdHypers) {
      SCOPED_TRACE(std::string(name_of(dtype)) + ", " + describe(hyper));
      Tensors p, v;
      std::vector<Values> expected, velocity;
      for (const Dims& shape : kShapes) {
        expected.push_back(naive::random_values(dtype, count_elements(shape), 1));
        velocity.emplace_back(expected.back().size());
        p.push_back(naive::tensor(dtype, shape, expected.back()));
        v.push_back(naive::tensor(dtype, shape, Values(expected.back().size(), 99)));
      }
      for (int step = 0; step < kSteps; ++step) {
        Tensors g;
        for (size_t i = 0; i < p.size(); ++i) {
          const Values values = gradient_values(dtype, p[i].numel(), uint32_t(100 * step + int(i)));
          g.push_back(naive::tensor(dtype, p[i].shape(), values));
          SgdReference{hyper}.step(expected[i], values, velocity[i], step == 0);
        }
        sgd_step_(p, g, hyper.momentum != 0 ? v : Tensors(), hyper, step == 0);
      }
      for (size_t i = 0; i < p.size(); ++i) {
        naive::expect_close(naive::values_of(p[i]), expected[i], tolerance(dtype, 2),
                            "parameter " + std::to_string(i));
        if (hyper.momentum == 0) continue;
        naive::expect_close(naive::values_of(v[i]), velocity[i], tolerance(dtype, 20),
                            "velocity " + std::to_string(i));
      }
    }
  }
}

TEST(AdamStep, FollowsItsFormula) {
  for (const DType dtype : kFloats) {
    for (const AdamHyper& hyper : kAdamHypers) {
      SCOPED_TRACE(std::string(name_of(dtype)) + ", decay " + std::to_string(hyper.weight_decay));
      Tensors p, m, v;
      std::vector<Values> expected, m_expected, v_expected;
      for (const Dims& shape : kShapes) {
        expected.push_back(naive::random_values(dtype, count_elements(shape), 1));
        const Values none(expected.back().size(), 0.0);
        m_expected.push_back(none);
        v_expected.push_back(none);
        p.push_back(naive::tensor(dtype, shape, expected.back()));
        m.push_back(naive::tensor(dtype, shape, none));
        v.push_back(naive::tensor(dtype, shape, none));
      }
      for (int step = 1; step <= kSteps; ++step) {
        Tensors g;
        for (size_t i = 0; i < p.size(); ++i) {
          const Values values = gradient_values(dtype, p[i].numel(), uint32_t(100 * step + int(i)));
          g.push_back(naive::tensor(dtype, p[i].shape(), values));
          AdamReference{hyper}.step(expected[i], values, m_expected[i], v_expected[i], step);
        }
        adam_step_(p, g, m, v, hyper, step);
      }
      for (size_t i = 0; i < p.size(); ++i) {
        const std::string index = " " + std::to_string(i);
        naive::expect_close(naive::values_of(p[i]), expected[i], tolerance(dtype, 0.05),
                            "parameter" + index);
        naive::expect_close(naive::values_of(m[i]), m_expected[i], tolerance(dtype, 4),
                            "m" + index);
        naive::expect_close(naive::values_of(v[i]), v_expected[i], tolerance(dtype, 8),
                            "v" + index);
      }
    }
  }
}

// ---- Layouts: each operand in each layout gives what dense operands give, to the bit

template <class Step>
void expect_same_in_all_layouts(DType dtype, int operands, Step step) {
  const Dims shape = {5, 7, 9};
  std::vector<Values> values;
  for (int k = 0; k < operands; ++k) {
    // The last is a second moment in Adam, so all are positive.
    values.push_back(naive::random_values(dtype, count_elements(shape), uint32_t(k), 0.5, 2));
  }
  Tensors dense;
  for (const Values& v : values) dense.push_back(naive::tensor(dtype, shape, v));
  step(dense);
  const size_t layouts = naive::layouts(dtype, shape, values[0]).size();
  for (size_t layout = 0; layout < layouts; ++layout) {
    for (int odd = -1; odd < operands; ++odd) {  // one operand in this layout, or all
      Tensors mixed;
      for (int k = 0; k < operands; ++k) {
        const auto all = naive::layouts(dtype, shape, values[size_t(k)]);
        mixed.push_back(all[odd == -1 || odd == k ? layout : 0].tensor);
      }
      step(mixed);
      for (int k = 0; k < operands; ++k) {
        EXPECT_EQ(naive::values_of(mixed[size_t(k)]), naive::values_of(dense[size_t(k)]))
            << name_of(dtype) << ", layout " << layout << ", operand " << odd << ", result " << k;
      }
    }
  }
}

TEST(SgdStep, SameInAllLayouts) {
  for (const DType dtype : kFloats) {
    expect_same_in_all_layouts(dtype, 3, [](const Tensors& t) {
      sgd_step_({t[0]}, {t[1]}, {t[2]}, {.lr = 0.1, .momentum = 0.9, .nesterov = true}, false);
    });
  }
}

TEST(AdamStep, SameInAllLayouts) {
  for (const DType dtype : kFloats) {
    expect_same_in_all_layouts(dtype, 4, [](const Tensors& t) {
      adam_step_({t[0]}, {t[1]}, {t[2]}, {t[3]}, {.lr = 0.1, .weight_decay = 0.1}, 3);
    });
  }
}

TEST(SgdStep, ABroadcastGradientCounts) {
  const Tensor p = zeros({3, 4});
  const Tensor g = arange(3, {kF32}).reshape({3, 1}).expand({3, 4});
  sgd_step_({p}, {g}, {}, {.lr = 1}, true);
  EXPECT_EQ(naive::values_of(p), (Values{0, 0, 0, 0, -1, -1, -1, -1, -2, -2, -2, -2}));
}

// ---- Same bits

class Threads {
 public:
  explicit Threads(int n) : before_(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before_); }

 private:
  int before_;
};

TEST(UpdateStep, SameBitsForAnyNumberOfThreads) {
  const Dims shapes[] = {{100'003}, {17}, {300, 211}, {1}, {64, 3, 5, 5}};
  auto run = [&](int threads) {
    const Threads guard(threads);
    Tensors p, g, m, v;
    uint32_t seed = 0;
    for (const Dims& shape : shapes) {
      const int64_t n = count_elements(shape);
      p.push_back(naive::tensor(kF32, shape, naive::random_values(kF32, n, ++seed)));
      g.push_back(naive::tensor(kF32, shape, naive::random_values(kF32, n, ++seed)));
      m.push_back(zeros(shape));
      v.push_back(zeros(shape));
    }
    for (int step = 1; step <= 3; ++step) {
      adam_step_(p, g, m, v, {.lr = 0.01, .weight_decay = 0.1, .decoupled = true}, step);
      sgd_step_(p, g, m, {.lr = 0.01, .momentum = 0.9}, false);
    }
    return p;
  };
  const Tensors one = run(1);
  for (const int threads : {2, 7}) {
    const Tensors many = run(threads);
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_TRUE(naive::same_bits(one[i], many[i])) << threads << " threads, tensor " << i;
    }
  }
}

TEST(UpdateStep, NumbersMayBeTensors) {
  auto run = [](bool in_tensors) {
    const Tensor p = naive::tensor(kF32, {50}, naive::random_values(kF32, 50, 1));
    const Tensor g = naive::tensor(kF32, {50}, naive::random_values(kF32, 50, 2));
    const Tensor m = zeros({50}), v = zeros({50});
    const Tensor lr = full({}, 0.25), step = zeros({}, kI64);
    for (int64_t i = 1; i <= 3; ++i) {
      if (in_tensors) {
        add_(step, 1);
        adam_step_({p}, {g}, {m}, {v}, {.lr = 77}, lr, step);
        sgd_step_({p}, {g}, {m}, {.lr = 77, .momentum = 0.9}, false, lr);
      } else {
        adam_step_({p}, {g}, {m}, {v}, {.lr = 0.25}, i);
        sgd_step_({p}, {g}, {m}, {.lr = 0.25, .momentum = 0.9}, false);
      }
    }
    return p;
  };
  EXPECT_TRUE(naive::same_bits(run(true), run(false)));
}

TEST(PlainForms, SameBitsAsTheFusedOnesAndNothingIsWritten) {
  for (const DType dtype : kFloats) {
    SCOPED_TRACE(name_of(dtype));
    const Dims shape = {9, 37};
    auto make = [&](uint32_t seed) {
      return naive::tensor(dtype, shape, naive::random_values(dtype, 9 * 37, seed, 0.5, 2));
    };
    auto unchanged = [&](const Tensor& t, uint32_t seed) {
      return naive::same_bits(t, make(seed));
    };
    const Tensor p = make(1), g = make(2), m = make(3), v = make(4);
    {
      const Tensor fused = clone(p);
      sgd_step_({fused}, {g}, {}, {.lr = 0.1}, true);
      EXPECT_TRUE(naive::same_bits(sgd_update(p, g, 0.1), fused));
    }
    {
      const Tensor fused = clone(p), velocity = clone(m);
      sgd_step_({fused}, {g}, {velocity}, {.lr = 0.1, .momentum = 0.9}, false);
      const auto plain = sgd_momentum_update(p, g, m, 0.1, 0.9);
      EXPECT_TRUE(naive::same_bits(plain.parameter, fused));
      EXPECT_TRUE(naive::same_bits(plain.velocity, velocity));
    }
    {
      const Tensor fused = clone(p), fused_m = clone(m), fused_v = clone(v);
      adam_step_({fused}, {g}, {fused_m}, {fused_v},
                 {.lr = 0.1, .beta1 = 0.8, .beta2 = 0.9, .eps = 1e-3}, 4);
      const auto plain = adam_update(p, g, m, v, 0.1, 0.8, 0.9, 1e-3, 4);
      EXPECT_TRUE(naive::same_bits(plain.parameter, fused));
      EXPECT_TRUE(naive::same_bits(plain.m, fused_m));
      EXPECT_TRUE(naive::same_bits(plain.v, fused_v));
    }
    {
      const Tensor fused = clone(p), fused_m = clone(m), fused_v = clone(v);
      adam_step_({fused}, {g}, {fused_m}, {fused_v},
                 {.lr = 0.1, .weight_decay = 0.2, .decoupled = true}, 1);
      const auto plain = adamw_update(p, g, m, v, 0.1, 0.9, 0.999, 1e-8, 0.2, 1);
      EXPECT_TRUE(naive::same_bits(plain.parameter, fused));
      EXPECT_TRUE(naive::same_bits(plain.m, fused_m));
      EXPECT_TRUE(naive::same_bits(plain.v, fused_v));
    }
    EXPECT_TRUE(unchanged(p, 1) && unchanged(g, 2) && unchanged(m, 3) && unchanged(v, 4));
  }
}

TEST(PlainForms, ZeroMomentumIsPlainDescent) {
  const auto result = sgd_momentum_update(ones({3}), full({3}, 2.0), full({3}, 9.0), 0.5, 0.0);
  EXPECT_EQ(naive::values_of(result.parameter), (Values{0, 0, 0}));
  EXPECT_EQ(naive::values_of(result.velocity), (Values{2, 2, 2}));
}

TEST(PlainForms, Gradients) {
  auto make = [](uint32_t seed) {
    return naive::tensor(kF64, {2, 3}, naive::random_values(kF64, 6, seed, 0.5, 2));
  };
  const Tensor p = make(1), g = make(2), m = make(3), v = make(4);
  check_gradients([](const Tensors& x) { return sgd_update(x[0], x[1], 0.3); }, {p, g},
                  "sgd_update", Order::kFirst);
  check_gradients(
      [](const Tensors& x) {
        const auto y = sgd_momentum_update(x[0], x[1], x[2], 0.3, 0.7);
        return y.parameter + 2 * y.velocity;
      },
      {p, g, m}, "sgd_momentum_update", Order::kFirst);
  check_gradients(
      [=](const Tensors& x) { return sgd_momentum_update(p, x[0], x[1], 0.3, 0.7).velocity; },
      {g, m}, "sgd_momentum_update, velocity alone", Order::kFirst);
  check_gradients(
      [](const Tensors& x) {
        const auto y = adam_update(x[0], x[1], x[2], x[3], 0.3, 0.7, 0.8, 0.1, 2);
        return y.parameter + 2 * y.m + 3 * y.v;
      },
      {p, g, m, v}, "adam_update");
  check_gradients(
      [](const Tensors& x) {
        return adamw_update(x[0], x[1], x[2], x[3], 0.3, 0.7, 0.8, 0.1, 0.2, 2).parameter;
      },
      {p, g, m, v}, "adamw_update, parameter alone");
  for (const int output : {1, 2}) {
    const Tensor& state = output == 1 ? m : v;
    check_gradients(
        [=](const Tensors& x) {
          return adam_update(p, x[0], output == 1 ? x[1] : m, output == 2 ? x[1] : v, 0.3, 0.7, 0.8,
                             0.1, 2)
              .values()[size_t(output)];
        },
        {g, state}, "adam_update, output " + std::to_string(output), Order::kFirst);
  }
}

TEST(PlainForms, TheGradientOfAnElementNeverTouchedIsFinite) {
  // With m = v = g = 0 the step is -lr / eps times the change of m.
  Tensor g = zeros({2}, {kF64, Device(), true});
  const Tensor zero = zeros({2}, {kF64});
  const Tensor p = adam_update(ones({2}, {kF64}), g, zero, zero, 0.5, 0.5, 0.9, 0.25, 1).parameter;
  p.backward(ones({2}, {kF64}));
  naive::expect_close(naive::values_of(g.grad()), {-2, -2}, {1e-12, 0}, "gradient");
}

// ---- Errors, whole

TEST(UpdateStep, Errors) {
  const Tensor p = ones({2, 3}), g = ones({2, 3}), a = ones({4}), b = ones({4});
  const Tensor none;
  const SgdHyper momentum{.momentum = 0.9};
  expect_error<ValueError>(
      [&] {
        sgd_step_({p}, {g, g}, {}, {}, true);
      },
      "sgd_step_: 2 gradients for 1 parameters");
  expect_error<ValueError>([&] { sgd_step_({p}, {g}, {}, momentum, true); },
                           "sgd_step_: 0 velocities for 1 parameters");
  expect_error<ValueError>([&] { sgd_step_({p}, {g}, {a}, {}, true); },
                           "sgd_step_: velocities are given, but the momentum is 0");
  expect_error<ShapeError>(
      [&] {
        sgd_step_({p, a}, {g, g}, {}, {}, true);
      },
      "sgd_step_: gradient 1 has shape [2, 3], parameter 1 has [4]");
  expect_error<DtypeError>(
      [&] {
        sgd_step_({p, a}, {g, ones({4}, {kF64})}, {}, {}, true);
      },
      "sgd_step_: gradient 1 is f64, parameter 1 is f32");
  expect_error<DtypeError>(
      [&] { sgd_step_({ones({4}, {kI64})}, {ones({4}, {kI64})}, {}, {}, true); },
      "sgd_step_: parameter 0 is i64; only floating-point tensors can be optimized");
  expect_error<ValueError>([&] { sgd_step_({none}, {g}, {}, {}, true); },
                           "sgd_step_: input 0 is an undefined tensor");
  expect_error<ValueError>(
      [&] {
        sgd_step_({p}, {g}, {p}, {.momentum = 0.9, .dampening = 0.5, .nesterov = true}, true);
      },
      "sgd_step_: nesterov needs a momentum above 0 and no dampening; momentum is 0.9, dampening "
      "0.5");
  expect_error<ValueError>([&] { adam_step_({p}, {g}, {p}, {}, {}, 1); },
                           "adam_step_: 0 second moments for 1 parameters");
  const Tensor m = zeros({2, 3}), v = zeros({2, 3});
  expect_error<ValueError>([&] { adam_step_({p}, {g}, {m}, {v}, {}, 0); },
                           "adam_step_: step is 0; steps count from 1");
  expect_error<ValueError>([&] { adam_step_({p}, {g}, {m}, {v}, {.beta2 = 1}, 1); },
                           "adam_step_: beta is 1; it must be in [0, 1)");
  expect_error<ShapeError>([&] { adam_step_({p}, {g}, {m}, {v}, {}, full({}, 0.1), ones({2})); },
                           "adam_step_: step must be a number or a 0-d tensor, it has shape [2]");
  expect_error<DtypeError>([&] { sgd_step_({p}, {g}, {}, {}, true, full({}, true)); },
                           "sgd_step_: lr is bool");
  // A 0-d tensor of the CPU may join other ops of a device, but not be written there.
  const Tensor elsewhere = ones({2, 3}, kMeta), scalar = ones({});
  expect_error<DeviceError>(
      [&] {
        sgd_step_({elsewhere, scalar}, {elsewhere, scalar}, {}, {}, true);
      },
      "sgd_step_: parameter 1 is on cpu, parameter 0 on meta; a step is of one device");
  expect_error<ShapeError>([&] { adam_step_({p}, {g}, {m}, {a}, {}, 1); },
                           "adam_step_: v 0 has shape [4], parameter 0 has [2, 3]");
  expect_error<ShapeError>([&] { sgd_update(p, a, 0.1); },
                           "sgd_update: gradient has shape [4], parameter has [2, 3]");
  expect_error<ShapeError>([&] { adamw_update(p, g, m, a); },
                           "adamw_update: adam_update: v has shape [4], parameter has [2, 3]");
}

TEST(UpdateStep, TensorsThatAreWrittenMayNotShareMemory) {
  const Tensor p = ones({6}), g = ones({6}), q = ones({6});
  const SgdHyper momentum{.momentum = 0.9};
  expect_error<ValueError>(
      [&] {
        sgd_step_({p, p}, {g, g}, {}, {}, true);
      },
      "sgd_step_: parameter 1 shares memory with parameter 0; a step writes each "
      "tensor once");
  expect_error<ValueError>(
      [&] { sgd_step_({p}, {g}, {p}, momentum, true); },
      "sgd_step_: velocity 0 shares memory with parameter 0; a step writes each "
      "tensor once");
  expect_error<ValueError>(
      [&] { sgd_step_({p}, {p}, {}, {}, true); },
      "sgd_step_: gradient 0 shares memory with parameter 0; a step writes each "
      "tensor once");
  expect_error<ValueError>(
      [&] { sgd_step_({ones({1}).expand({6})}, {g}, {}, {}, true); },
      "sgd_step_: parameter 0, of shape [6] and strides [0], names some elements more "
      "than once");
  // Neighbours in one block are apart, and gradients are only read.
  sgd_step_({p.slice(0, 0, 3), p.slice(0, 3, 6)}, {g.slice(0, 0, 3), g.slice(0, 0, 3)}, {},
            {.lr = 0.5}, true);
  sgd_step_({q}, {g}, {}, {.lr = 0.5}, true);
  EXPECT_EQ(naive::values_of(p), Values(6, 0.5));
  EXPECT_EQ(naive::values_of(q), Values(6, 0.5));
}

TEST(UpdateStep, NothingToDoIsFine) {
  sgd_step_({}, {}, {}, {}, true);
  adam_step_({}, {}, {}, {}, {}, 1);
  sgd_step_({ones({0})}, {ones({0})}, {}, {}, true);
}

TEST(UpdateStep, MetaTensorsAreOnlyChecked) {
  const Tensor p = empty({2}, {kMeta}), g = empty({2}, {kMeta});
  sgd_step_({p}, {g}, {}, {}, true);
  EXPECT_TRUE(sgd_update(p, g, 0.1).device().is_meta());
  EXPECT_THROW(sgd_step_({p}, {empty({3}, {kMeta})}, {}, {}, true), ShapeError);
}

// ---- The graph

TEST(UpdateStep, ParametersInAGraphNeedNoGrad) {
  Tensor p = ones({2});
  p.requires_grad_();
  expect_error<AutogradError>(
      [&] { sgd_step_({p}, {ones({2})}, {}, {}, true); },
      "sgd_step_: input 0 is written in place and needs a gradient; run this under "
      "NoGrad");
}

TEST(UpdateStep, AGraphNoticesThatItsTensorsWereStepped) {
  Tensor p = ones({2}), x = ones({2});
  p.requires_grad_();
  x.requires_grad_();
  const Tensor y = (p * x).sum();
  {
    const NoGrad no_grad;
    sgd_step_({p}, {ones({2})}, {}, {}, true);
  }
  EXPECT_THROW(y.backward(), AutogradError);
}

}  // namespace
}  // namespace entasis
