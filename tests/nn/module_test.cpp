// Modules: registration, walks, state dicts, modes, conversion, and errors that name path and line.
#include <entasis/nn/module.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/core/op.h>
#include <entasis/nn/activation.h>
#include <entasis/nn/container.h>
#include <entasis/nn/conv.h>
#include <entasis/nn/linear.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/methods.h>

#include <entasis/tests/support/errors.h>
#include <entasis/tests/support/same.h>

namespace entasis::nn {
namespace {

struct Encoder : Module {
  Sub<Linear> fc1{*this, "fc1", 4, 3};
  Sub<Linear> fc2{*this, "fc2", 3, 2, {.bias = false}};
  Tensor forward(const Tensor& x) override { return fc2(relu(fc1(x))); }
};
constexpr int kFc1Line = __LINE__ - 2;

struct Model : Module {
  Sub<Encoder> encoder{*this, "encoder"};
  Tensor& scale = parameter("scale", ones({2}));
  Tensor& unused = parameter("unused", Tensor());
  Tensor& offset = buffer("offset", zeros({2}));
  Tensor& scratch = buffer("scratch", zeros({1}), /*persistent=*/false);
  Tensor forward(const Tensor& x) override { return encoder(x) * scale + offset; }
};

std::vector<std::string> names(const NamedTensors& tensors) {
  std::vector<std::string> list;
  for (const auto& [name, tensor] : tensors) list.push_back(name);
  return list;
}
using Names = std::vector<std::string>;

std::string line(int number) { return " — module_test.cpp:" + std::to_string(number); }

// ---- What a module holds

TEST(Module, ListsItsTensorsByPath) {
  Model model;
  EXPECT_EQ(names(model.named_parameters()),
            (Names{"scale", "encoder.fc1.weight", "encoder.fc1.bias", "encoder.fc2.weight"}));
  EXPECT_EQ(names(model.named_buffers()), (Names{"offset", "scratch"}));
  EXPECT_EQ(names(model.state_dict()), (Names{"scale", "offset", "encoder.fc1.weight",
                                              "encoder.fc1.bias", "encoder.fc2.weight"}));
  ASSERT_EQ(model.parameters().size(), 4u);
  EXPECT_TRUE(model.parameters()[1].same(model.encoder.fc1.weight));
  for (const Tensor& parameter : model.parameters()) EXPECT_TRUE(parameter.requires_grad());
  EXPECT_FALSE(model.offset.requires_grad());
}

TEST(Module, ListsItsModulesByPath) {
  Model model;
  Names paths;
  for (const NamedModule& entry : model.named_modules()) paths.push_back(entry.name);
  EXPECT_EQ(paths, (Names{"", "encoder", "encoder.fc1", "encoder.fc2"}));
  EXPECT_EQ(model.named_modules()[2].module, &model.encoder.fc1);
  EXPECT_EQ(model.encoder.fc1.name(), "fc1");
  EXPECT_EQ(model.name(), "");
}

TEST(Module, APlainLayerStandsAlone) {
  Linear layer(4, 3);
  EXPECT_EQ(names(layer.state_dict()), (Names{"weight", "bias"}));
  EXPECT_EQ(layer(ones({2, 4})).shape(), Dims({2, 3}));
}

TEST(Module, TiedTensorsAreListedOnceButForStateDicts) {
  struct Tied : Module {
    Sub<Linear> in{*this, "in", 3, 3};
    Sub<Linear> out{*this, "out", 3, 3};
    Tied() { out.weight = in.weight; }
  } model;
  EXPECT_EQ(names(model.named_parameters()), (Names{"in.weight", "in.bias", "out.bias"}));
  EXPECT_EQ(names(model.state_dict()), (Names{"in.weight", "in.bias", "out.weight", "out.bias"}));
  model.to(kF64);
  EXPECT_TRUE(model.in.weight.same(model.out.weight));
  EXPECT_EQ(model.in.weight.dtype(), kF64);
}

TEST(Module, AChildThatDiesLeaves) {
  Model model;
  {
    const Sub<Linear> extra(model, "extra", 1, 1);
    EXPECT_EQ(model.children().size(), 2u);
    EXPECT_TRUE(model.state_dict().contains("extra.weight"));
  }
  EXPECT_EQ(model.children().size(), 1u);
  EXPECT_FALSE(model.state_dict().contains("extra.weight"));
  const Sub<Linear> again(model, "extra", 1, 1);  // the name is free
}

TEST(Module, NamesAreChecked) {
  struct Empty : Module {
    using Module::buffer;
    using Module::parameter;
  } model;
  const Sub<Linear> fc(model, "fc", 1, 1);
  model.parameter("weight", ones({1}));
  model.buffer("count", ones({1}));
  auto child = [&](const char* name) {
    return message_of<ValueError>([&] { const Sub<Linear> other(model, name, 1, 1); });
  };
  const std::string at = line(__LINE__ - 2);
  EXPECT_EQ(child("fc"), "fc: nn::Module: the name 'fc' is taken by another child" + at);
  EXPECT_EQ(child("weight"), "weight: nn::Module: the name 'weight' is taken by a parameter" + at);
  EXPECT_EQ(child("count"), "count: nn::Module: the name 'count' is taken by a buffer" + at);
  EXPECT_EQ(child(""), ": nn::Module: the name '' is empty" + at);
  EXPECT_EQ(child("a.b"),
            "a.b: nn::Module: the name 'a.b' holds a dot, which separates names in a path" + at);
  expect_error<ValueError>([&] { model.parameter("fc", ones({1})); },
                           "nn::Module: the name 'fc' is taken by another child");
  expect_error<ValueError>([&] { model.buffer("weight", ones({1})); },
                           "nn::Module: the name 'weight' is taken by a parameter");
  EXPECT_EQ(model.children().size(), 1u);
}

TEST(Module, ParametersAreFloatingPointLeaves) {
  struct Empty : Module {
    using Module::parameter;
  } model;
  Tensor x = ones({1});
  x.requires_grad_();
  expect_error<AutogradError>([&] { model.parameter("x", x * 2); },
                              "the parameter 'x' is the result of an op; detach() it first");
  EXPECT_THROW(model.parameter("x", ones({1}, {kI64})), DtypeError);
  EXPECT_TRUE(model.parameters().empty());
}

// ---- Calls

TEST(Module, ErrorsNameThePathAndTheLine) {
  Model model;
  const Tensor x = ones({2, 5});
  const std::string message = message_of<ShapeError>([&] { model(x); });
  EXPECT_EQ(message,
            "linear: sizes differ: input is [2, 5], weight is [3, 4] (5 vs 4) — in "
            "model.encoder.fc1, module_test.cpp:" +
                std::to_string(kFc1Line));
}

TEST(Module, AChildCalledAloneNamesItself) {
  Model model;
  const std::string message = message_of<ShapeError>([&] { model.encoder.fc1(ones({5})); });
  EXPECT_NE(message.find(" — in fc1, module_test.cpp:" + std::to_string(__LINE__ - 1)),
            std::string::npos)
      << message;
}

TEST(Module, ARootCalledInsideAnotherAddsNoStep) {
  struct Outer : Module {
    Linear inner{4, 3};  // not registered
    Tensor forward(const Tensor& x) override { return inner(x); }
  } outer;
  const std::string message = message_of<ShapeError>([&] { outer(ones({5})); });
  EXPECT_NE(message.find(" — in model, module_test.cpp:"), std::string::npos) << message;
}

TEST(Module, ThePathEndsWithTheCall) {
  Model model;
  EXPECT_THROW(model(ones({2, 5})), ShapeError);
  const std::string message = message_of<ShapeError>([&] { matmul(ones({2, 3}), ones({2, 3})); });
  EXPECT_EQ(message.find(" — in "), std::string::npos) << message;
}

TEST(Module, AModuleWithoutForwardSaysSo) {
  struct Empty : Module {
  } model;
  const std::string message = message_of([&] { model(ones({1})); });
  EXPECT_EQ(message, "this module has no forward() of one tensor — in model, module_test.cpp:" +
                         std::to_string(__LINE__ - 2));
}

TEST(Module, ConstructorsOfChildrenNameTheUsersLine) {
  constexpr int bad = __LINE__ + 1;  // g++ names the class's line, clang that of the member
  struct Bad : Module {
    Sub<Linear> fc{*this, "fc", -1, 3};
  };
  const std::string message = message_of<ShapeError>([] { const Bad model; });
  const std::string what = "fc: empty: negative size in shape [3, -1]";
  EXPECT_TRUE(message == what + line(bad) || message == what + line(bad + 1)) << message;
  expect_error<ShapeError>([] { const Linear fc(-1, 3); },
                           "Linear: empty: negative size in shape [3, -1]");
}

// ---- State

TEST(Module, StateDictsShareMemory) {
  Model model;
  const NamedTensors state = model.state_dict();
  EXPECT_FALSE(state.at("scale").requires_grad());
  {
    const NoGrad no_grad;
    model.scale.fill_(5);
  }
  EXPECT_EQ(state.at("scale")[0].item(), 5);
}

TEST(Module, LoadsTheStateOfAnother) {
  Model a, b;
  const Tensor scale = b.scale;
  const LoadResult result = b.load_state_dict(a.state_dict());
  EXPECT_TRUE(result.missing.empty() && result.unexpected.empty());
  EXPECT_TRUE(b.scale.same(scale));  // the values change, not the tensors
  EXPECT_TRUE(b.scale.requires_grad());
  const NamedTensors of_a = a.state_dict(), of_b = b.state_dict();
  for (const auto& [name, tensor] : of_a) EXPECT_TRUE(same_values(tensor, of_b.at(name))) << name;
  const Tensor x = randn({2, 4});
  EXPECT_TRUE(same_values(a(x), b(x)));
}

TEST(Module, ListsAllThatDoesNotFitAndChangesNothing) {
  Model model;
  const Tensor before = model.encoder.fc1.weight.clone();
  NamedTensors state = {{"encoder.fc1.weight", zeros({3, 4})},
                        {"encoder.fc1.bias", zeros({4})},
                        {"encoder.fc2.weight", zeros({2, 3}, {kF64})},
                        {"scale", Tensor()},
                        {"extra", zeros({1})},
                        {"scratch", zeros({1})}};
  const std::string misfits =
      "load_state_dict: the state does not fit the module:\n"
      "  'encoder.fc1.bias' has shape [4], the module's has [3]\n"
      "  'encoder.fc2.weight' is f64, the module's is f32";
  expect_error<ValueError>(
      [&] { model.load_state_dict(state); },
      misfits +
          "\n  'scale' is missing\n  'offset' is missing\n  'extra' is unexpected\n"
          "  'scratch' is unexpected");
  expect_error<ValueError>([&] { model.load_state_dict(state, false); }, misfits);
  EXPECT_TRUE(same_values(model.encoder.fc1.weight, before));
}

TEST(Module, LoadsWhatThereIsIfNotStrict) {
  Model model;
  const LoadResult result =
      model.load_state_dict({{"scale", full({2}, 3.0)}, {"extra", ones({1})}}, false);
  EXPECT_EQ(result.missing,
            (Names{"offset", "encoder.fc1.weight", "encoder.fc1.bias", "encoder.fc2.weight"}));
  EXPECT_EQ(result.unexpected, (Names{"extra"}));
  EXPECT_EQ(model.scale[1].item(), 3);
}

// ---- Changes to everything

TEST(Module, ModesReachAllBelow) {
  Model model;
  EXPECT_TRUE(model.training() && model.encoder.fc2.training());
  model.eval();
  EXPECT_FALSE(model.training() || model.encoder.training() || model.encoder.fc2.training());
  model.encoder.train();
  EXPECT_FALSE(model.training());
  EXPECT_TRUE(model.encoder.fc2.training());
}

TEST(Module, CastsFloatingPointTensorsInPlace) {
  struct Counter : Module {
    Tensor& weight = parameter("weight", ones({2}));
    Tensor& count = buffer("count", zeros({}, {kI64}));
  } model;
  const Tensor held = model.weight;  // as an optimizer holds it
  (model.weight * 2).sum().backward();
  model.to(kF64);
  EXPECT_EQ(held.dtype(), kF64);
  EXPECT_TRUE(held.same(model.weight));
  EXPECT_TRUE(held.requires_grad() && held.is_leaf());
  EXPECT_EQ(held.grad().dtype(), kF64);
  EXPECT_EQ(held.grad()[0].item(), 2);
  EXPECT_EQ(held[1].item(), 1);
  EXPECT_EQ(model.count.dtype(), kI64);
  expect_error<DtypeError>([&] { model.to(kI32); },
                           "to: a module's dtype must be floating-point, not i32");
}

TEST(Module, AGraphNoticesThatItsModuleWasConverted) {
  Linear layer(2, 2);
  const Tensor y = (layer(ones({1, 2})) * 2).sum();
  Tensor x = ones({1, 2});
  x.requires_grad_();
  const Tensor z = layer(x).sum();
  layer.to(kF64);
  EXPECT_THROW(z.backward(), AutogradError);
}

TEST(Module, MovesToTheMetaDevice) {
  Model model;
  model.to(kMeta);
  EXPECT_TRUE(model.encoder.fc1.weight.device().is_meta());
  EXPECT_TRUE(model.offset.device().is_meta());
  EXPECT_EQ(model(empty({7, 4}, {kMeta})).shape(), Dims({7, 2}));
}

TEST(Module, GradientsComeAndGo) {
  Model model;
  model(ones({3, 4})).sum().backward();
  for (const Tensor& parameter : model.parameters()) EXPECT_TRUE(parameter.grad().defined());
  model.zero_grad();
  for (const Tensor& parameter : model.parameters()) EXPECT_FALSE(parameter.grad().defined());
  model.encoder.requires_grad_(false);
  model(ones({3, 4})).sum().backward();
  EXPECT_TRUE(model.scale.grad().defined());
  EXPECT_FALSE(model.encoder.fc1.weight.grad().defined());
}

TEST(Module, ApplyVisitsChildrenFirst) {
  Model model;
  Names order;
  model.apply([&](Module& module) { order.push_back(module.name()); });
  EXPECT_EQ(order, (Names{"fc1", "fc2", "encoder", ""}));
}

// ---- Containers

TEST(Sequential, RunsItsChildrenInOrder) {
  Sequential net;
  net.add<Linear>(4, 3).add_named<Linear>("head", 3, 2, {.bias = false});
  EXPECT_EQ(names(net.state_dict()), (Names{"0.weight", "0.bias", "head.weight"}));
  EXPECT_EQ(net.size(), 2u);
  const Tensor x = randn({5, 4});
  EXPECT_TRUE(same_values(net(x), net.get<Linear>(-1)(net.get<Linear>(0)(x))));
  EXPECT_TRUE(same_values(Sequential()(x), x));
}

TEST(Sequential, FusesLayersWithTheirActivations) {
  Sequential net;
  net.add<Linear>(4, 30).add<ReLU>().add<Linear>(30, 20).add<GELU>(Approximate::kTanh);
  net.add<Linear>(20, 8).add<GELU>().add<ReLU>().add<Linear>(8, 3);
  manual_seed(3);
  const Tensor x = randn({5, 4}).requires_grad_();
  Tensor expected = x;
  for (Module* child : net.children()) expected = (*child)(expected);
  const Tensor y = net(x);
  EXPECT_TRUE(same_values(y, expected));
  EXPECT_STREQ(net(x).grad_fn()->op->name, "linear");
  Sequential pair;
  pair.add<Linear>(4, 3).add<ReLU>();
  EXPECT_STREQ(pair(x).grad_fn()->op->name, "linear_relu");
  // A class of one's own may do something else in forward().
  struct Doubled : Linear {
    using Linear::Linear;
    Tensor forward(const Tensor& input) override { return Linear::forward(input) * 2; }
  };
  Sequential own;
  own.add<Doubled>(4, 3).add<ReLU>();
  EXPECT_TRUE(same_values(own(x), relu(own.at(0)(x))));
  const std::string message = message_of<ShapeError>([&] { pair(ones({2, 5})); });
  EXPECT_NE(message.find(" — in model.0, module_test.cpp:" + std::to_string(__LINE__ - 1)),
            std::string::npos)
      << message;
}

TEST(Sequential, TakesOptionsInBraces) {
  Sequential net;
  net.add<Conv2d>(2, 6, 3, {.padding = {1, 2}, .groups = 2}).add<Conv2d>(6, 1, Pair{1, 3});
  EXPECT_EQ(net.get<Conv2d>(0).weight.shape(), Dims({6, 1, 3, 3}));
  EXPECT_EQ(net.get<Conv2d>(0).options().padding, Pair(1, 2));
  EXPECT_EQ(net.get<Conv2d>(1).weight.shape(), Dims({1, 6, 1, 3}));
}

TEST(Sequential, ErrorsNameTheChild) {
  Sequential net;
  net.add<Linear>(4, 3).add<Linear>(4, 3);
  const std::string message = message_of<ShapeError>([&] { net(ones({2, 4})); });
  EXPECT_NE(message.find(" — in model.1, module_test.cpp:" + std::to_string(__LINE__ - 1)),
            std::string::npos)
      << message;
  expect_error<IndexError>([&] { net.at(2); },
                           "index 2 is out of range for a container of 2 modules");
  expect_error<ValueError>([&] { net.get<Conv2d>(0); }, "the module at 0 is of another type");
  expect_error<ShapeError>([&] { net.add<Linear>(3, -2); },
                           "2: empty: negative size in shape [-2, 3]");
  expect_error<ValueError>([&] { net.add_named<Linear>("1", 3, 3); },
                           "1: nn::Module: the name '1' is taken by another child");
  EXPECT_EQ(net.size(), 2u);
}

TEST(List, HoldsModulesThatItsUserCalls) {
  struct Tower : Module {
    Sub<List> blocks{*this, "blocks"};
    explicit Tower(int depth) {
      for (int i = 0; i < depth; ++i) blocks.add<Linear>(3, 3);
    }
    Tensor forward(const Tensor& input) override {
      Tensor x = input;
      for (Module* block : blocks.children()) x = (*block)(x);
      return x;
    }
  } tower(3);
  EXPECT_EQ(tower(ones({1, 3})).shape(), Dims({1, 3}));
  EXPECT_EQ(names(tower.state_dict()),
            (Names{"blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "blocks.1.bias",
                   "blocks.2.weight", "blocks.2.bias"}));
  EXPECT_THROW(tower.blocks(ones({1})), Error);
}

}  // namespace
}  // namespace entasis::nn
