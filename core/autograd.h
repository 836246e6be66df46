// Gradients: modes, `grad()`, custom functions, checkpointing, anomaly mode.
#pragma once

#include <concepts>
#include <vector>

#include <entasis/core/node.h>
#include <entasis/core/tensor.h>

namespace entasis {

ENTASIS_API bool grad_enabled();
ENTASIS_API bool inference_mode_enabled();

// Sets whether ops of this thread are recorded, while it lives.
class ENTASIS_API GradMode {
 public:
  explicit GradMode(bool enabled);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool previous_;
};
struct NoGrad : GradMode {
  NoGrad() : GradMode(false) {}
};
struct EnableGrad : GradMode {
  EnableGrad() : GradMode(true) {}
};
// No recording, and tensors made meanwhile may never be saved for a gradient.
class ENTASIS_API InferenceMode {
 public:
  InferenceMode();
  ~InferenceMode();
  InferenceMode(const InferenceMode&) = delete;
  InferenceMode& operator=(const InferenceMode&) = delete;

 private:
  bool previous_grad_, previous_inference_;
};

struct GradOptions {
  Tensors grad_outputs = {};  // one per output; undefined or missing: 1 for one-element outputs
  bool retain_graph = false;  // keep saved tensors for another pass
  bool create_graph = false;  // record the gradient's own ops; implies retain_graph
  bool allow_unused = false;  // an input that no output depends on gives an undefined tensor
};
// Gradients of the sum of `outputs` (weighted by grad_outputs) with respect to `inputs`, which may
// be leaves or not; nothing is accumulated. Throws AutogradError, ShapeError.
ENTASIS_API Tensors grad(const Tensors& outputs, const Tensors& inputs,
                         const GradOptions& options = {}, Location at = {});

// ---- Custom functions. Derive, give a static `forward` and `backward`, call apply():
//
//   struct Cube : Function<Cube> {
//     static Tensor forward(FunctionContext& context, const Tensor& x) {
//       context.save(x);
//       return x * x * x;
//     }
//     static Grads backward(FunctionContext& context, Grads gy) {
//       return {gy[0] * 3 * context.saved(0) * context.saved(0)};
//     }
//   };
//   Tensor y = Cube::apply(x);
//
// forward runs unrecorded; backward's ops are recorded under create_graph, so it is differentiable
// again if it is written with ops on saved tensors.
class ENTASIS_API FunctionContext {
 public:
  void save(const Tensor& tensor) { to_save_.push_back(tensor); }
  Tensor saved(int i) const;
  bool needs(int input) const { return needed_ >> input & 1; }

 private:
  friend ENTASIS_API Tensors record_function(const char* name, const Tensors& inputs,
                                             Tensors outputs, FunctionContext context,
                                             Callback<Grads(FunctionContext&, Grads)> backward,
                                             Location at);
  friend struct FunctionNode;
  Tensors to_save_;
  const Node* node_ = nullptr;
  uint64_t needed_ = ~uint64_t{0};
};
using FunctionBackward = Callback<Grads(FunctionContext&, Grads)>;
// The outputs, with a node that calls `backward`; `name` must live for ever.
ENTASIS_API Tensors record_function(const char* name, const Tensors& inputs, Tensors outputs,
                                    FunctionContext context, FunctionBackward backward,
                                    Location at);

template <class F>
struct Function {
  // `first` is a tensor; as an In it brings the caller's line.
  template <class... T>
    requires(std::convertible_to<const T&, const Tensor&> && ...)
  static Tensor apply(In first, const T&... rest) {
    FunctionContext context;
    Tensor out;
    {
      NoGrad no_grad;
      out = F::forward(context, first.tensor(), rest...);
    }
    return record_function(function_name(), {first.tensor(), rest...}, {out}, std::move(context),
                           &F::backward, first.at)[0];
  }
  static const char* function_name() {
    if constexpr (requires { F::name; }) {
      return F::name;
    } else {
      return "function";
    }
  }
};

// ---- Activation checkpointing: runs `fn` now without keeping its intermediate tensors, and again
// in backward when the first of them is asked for (with the random state of the first run). Works
// under grad() and create_graph. `fn` must give the same ops both times.
ENTASIS_API Tensors checkpoint(Callback<Tensors(const Tensors&)> fn, const Tensors& inputs);

// ---- Hooks on what graphs keep: `pack` may take a tensor over by returning a PackedTensor (null:
// keep it as it is). The innermost guard of the thread decides.
class ENTASIS_API SavedTensorHooks {
 public:
  explicit SavedTensorHooks(Callback<Ref<PackedTensor>(const Tensor&)> pack);
  ~SavedTensorHooks();
  SavedTensorHooks(const SavedTensorHooks&) = delete;
  SavedTensorHooks& operator=(const SavedTensorHooks&) = delete;
  Ref<PackedTensor> pack(const Tensor& tensor) const { return pack_(tensor); }

 private:
  Callback<Ref<PackedTensor>(const Tensor&)> pack_;
  SavedTensorHooks* previous_;
};

// While it lives, backward checks every gradient that a node makes for NaN and raises AutogradError
// naming the forward op and its line.
class ENTASIS_API AnomalyMode {
 public:
  explicit AnomalyMode(bool enabled = true);
  ~AnomalyMode();
  AnomalyMode(const AnomalyMode&) = delete;
  AnomalyMode& operator=(const AnomalyMode&) = delete;

 private:
  bool previous_;
};

}  // namespace entasis
