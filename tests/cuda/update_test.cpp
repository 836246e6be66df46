// Optimizer steps over more tensors than a table holds, of all dtypes and layouts, to the CPU's
// bits.
#include <cmath>

#include <entasis/core/cuda_graph.h>
#include <entasis/ops/update.h>

#include "compare.h"

namespace entasis {
namespace {

using CudaUpdate = CudaTest;

struct Lists {
  Tensors parameters, gradients, first, second;

  Lists to(Device device) const {
    Lists moved;
    const auto move = [device](const Tensors& from, Tensors& to) {
      for (const Tensor& t : from) {
        // A copy that lies as the original, also where that has gaps.
        const Tensor copy = device.is_cpu() ? clone(t) : t.to(device);
        if (t.dim() == 1 && t.strides()[0] == 2) {
          Tensor wide = zeros({t.numel(), 2}, {t.dtype(), device});
          to.push_back(select(wide, 1, 1));
          to.back().copy_(copy);
        } else if (t.storage_offset() == 1) {
          Tensor wide = zeros({t.numel() + 1}, {t.dtype(), device});
          to.push_back(slice(wide, 0, 1, t.numel() + 1));
          to.back().copy_(copy);
        } else {
          to.push_back(copy);
        }
      }
    };
    move(parameters, moved.parameters);
    move(gradients, moved.gradients);
    move(first, moved.first);
    move(second, moved.second);
    return moved;
  }
};

Tensor of_layout(Tensor t, int layout) {
  switch (layout) {
    case 1: {  // gaps
      Tensor wide = zeros({t.numel(), 2}, t.dtype());
      Tensor gaps = select(wide, 1, 1);
      gaps.copy_(reshape(t, {t.numel()}));
      return gaps;
    }
    case 2: {  // misaligned
      Tensor wide = zeros({t.numel() + 1}, t.dtype());
      Tensor odd = slice(wide, 0, 1, t.numel() + 1);
      odd.copy_(reshape(t, {t.numel()}));
      return odd;
    }
    default:
      return reshape(t, {t.numel()});
  }
}

Lists make_lists(int count) {
  Lists lists;
  for (int i = 0; i < count; ++i) {
    const DType dtype = i % 11 == 3 ? kF64 : i % 11 == 5 ? kF16 : i % 11 == 7 ? kBF16 : kF32;
    const Dims shape{i % 13 == 4 ? 0 : i == 8 ? 9001 : 1 + 7 * (i % 9)};
    const int layout = i % 17 == 6 ? 1 : i % 17 == 9 ? 2 : 0;
    lists.parameters.push_back(of_layout(randn(shape).to(dtype), layout));
    lists.gradients.push_back(of_layout(randn(shape).to(dtype), i % 5 == 0 ? 0 : layout));
    lists.first.push_back(of_layout(randn(shape).to(dtype), layout));
    lists.second.push_back(of_layout(rand(shape).to(dtype), layout));
  }
  return lists;
}

template <class Step>
void compare_steps(int count, const Step& step) {
  manual_seed(7);
  const Lists lists = make_lists(count);
  const Lists here = lists.to(kCPU), there = lists.to(kCuda);
  step(here);
  step(there);
  for (size_t i = 0; i < size_t(count); ++i) {
    SCOPED_TRACE("tensor " + std::to_string(i));
    expect_same(there.parameters[i], here.parameters[i]);
    expect_same(there.first[i], here.first[i]);
    expect_same(there.second[i], here.second[i]);
  }
}

TEST_F(CudaUpdate, Sgd) {
  for (const int count : {1, 60, 500}) {
    compare_steps(count, [](const Lists& l) {
      sgd_step_(l.parameters, l.gradients, {}, {.lr = 0.1, .weight_decay = 0.01}, false);
    });
    for (const bool first : {true, false}) {
      compare_steps(count, [first](const Lists& l) {
        sgd_step_(l.parameters, l.gradients, l.first,
                  {.lr = 0.1, .momentum = 0.9, .dampening = 0.2}, first);
      });
    }
    compare_steps(count, [](const Lists& l) {
      sgd_step_(l.parameters, l.gradients, l.first,
                {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true}, false);
    });
  }
}

TEST_F(CudaUpdate, Adam) {
  for (const int count : {1, 60, 500}) {
    for (const bool decoupled : {true, false}) {
      compare_steps(count, [decoupled](const Lists& l) {
        adam_step_(l.parameters, l.gradients, l.first, l.second,
                   {.lr = 1e-2, .weight_decay = 0.1, .decoupled = decoupled}, 3);
      });
    }
  }
}

// Learning rate and step number on the device: as numbers, but for pow, which is not exact.
TEST_F(CudaUpdate, NumbersOnTheDevice) {
  manual_seed(8);
  Lists lists = make_lists(60);
  const auto step = [&](const Device& device, const auto& run) {
    const Lists own = lists.to(device);
    run(own);
    return own.parameters;
  };
  const Tensor lr = full({}, 0.1, kF64).to(kCuda), count = full({}, 7, kI64).to(kCuda);
  const Tensors there = step(kCuda, [&](const Lists& l) {
    adam_step_(l.parameters, l.gradients, l.first, l.second, {.weight_decay = 0.1}, lr, count);
  });
  const Tensors here = step(kCPU, [&](const Lists& l) {
    adam_step_(l.parameters, l.gradients, l.first, l.second, {.lr = 0.1, .weight_decay = 0.1}, 7);
  });
  for (size_t i = 0; i < there.size(); ++i) {
    const Tensor a = there[i].to(kCPU).to(kF64), b = here[i].to(kF64);
    for (int64_t k = 0; k < a.numel(); ++k) {
      const double want = b.index({k}).item(), bound = is_half(there[i].dtype()) ? 0x1p-7 : 1e-6;
      ASSERT_NEAR(a.index({k}).item(), want, bound * (1 + std::abs(want)));
    }
  }
  const Tensors sgd_there = step(kCuda, [&](const Lists& l) {
    sgd_step_(l.parameters, l.gradients, l.first, {.momentum = 0.9}, false, lr);
  });
  const Tensors sgd_here = step(kCPU, [&](const Lists& l) {
    sgd_step_(l.parameters, l.gradients, l.first, {.lr = 0.1, .momentum = 0.9}, false);
  });
  for (size_t i = 0; i < sgd_there.size(); ++i) expect_same(sgd_there[i], sgd_here[i]);
}

// A replayed step counts on and follows a change of the learning rate.
TEST_F(CudaUpdate, ACapturedStepCountsOn) {
  const auto run = [](bool captured) {
    Tensor p = ramp(100, 0.01), m = zeros({100}, kCuda), v = zeros({100}, kCuda);
    const Tensor g = ramp(100, 0.3);
    Tensor lr = full({}, 0.5, {kF64, kCuda}), count = zeros({}, {kI64, kCuda});
    CudaGraph graph;
    for (int i = 0; i < 6; ++i) {
      if (i == 3) lr.fill_(0.125);
      const auto step = [&] {
        count.add_(1);
        adam_step_({p}, {g}, {m}, {v}, {.decoupled = true}, lr, count);
      };
      if (!captured) {
        step();
      } else {
        if (!graph.captured()) graph.capture(step);
        graph.replay();
      }
    }
    EXPECT_EQ(count.item<int64_t>(), 6);
    return p;
  };
  expect_same(run(true), run(false).to(kCPU));
}

}  // namespace
}  // namespace entasis
