// Custom functions, and checkpointing on top of pack hooks.
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/core/op.h>
#include <entasis/core/record_internal.h>
#include <entasis/core/thread_state_internal.h>

namespace entasis {

// ---- Custom functions

struct FunctionNode final : Node {
  OpInfo info{};  // one per node: only its name and vjp are used
  FunctionContext context;
  FunctionBackward backward;

  static Grads run_backward(const Node& node, const Saved& saved, Grads gy) {
    const auto& function = static_cast<const FunctionNode&>(node);
    FunctionContext context = function.context;
    context.needed_ = 0;
    for (int i = 0; i < node.edges.size() && i < 64; ++i) {
      context.needed_ |= uint64_t(saved.needs(i)) << i;
    }
    return function.backward(context, std::move(gy));
  }
};

namespace {

constexpr SaveMask kSavesNothing[] = {saves_nothing};

}  // namespace

Tensor FunctionContext::saved(int i) const {
  if (node_ == nullptr || i < 0 || (i >= node_->saved.size() && !node_->released)) {
    throw IndexError("saved(" + std::to_string(i) + ") was not saved by the function's forward");
  }
  return Saved(*node_, needed_).in(i);
}

Tensors record_function(const char* name, const Tensors& inputs, Tensors outputs,
                        FunctionContext context, FunctionBackward backward, Location at) {
  bool needs = false;
  for (const Tensor& input : inputs) needs |= input.defined() && input.requires_grad();
  if (!needs || !grad_enabled()) return outputs;

  auto* raw = new FunctionNode;
  const Ref<Node> node = Ref<Node>::adopt(raw);
  raw->info.name = name;
  raw->info.vjp = &FunctionNode::run_backward;
  raw->info.saves = kSavesNothing;
  raw->info.saves_count = 1;
  stamp(*raw, raw->info, at);
  raw->outputs = uint16_t(outputs.size());
  for (const Tensor& input : inputs) {
    Edge& edge = raw->edges.emplace_back();
    if (input.defined()) connect(edge, *input.impl());
  }
  // Saved outputs would make a cycle, so they are kept as aliases; they carry no history then.
  for (size_t i = 0; i < context.to_save_.size(); ++i) {
    const Tensor& t = context.to_save_[i];
    bool is_output = false;
    for (const Tensor& output : outputs) is_output |= output.same(t);
    save(*raw, *t.impl(), int(i), false, is_output);
  }
  context.to_save_.clear();
  context.node_ = raw;
  raw->context = std::move(context);
  raw->backward = std::move(backward);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!is_floating_point(outputs[i].dtype())) continue;
    // An input returned as it is gets a handle of its own: its history is not to be replaced.
    for (const Tensor& input : inputs) {
      if (outputs[i].same(input)) outputs[i] = outputs[i].detach();
    }
    hang(*raw, *outputs[i].impl(), int(i));
  }
  return outputs;
}

// ---- Checkpointing

namespace {

// One checkpointed region: what it needs to run again, and what the second run saved.
struct Region : Counted {
  Callback<Tensors(const Tensors&)> fn;
  Tensors inputs;
  Generator::State random;
  int saves = 0;       // tensors that the first run would have kept
  Tensors recomputed;  // those of the second run, in the same order
  std::vector<bool> taken;
  int left = 0;  // not yet taken
  void release() {
    if (drop()) delete this;
  }

  void recompute() {
    recomputed.clear();
    Generator replay(random.seed);
    replay.set_state(random);
    const GeneratorGuard same_numbers(replay);
    const EnableGrad record;
    const SavedTensorHooks collect([this](const Tensor& t) {
      recomputed.push_back(t);
      return Ref<PackedTensor>();
    });
    fn(inputs);
    if (int(recomputed.size()) != saves) {
      throw AutogradError("checkpoint: the second run kept " + std::to_string(recomputed.size()) +
                          " tensors, the first " + std::to_string(saves) +
                          "; the function must do the same both times");
    }
    left = saves;
    taken.assign(size_t(saves), false);
  }

  Tensor take(int index) {
    if (left == 0) recompute();
    Tensor t = recomputed[size_t(index)];
    if (!taken[size_t(index)]) {
      taken[size_t(index)] = true;
      if (--left == 0) recomputed.clear();
    }
    return t;
  }
};

struct Promise final : PackedTensor {
  Ref<Region> region;
  int index = 0;
  Tensor unpack() override { return region->take(index); }
};

}  // namespace

Tensors checkpoint(Callback<Tensors(const Tensors&)> fn, const Tensors& inputs) {
  auto region = Ref<Region>::adopt(new Region);
  region->fn = std::move(fn);
  region->inputs = inputs;
  region->random = current_generator(inputs.empty() ? Device() : inputs[0].device()).state();
  const SavedTensorHooks hooks([region](const Tensor&) {
    auto* promise = new Promise;
    promise->region = region;
    promise->index = region->saves++;
    return Ref<PackedTensor>::adopt(promise);
  });
  return region->fn(inputs);
}

}  // namespace entasis
