// The road of an op, and what the user reads when something on it is wrong: each error with its
// whole message and the line of the call.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/core/interceptor.h>
#include <entasis/core/kernels.h>
#include <entasis/core/row.h>
#include <entasis/entasis.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

// The message of the E that `f` throws. `line` is where the call in f stands.
std::string here(int line) { return " — road_test.cpp:" + std::to_string(line); }

TEST(Errors, ShapeNamesOpShapesAndLine) {
  const Tensor a = zeros({64, 32}), b = zeros({31, 16});
  const std::string text = message_of<ShapeError>([&] { matmul(a, b); });
  EXPECT_EQ(text, "matmul: inner sizes differ: input is [64, 32], other is [31, 16] (32 vs 31)" +
                      here(__LINE__ - 2));
}

TEST(Errors, OperatorsKnowTheirLine) {
  const Tensor a = zeros({2, 3}), b = zeros({4});
  const std::string text = message_of<ShapeError>([&] { a + b; });
  EXPECT_EQ(text, "add: shapes do not broadcast: [2, 3] and [4] (3 vs 4 in dimension 1)" +
                      here(__LINE__ - 2));
}

TEST(Errors, DtypeNamesBoth) {
  const Tensor a = zeros({2, 3}), b = zeros({3, 2}, kF64);
  const std::string text = message_of<DtypeError>([&] { matmul(a, b); });
  EXPECT_EQ(text, "matmul: dtypes differ: input is f32, other is f64" + here(__LINE__ - 1));
}

TEST(Errors, DeviceNamesBoth) {
  const Tensor a = zeros({2}), b = zeros({2}, kMeta);
  const std::string text = message_of<DeviceError>([&] { a* b; });
  EXPECT_EQ(text, "mul: inputs are on different devices: cpu and meta" + here(__LINE__ - 1));
}

TEST(Errors, MissingBackendSaysWhatIsMissing) {
  if (device_count(DeviceType::kCUDA) > 0) GTEST_SKIP() << "there is a CUDA device";
  const std::string text = message_of<DeviceError>([&] { zeros({2}, Device(DeviceType::kCUDA)); });
  EXPECT_NE(text.find("no cuda device: " + why_no_device(DeviceType::kCUDA)), std::string::npos)
      << text;
}

TEST(Errors, IndexNamesValuePositionAndSize) {
  const Tensor weight = zeros({10, 4});
  const Tensor ids = from_data(std::vector<int64_t>{1, 2, 3, 12}, {4});
  const std::string text = message_of<IndexError>([&] { embedding(ids, weight); });
  EXPECT_EQ(text, "embedding: index 12 at position 3 is out of range for dimension 0 of size 10" +
                      here(__LINE__ - 2));
}

TEST(Errors, UndefinedOperand) {
  const Tensor a = zeros({2});
  const std::string text = message_of<ValueError>([&] { add(a, Tensor()); });
  EXPECT_EQ(text, "add: input 1 is an undefined tensor" + here(__LINE__ - 1));
}

TEST(Errors, CompositesNameThemselvesAndTheUsersLine) {
  const Tensor a = zeros({2, 3}), b = zeros({2, 4});
  const std::string text = message_of<ShapeError>([&] { mse_loss(a, b); });
  EXPECT_EQ(text.rfind("mse_loss", 0), 0u) << text;
  EXPECT_NE(text.find(here(__LINE__ - 2)), std::string::npos) << text;
}

TEST(Errors, ModulePathIsNamed) {
  const ModuleScope model("model"), fc("fc1");
  const Tensor a = zeros({2, 3});
  const std::string text = message_of<ShapeError>([&] { a + zeros({4}); });
  EXPECT_EQ(text,
            "add: shapes do not broadcast: [2, 3] and [4] (3 vs 4 in dimension 1) — in model.fc1, "
            "road_test.cpp:" +
                std::to_string(__LINE__ - 4));
}

TEST(Errors, OverwrittenSavedTensor) {
  Tensor x = ones({3}).requires_grad_();
  Tensor y = exp(x);
  const int line = __LINE__ - 1;
  y.add_(1);
  const std::string text = message_of<AutogradError>([&] { y.sum().backward(); });
  EXPECT_EQ(text,
            "exp: output 0 of exp, of shape [3], was saved for the gradient and then overwritten "
            "(writes: 0, now 1); clone() it before the in-place op — in the gradient of exp, "
            "road_test.cpp:" +
                std::to_string(line));
}

TEST(Errors, StaleHistory) {
  Tensor x = ones({3, 2}).requires_grad_();
  Tensor h = x * 2;
  Tensor v = h.detach()[0];
  h.mul_(3);
  const std::string text = message_of<AutogradError>([&] { v + 1; });
  EXPECT_EQ(text,
            "add: input 0, of shape [2], has a stale history: its storage was changed in place "
            "through another tensor since; take the view again after the change, or clone() it "
            "before" +
                here(__LINE__ - 5));
}

TEST(Errors, SecondBackwardNeedsRetainGraph) {
  Tensor x = ones({3}).requires_grad_();
  Tensor loss = exp(x).sum();
  loss.backward();
  const std::string text = message_of<AutogradError>([&] { loss.backward(); });
  EXPECT_NE(text.find("the graph of exp was already used by a backward pass; keep it with "
                      "retain_graph"),
            std::string::npos)
      << text;
}

// ---- An op from outside of the library (rule 15), in each form that a rule can have.

struct Twice {
  static constexpr const char* name = "test_twice";
  bool operator==(const Twice&) const = default;
};
struct NoKernel {
  static constexpr const char* name = "test_no_kernel";
  bool operator==(const NoKernel&) const = default;
};
struct Positive {  // two-phase: the positive elements of a 1-d tensor
  static constexpr const char* name = "test_positive";
  bool operator==(const Positive&) const = default;
};
struct Reversed {  // with scratch memory
  static constexpr const char* name = "test_reversed";
  bool operator==(const Reversed&) const = default;
};
struct Bump {  // writes its first input
  static constexpr const char* name = "test_bump";
  double by = 1;
  bool operator==(const Bump&) const = default;
  void visit(auto& v) const { v("by", by); }
};

}  // namespace

template <>
struct Rule<Twice> {
  static Spec infer(const Twice&, Inputs in) { return in[0].tensor().spec(); }
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Twice&, const Saved&, Grads gy) { return {gy[0] * 2}; }
};
template <>
struct Rule<NoKernel> {
  static Spec infer(const NoKernel&, Inputs in) { return in[0].tensor().spec(); }
};
template <>
struct Rule<Positive> {
  static constexpr OpFlags flags = kDataDependent;
  static Spec infer(const Positive&, Inputs in, Counts counts) {
    return Spec::dense(in[0].dtype(), {counts[0]});
  }
};
template <>
struct Rule<Reversed> {
  static Spec infer(const Reversed&, Inputs in) { return Spec::dense(kF32, in[0].shape()); }
};
template <>
struct Rule<Bump> {
  static bool mutates(const Bump&, int input, int) { return input == 0; }
  static Spec infer(const Bump&, Inputs in) { return in[0].tensor().spec(); }
};

namespace {

void twice_kernel(CpuContext&, const Twice&, Inputs in, Outputs out) {
  for (int64_t i = 0; i < out[0].numel(); ++i) {
    out[0].raw_as<float>()[i] = 2 * in[0].data<float>()[i];
  }
}
void count_positive(CpuContext&, const Positive&, Inputs in, std::span<int64_t> counts) {
  for (int64_t i = 0; i < in[0].numel(); ++i) counts[0] += in[0].data<float>()[i] > 0;
}
void positive_kernel(CpuContext&, const Positive&, Inputs in, Outputs out) {
  float* to = out[0].raw_as<float>();
  for (int64_t i = 0; i < in[0].numel(); ++i) {
    if (in[0].data<float>()[i] > 0) *to++ = in[0].data<float>()[i];
  }
}
size_t reversed_scratch(const Reversed&, Inputs in, Outputs) {
  return size_t(in[0].numel()) * sizeof(float);
}
void reversed_kernel(CpuContext& context, const Reversed&, Inputs in, Outputs out) {
  float* scratch = context.scratch<float>();
  const int64_t n = in[0].numel();
  for (int64_t i = 0; i < n; ++i) scratch[i] = in[0].data<float>()[n - 1 - i];
  for (int64_t i = 0; i < n; ++i) out[0].raw_as<float>()[i] = scratch[i];
}
void bump_kernel(CpuContext&, const Bump& op, Inputs in, Outputs) {
  const Tensor& t = in[0].tensor();
  for (int64_t i = 0; i < t.numel(); ++i) t.raw_as<float>()[i] += float(op.by);
}

Tensor test_twice(const Tensor& input, Location at = {}) { return apply(Twice{}, at, input); }

constinit const Row test_rows[] = {
    row<&test_twice>("test_twice", args("input"), "Twice the input."),
};
constinit OpInfo* const test_ops[] = {&op_info<Twice>, &op_info<NoKernel>, &op_info<Positive>,
                                      &op_info<Reversed>, &op_info<Bump>};
constinit const RowList test_list{test_rows, test_ops};

// Once for the process.
void register_test_ops() {
  static const bool done = [] {
    register_rows(test_list);
    Kernels cpu(DeviceType::kCPU);
    cpu.add<&twice_kernel>();
    cpu.add_two_phase<&positive_kernel, &count_positive>();
    cpu.add_with_scratch<&reversed_kernel, &reversed_scratch>();
    cpu.add<&bump_kernel>();
    return true;
  }();
  (void)done;
}

TEST(OutsideOp, RunsDifferentiatesAndIsInvokedByName) {
  register_test_ops();
  Tensor x = from_data({1, 2, 3}, {3}).requires_grad_();
  Tensor y = test_twice(x);
  EXPECT_EQ(y.data<float>()[2], 6);
  y.sum().backward();
  EXPECT_EQ(x.grad().data<float>()[1], 2);

  const Row* row = find_row("test_twice");
  ASSERT_NE(row, nullptr);
  const Value arguments[] = {Value(x)};
  const Results result = invoke(*row, arguments);
  EXPECT_EQ(std::get<Tensor>(result[0]).data<float>()[0], 2);
}

TEST(OutsideOp, NameIsTakenOnce) {
  register_test_ops();
  EXPECT_EQ(message_of<ValueError>([] { register_rows(test_list); }),
            "a row named 'test_twice' is already registered");
}

TEST(OutsideOp, InPlaceWithoutAGradientRaisesOnTensorsThatNeedOne) {
  register_test_ops();
  Tensor x = ones({2}).requires_grad_();
  Tensor h = x * 1;
  const std::string text = message_of<AutogradError>([&] { apply_in_place(Reversed{}, {}, h); });
  const std::string place = here(__LINE__ - 1);
  EXPECT_EQ(text,
            "test_reversed_: the target needs a gradient, and this change has none; change it "
            "under NoGrad or clone() it first" +
                place);
}

TEST(OutsideOp, MissingKernelIsNamed) {
  register_test_ops();
  const Tensor x = ones({2});
  const std::string text = message_of<DeviceError>([&] { apply(NoKernel{}, {}, x); });
  EXPECT_EQ(text, "test_no_kernel: no kernel for device cpu" + here(__LINE__ - 1));
}

TEST(OutsideOp, MetaRunsTheRuleAlone) {
  register_test_ops();
  const Tensor y = apply(NoKernel{}, {}, zeros({2, 5}, kMeta));
  EXPECT_EQ(y.shape(), (Dims{2, 5}));
  EXPECT_TRUE(y.device().is_meta());
}

TEST(OutsideOp, TwoPhaseShapesDependOnValues) {
  register_test_ops();
  const Tensor y = apply(Positive{}, {}, from_data({-1, 2, 0, 3}, {4}));
  ASSERT_EQ(y.shape(), (Dims{2}));
  EXPECT_EQ(y.data<float>()[1], 3);
  const Tensor meta = zeros({4}, kMeta);
  const std::string text = message_of<DeviceError>([&] { apply(Positive{}, {}, meta); });
  EXPECT_EQ(text,
            "test_positive: the result's shape depends on values, which a meta tensor does not "
            "have" +
                here(__LINE__ - 4));
}

TEST(OutsideOp, ScratchIsAskedForBeforeTheRun) {
  register_test_ops();
  const Tensor y = apply(Reversed{}, {}, from_data({1, 2, 3}, {3}));
  EXPECT_EQ(y.data<float>()[0], 3);
}

TEST(OutsideOp, MutatedInputsCountTheWrite) {
  register_test_ops();
  Tensor t = zeros({2});
  const uint32_t before = t.impl()->storage->writes;
  const Operand inputs[] = {t};
  apply_update(Bump{5}, {}, inputs);
  EXPECT_EQ(t.data<float>()[0], 5);
  EXPECT_EQ(t.impl()->storage->writes, before + 1);

  Tensor leaf = zeros({2}).requires_grad_();
  const Operand leaf_input[] = {leaf};
  const std::string text =
      message_of<AutogradError>([&] { apply_update(Bump{1}, {}, leaf_input); });
  EXPECT_EQ(text,
            "test_bump: input 0 is written in place and needs a gradient; run this under NoGrad" +
                here(__LINE__ - 3));
}

// ---- Rows

TEST(Rows, InvokeChecksItsArguments) {
  const Row* softmax = find_row("softmax");
  ASSERT_NE(softmax, nullptr);
  const Tensor x = zeros({2, 2});
  const Value too_few[] = {Value(x)};
  expect_error<ValueError>([&] { invoke(*softmax, too_few); },
                           "softmax: argument 'dim' is missing");
  const Value wrong[] = {Value(x), Value(std::string("a"))};
  expect_error<ValueError>([&] { invoke(*softmax, wrong); },
                           "softmax: argument 'dim' must be int, not string 'a'");
}

TEST(Rows, NumbersKeepTheirCategory) {
  const Row* add_row = find_row("add");
  ASSERT_NE(add_row, nullptr);
  const Tensor i = zeros({2}, kI32);
  const Value with_int[] = {Value(i), Value(int64_t{2})};
  const Value with_float[] = {Value(i), Value(2.0)};
  EXPECT_EQ(std::get<Tensor>(invoke(*add_row, with_int)[0]).dtype(), kI32);
  EXPECT_EQ(std::get<Tensor>(invoke(*add_row, with_float)[0]).dtype(), kF32);
}

TEST(Rows, AreSortedAndComplete) {
  std::string previous;
  for (const Row* row : all_rows()) {
    EXPECT_LT(previous, row->name);
    previous = row->name;
    EXPECT_GT(std::string(row->doc).size(), 10u) << row->name;
    for (const Argument& a : row->arguments()) EXPECT_NE(a.name, nullptr) << row->name;
  }
  EXPECT_GT(all_rows().size(), 60u);
}

// ---- Interceptors

struct Recorder : Interceptor {
  explicit Recorder(Rank rank, std::string label, std::string& log)
      : Interceptor(rank), label(std::move(label)), log(log) {}
  Action before(const OpCall& call) override {
    log += label + "<" + call.op.name + " ";
    return skip ? Action::kSkipKernel : Action::kRun;
  }
  void after(const OpCall& call, Outputs) override { log += label + ">" + call.op.name + " "; }
  std::string label;
  std::string& log;
  bool skip = false;
};

TEST(Interceptors, SeeEachOpInOrder) {
  std::string log;
  Recorder checks(Interceptor::Rank::kChecks, "c", log),
      profiler(Interceptor::Rank::kProfiler, "p", log);
  const Tensor x = ones({2});
  {
    const InterceptorGuard first(checks), second(profiler);
    exp(x);
  }
  EXPECT_EQ(log, "p<exp c<exp c>exp p>exp ");
  exp(x);
  EXPECT_EQ(log, "p<exp c<exp c>exp p>exp ");
}

TEST(Interceptors, MaySkipTheKernelButNotTheRule) {
  std::string log;
  Recorder tracer(Interceptor::Rank::kTracer, "t", log);
  tracer.skip = true;
  const Tensor x = ones({2, 3});
  const InterceptorGuard guard(tracer);
  const Tensor y = matmul(x, ones({3, 4}));
  EXPECT_EQ(y.shape(), (Dims{2, 4}));
}

// Rule 20: what a tracer needs of a call in backward.
struct Phases : Interceptor {
  Phases() : Interceptor(Rank::kTracer) {}
  Action before(const OpCall& call) override {
    if (call.phase == Phase::kBackward) {
      ++backward;
      lines.push_back(call.at.line);
    }
    return Action::kRun;
  }
  int backward = 0;
  std::vector<int> lines;
};

TEST(Interceptors, BackwardCallsCarryTheForwardLine) {
  Tensor x = ones({2}).requires_grad_();
  const Tensor y = tanh(x);
  const int line = __LINE__ - 1;
  Phases phases;
  const InterceptorGuard guard(phases);
  y.backward(ones({2}));
  ASSERT_GE(phases.backward, 1);
  for (int at : phases.lines) EXPECT_EQ(at, line);
}

// Rule 20: attributes compare and show their fields, so that traces can be held and checked.
TEST(Ops, AttributesCompareAndAreVisible) {
  for (const OpInfo* op : all_ops()) {
    EXPECT_NE(op->equal, nullptr) << op->name;
    EXPECT_NE(op->visit, nullptr) << op->name;
    EXPECT_TRUE((op->view != nullptr) != (op->infer != nullptr)) << op->name;
    EXPECT_EQ(op->vjp == nullptr, op->make_node == nullptr) << op->name;
  }
}

struct Nested : Interceptor {
  Nested() : Interceptor(Rank::kChecks) {}
  void after(const OpCall&, Outputs outputs) override {
    ++seen;
    total += outputs[0].sum().item();
  }
  int seen = 0;
  double total = 0;
};

TEST(Interceptors, DoNotSeeTheirOwnOps) {
  Nested nested;
  const InterceptorGuard guard(nested);
  const Tensor y = ones({3}) + 1;
  (void)y;
  EXPECT_GE(nested.seen, 1);
  EXPECT_LE(nested.seen, 3);
  EXPECT_GE(nested.total, 6);
}

}  // namespace
}  // namespace entasis
