// Changes in place through views (rule 1): values and gradients of both orders are those of the
// same program written out of place; what cannot be recorded raises and says why.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/core/op.h>
#include <entasis/entasis.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

// The largest difference, relative to the largest element where that is above 1.
double difference(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) return INFINITY;
  if (a.numel() == 0) return 0;
  const double largest = amax(abs(b.detach())).item();
  return amax(abs(sub(a.detach(), b.detach()))).item() / std::max(1.0, largest);
}

// Gradients of the first and second order of what `program` makes of two leaves.
struct Found {
  Tensor value;
  Tensors first, second;
};
using Program = std::function<Tensor(const Tensor& x, const Tensor& w)>;

Found run(const Program& program, const Dims& x_shape, const Dims& w_shape) {
  manual_seed(11);
  const Tensor x = randn(x_shape, kF64).requires_grad_(), w = randn(w_shape, kF64).requires_grad_();
  GradOptions options;
  options.create_graph = true;
  Found found;
  found.value = program(x, w);
  const Tensor weights = randn(found.value.shape(), kF64);
  found.first = grad({(found.value * found.value * weights).sum()}, {x, w}, options);
  const Tensor total = (found.first[0] * found.first[0]).sum() + found.first[1].exp().sum();
  found.second = grad({total}, {x, w});
  return found;
}

void expect_same(const char* name, const Dims& x_shape, const Dims& w_shape,
                 const Program& in_place, const Program& out_of_place) {
  SCOPED_TRACE(name);
  const Found a = run(in_place, x_shape, w_shape), b = run(out_of_place, x_shape, w_shape);
  EXPECT_LT(difference(a.value, b.value), 1e-14);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_LT(difference(a.first[i], b.first[i]), 1e-12) << "gradient " << i;
    EXPECT_LT(difference(a.second[i], b.second[i]), 1e-10) << "second gradient " << i;
  }
}

using In2 = const Tensor&;

TEST(ViewUpdate, GivesTheGradientsOfTheProgramOutOfPlace) {
  expect_same(
      "a row of what needs a gradient", {3, 4}, {4},
      [](In2 x, In2 w) {
        Tensor h = x * 2;
        h[1].mul_(w);
        return sin(h);
      },
      [](In2 x, In2 w) {
        const Tensor h = x * 2;
        return sin(cat({h.slice(0, 0, 1), unsqueeze(h[1] * w, 0), h.slice(0, 2, 3)}, 0));
      });
  expect_same(
      "a column of what needs none", {3}, {3},
      [](In2 x, In2 w) {
        Tensor h = ones({3, 4}, kF64);
        h.select(1, 2).add_(x * w);
        return h.exp();
      },
      [](In2 x, In2 w) {
        const Tensor h = ones({3, 4}, kF64);
        return cat({h.slice(1, 0, 2), unsqueeze(1 + x * w, 1), h.slice(1, 3, 4)}, 1).exp();
      });
  expect_same(
      "copied over, and filled", {3, 4}, {4},
      [](In2 x, In2 w) {
        Tensor h = x * 1;
        h[0].copy_(w * w);
        h.diagonal().fill_(0);
        return h * h;
      },
      [](In2 x, In2 w) {
        const Tensor h = cat({unsqueeze(w * w, 0), x.slice(0, 1, 3)}, 0);
        return (h * (1 - eye(3, 4, kF64))) * (h * (1 - eye(3, 4, kF64)));
      });
  expect_same(
      "a chain of views of a permuted base", {4, 3}, {2},
      [](In2 x, In2 w) {
        Tensor h = (x * 3).t();  // a view: the base is what it views
        h.slice(1, 0, 4, 2)[1].mul_(w);
        return h.tanh();
      },
      [](In2 x, In2 w) {
        const Tensor h = (x * 3).t();
        const Tensor ones_ = ones({1}, kF64);
        const Tensor row = cat({w.slice(0, 0, 1), ones_, w.slice(0, 1, 2), ones_}, 0);
        return (h * cat({ones({1, 4}, kF64), unsqueeze(row, 0), ones({1, 4}, kF64)}, 0)).tanh();
      });
  expect_same(
      "twice, and the base between", {3, 4}, {4},
      [](In2 x, In2 w) {
        Tensor h = x * 1;
        Tensor row = h[0];
        row.mul_(w);
        h.mul_(2);
        row.add_(w);
        h[2].add_(row);
        return h;
      },
      [](In2 x, In2 w) {
        const Tensor first = x[0] * w * 2 + w, last = x[2] * 2 + first;
        return stack({first, x[1] * 2, last}, 0);
      });
  expect_same(
      "a gradient that reads what the view was", {3, 4}, {4},
      [](In2 x, In2 w) {
        Tensor h = x * 1;
        Tensor v = h[1];
        v.mul_(v);
        v.mul_(w);
        return h;
      },
      [](In2 x, In2 w) {
        return stack({x[0], x[1] * x[1] * w, x[2]}, 0);
      });
  expect_same(
      "parts of a split", {4, 2}, {2},
      [](In2 x, In2 w) {
        Tensor h = x * 1;
        unbind(h, 0)[3].mul_(w);
        return h;
      },
      [](In2 x, In2 w) {
        return stack({x[0], x[1], x[2], x[3] * w}, 0);
      });
  expect_same(
      "a channels-last base", {2, 3, 2, 2}, {2, 2},
      [](In2 x, In2 w) {
        Tensor h = channels_last(x * 1);
        h.select(1, 1)[0].mul_(w);
        return h * h;
      },
      [](In2 x, In2 w) {
        const Tensor one = ones({2, 2}, kF64);
        const Tensor first = stack({one, w, one}, 0),
                     h = x * stack({first, ones({3, 2, 2}, kF64)}, 0);
        return h * h;
      });
}

TEST(ViewUpdate, EveryViewFollows) {
  Tensor w = full({4}, 3, kF64).requires_grad_();
  Tensor base = ones({3, 4}, kF64);
  Tensor row = base[0], sibling = base[1], whole = base.reshape({12});
  const Tensor column = base.select(1, 0);
  row.mul_(w);
  for (const Tensor& t : {base, row, sibling, whole, column}) {
    EXPECT_TRUE(t.requires_grad());
    EXPECT_FALSE(t.is_leaf());
  }
  EXPECT_STREQ(base.grad_fn()->op->name, "view_update");
  EXPECT_EQ(grad({whole.sum()}, {w}, {.retain_graph = true})[0].sum().item(), 4);
  EXPECT_EQ(grad({column.sum()}, {w}, {.retain_graph = true})[0].sum().item(), 1);
  EXPECT_EQ(grad({sibling.sum()}, {w})[0].sum().item(), 0);

  // The base changed as a whole: views of it are views of what it became.
  Tensor h = w * 2;
  Tensor part = h.slice(0, 0, 2);
  h.mul_(3);
  EXPECT_EQ(grad({part.sum()}, {w})[0].sum().item(), 12);
}

TEST(ViewUpdate, UnrecordedChangesStayUnrecorded) {
  Tensor base = zeros({3}, kF64);
  base[0].add_(1);
  EXPECT_FALSE(base.requires_grad());
  EXPECT_EQ(base.impl()->storage->recorded_writes, 0u);
  Tensor x = ones({3}, kF64).requires_grad_();
  {
    const NoGrad no_grad;
    x[1].fill_(5);
  }
  EXPECT_TRUE(x.is_leaf());
  EXPECT_EQ(x[1].item(), 5);
}

TEST(ViewUpdate, RetainedGradientsMoveOn) {
  Tensor x = ones({2, 2}, kF64).requires_grad_();
  Tensor h = x * 1;
  h.retain_grad();
  h[0].mul_(2);
  (h * 3).sum().backward();
  EXPECT_EQ(h.grad().sum().item(), 12);
  EXPECT_EQ(x.grad().sum().item(), 18);
}

TEST(ViewUpdate, AViewThatLosesItsHistoryAsksForNoGradient) {
  Tensor x = ones({2, 2}, kF64).requires_grad_();
  Tensor base = x * 1, loss;
  {
    Tensor row = base[0];
    row.retain_grad();
    loss = row.sum();
    base.mul_(2);  // the row's history is stale
    base.detach_();
    EXPECT_FALSE(row.requires_grad());
  }
  loss.backward();  // must not look for the row, which is gone
  EXPECT_EQ(x.grad().sum().item(), 2);
}

TEST(ViewUpdate, GraphsOfUpdatesDie) {
  // A node that keeps a view must not keep the base, whose history leads to that node.
  WeakStorage storage;
  {
    Tensor w = ones({4}, kF64).requires_grad_();
    Tensor base = zeros({3, 4}, kF64);
    storage = WeakStorage(base.impl()->storage);
    base[0].copy_(w);
    const Tensor read = base[0];
    base[1].add_(read * w * read);
  }
  EXPECT_FALSE(storage.lock());
}

template <class F>
void expect_message(F&& call, const std::string& fragment) {
  const std::string text = message_of<AutogradError>(call);
  EXPECT_NE(text.find(fragment), std::string::npos) << text;
}

TEST(ViewUpdate, WhatCannotBeRecordedSaysWhy) {
  Tensor x = ones({3, 4}, kF64).requires_grad_();
  expect_message([&] { x[0].mul_(2); }, "the target is a view of a leaf that needs a gradient");
  Tensor h = x * 1, hidden;
  {
    const NoGrad no_grad;
    hidden = h[0];
  }
  expect_message([&] { hidden.mul_(h[1]); }, "a view made under NoGrad");
  Tensor w = ones({4}, kF64).requires_grad_();
  Tensor gaps = ones({8}, kF64).as_strided({4}, {2}).detach();
  expect_message([&] { gaps.slice(0, 0, 4).mul_(w); }, "in which the change cannot be recorded");
  // An operand that lies askew in the target is read as it was, but has lost its values since.
  Tensor square = ones({2, 2}, kF64).requires_grad_() * 2;
  square.div_(square.t());
  EXPECT_THROW(square.sum().backward(), AutogradError);
  // Saved values that the change wrote over.
  Tensor k = x * 1;
  const Tensor kept = k[0].exp(), product = k[0] * w;
  k[0].add_(1);
  EXPECT_NO_THROW(kept.sum().backward({}, true));
  EXPECT_THROW(product.sum().backward(), AutogradError);
}

}  // namespace
}  // namespace entasis
