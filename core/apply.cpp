// apply(): the one road of every op. Checks, infer, allocate, kernel, record, in this order; the
// common case is straight-line code, everything rare is behind a cold call.
#include <cstring>

#include <entasis/core/autograd.h>
#include <entasis/core/backend_internal.h>
#include <entasis/core/engine_internal.h>
#include <entasis/core/interceptor.h>
#include <entasis/core/leaf_internal.h>
#include <entasis/core/op.h>
#include <entasis/core/op_note_internal.h>
#include <entasis/core/record_internal.h>
#include <entasis/core/registration_internal.h>
#include <entasis/core/thread_state_internal.h>

namespace entasis {
namespace {

// One run of an op on its way through apply().
struct Run {
  OpInfo& op;
  const void* attributes;
  Inputs inputs;
  Location at;
  Device device = {};
  bool needs_grad = false;
  bool has_device = false;
  bool in_place = false;
  bool mixed_devices = false;  // a 0-d CPU tensor joined an op of another device
  StreamId stream = 0;
};

[[gnu::cold]] const char* describe_operand(int i) {
  constexpr const char* names[] = {"input 0", "input 1", "input 2", "input 3", "input 4"};
  return i < 5 ? names[i] : "an input";
}

[[noreturn, gnu::cold, gnu::noinline]] void throw_undefined(int i) {
  throw ValueError(std::string(describe_operand(i)) + " is an undefined tensor");
}

[[noreturn, gnu::cold, gnu::noinline]] void throw_stale(int i, const TensorImpl& t) {
  throw AutogradError(std::string(describe_operand(i)) + ", of shape " + to_string(t.shape) +
                      ", has a stale history: its storage was changed in place through another "
                      "tensor since; take the view again after the change, or clone() it before");
}

// PyTorch's rule for devices: all the same, but a 0-d CPU tensor may join any.
[[gnu::cold, gnu::noinline]] void resolve_devices(Run& run) {
  const Tensor* decider = nullptr;
  for (const Operand& in : run.inputs) {
    if (!in.is_tensor()) continue;
    const Tensor& t = in.tensor();
    if (decider == nullptr || (decider->device().is_cpu() && decider->dim() == 0)) decider = &t;
  }
  for (const Operand& in : run.inputs) {
    if (!in.is_tensor() || in.tensor().device() == decider->device()) continue;
    if (in.tensor().device().is_cpu() && in.dim() == 0) continue;
    throw DeviceError("inputs are on different devices: " + to_string(decider->device()) + " and " +
                      to_string(in.tensor().device()));
  }
  run.device = decider->device();
  run.mixed_devices = true;
}

inline void scan_inputs(Run& run) {
  const bool grad_enabled = thread_state.grad_enabled;
  int i = 0;
  bool same_device = true;
  for (const Operand& in : run.inputs) {
    if (!in.is_number()) {
      const TensorImpl* t = in.tensor().impl();
      if (t == nullptr) [[unlikely]] {
        if (i >= 32 || !(run.op.optional_inputs >> i & 1)) throw_undefined(i);
      } else {
        if (!run.has_device) {
          run.device = t->device;
          run.has_device = true;
        } else if (!(t->device == run.device)) [[unlikely]] {
          same_device = false;
        }
        if (grad_enabled) {
          if (t->is_stale()) [[unlikely]] {
            refresh_history(const_cast<TensorImpl&>(*t));
            if (t->is_stale()) throw_stale(i, *t);
          }
          run.needs_grad |= t->requires_grad;
        }
      }
    }
    ++i;
  }
  if (!same_device && !(run.op.flags & kCrossesDevices)) [[unlikely]]
    resolve_devices(run);
}

// Inputs that the op writes may not be part of a graph (rule 1), unless the write is recorded.
[[gnu::noinline]] void check_mutated(const Run& run) {
  const int n = int(run.inputs.size());
  for (int i = 0; i < n; ++i) {
    if (!run.op.mutates(run.attributes, i, n) || !run.inputs[size_t(i)].is_tensor()) continue;
    if (thread_state.grad_enabled && run.inputs[size_t(i)].tensor().requires_grad()) {
      throw AutogradError(std::string(describe_operand(i)) +
                          " is written in place and needs a gradient; run this under NoGrad");
    }
  }
}

[[gnu::noinline]] void count_mutations(const Run& run) {
  const int n = int(run.inputs.size());
  for (int i = 0; i < n; ++i) {
    if (run.inputs[size_t(i)].is_tensor() && run.op.mutates(run.attributes, i, n)) {
      ++run.inputs[size_t(i)].tensor().impl()->storage->writes;
    }
  }
}

[[noreturn, gnu::cold, gnu::noinline]] void throw_no_kernel(const Run& run) {
  if (find_backend(run.device.type) == nullptr)
    backend_of(run.device.type);  // says what is missing
  throw DeviceError("no kernel for device " + to_string(run.device));
}

inline const KernelSlot& find_kernel(const Run& run) {
  const KernelSlot& slot = run.op.kernels[int(run.device.type)];
  if (slot.run == nullptr) [[unlikely]] {
    ensure_registered();
    if (slot.run == nullptr) throw_no_kernel(run);
  }
  return slot;
}

// 0-d CPU tensors reach another device's kernel as numbers, without a copy to the device.
[[gnu::cold, gnu::noinline]] SmallVector<Operand, 4> kernel_operands(const Run& run) {
  SmallVector<Operand, 4> operands;
  for (const Operand& in : run.inputs) {
    const bool joined = in.is_tensor() && !(in.tensor().device() == run.device);
    operands.push_back(joined ? Operand(in.tensor().item_number()) : in);
  }
  return operands;
}

// Rule 13: waits for what other streams have done to the storages that this op touches.
void order_streams(const Run& run, Outputs outputs, StreamId stream) {
  auto use = [&](const Tensor& t, bool writes) {
    if (!(t.device() == run.device)) return;
    Storage& storage = *t.impl()->storage;
    if (storage.last_writer != stream || (writes && storage.other_users != 0)) [[unlikely]] {
      quick_backend_of(run.device.type).use_on_stream(storage, stream, writes);
    }
  };
  const int n = int(run.inputs.size());
  for (int i = 0; i < n; ++i) {
    const Operand& in = run.inputs[size_t(i)];
    if (in.is_tensor()) {
      use(in.tensor(), run.op.mutates && run.op.mutates(run.attributes, i, n));
    }
  }
  for (const Tensor& out : outputs) use(out, true);
}

inline Context context_of(const Run& run, const KernelSlot& slot) {
  return {run.op, run.device, slot.data, run.stream, nullptr, {}};
}

inline void run_kernel(const Run& run, Outputs outputs, const KernelSlot& slot) {
  Context context = context_of(run, slot);
  if (!run.device.is_cpu()) order_streams(run, outputs, run.stream);
  Ref<Storage> scratch;
  if (slot.scratch) {
    if (const size_t bytes = slot.scratch(run.attributes, run.inputs, outputs)) {
      scratch = Storage::allocate(bytes, run.device);
      context.scratch = scratch->data;
    }
  }
  if (run.op.random_words) {
    const int64_t words = run.op.random_words(run.attributes, outputs);
    const uint64_t blocks = uint64_t(words + 3) / 4;
    Generator& generator = current_generator(run.device);
    context.random =
        run.device.is_cpu()
            ? generator.reserve(blocks)
            : quick_backend_of(run.device.type).draw(run.device.index, generator, blocks);
  }
  if (run.mixed_devices) [[unlikely]] {
    const SmallVector<Operand, 4> operands = kernel_operands(run);
    slot.run(context, run.attributes, {operands.data(), size_t(operands.size())}, outputs);
  } else {
    slot.run(context, run.attributes, run.inputs, outputs);
  }
}

// The first phase of an op whose shapes depend on values.
[[gnu::noinline]] void count_first(const Run& run, int64_t* counts) {
  if (run.device.is_meta()) {
    throw DeviceError("the result's shape depends on values, which a meta tensor does not have");
  }
  const KernelSlot& slot = find_kernel(run);
  if (slot.count == nullptr) throw_no_kernel(run);
  const Context context = context_of(run, slot);
  slot.count(context, run.attributes, run.inputs, {counts, size_t(kMaxCounts)});
}

// The base is what gradients of changes through the view need, so only then is it kept.
inline void mark_as_view(TensorImpl& view, const Ref<TensorImpl>& input) {
  view.is_view = true;
  if (!thread_state.grad_enabled || !is_floating_point(view.dtype)) return;
  view.base = input->is_view ? input->base : input;
  if (view.base && view.base->dtype != view.dtype) view.base = nullptr;
}

inline void make_outputs(const Run& run, Outputs outputs) {
  if (run.op.view) {
    Geometry geometry;
    std::span<Geometry> list(&geometry, 1);
    SmallVector<Geometry, 1> several;
    if (outputs.size() != 1) {
      several.resize(int(outputs.size()));
      list = {several.data(), outputs.size()};
    }
    run.op.view(run.attributes, run.inputs[0], list);
    for (size_t i = 0; i < outputs.size(); ++i) {
      outputs[i] = alias(run.inputs[0].tensor(), list[i]);
      mark_as_view(*outputs[i].impl(), run.inputs[0].tensor().ref());
    }
    return;
  }
  int64_t counts[kMaxCounts];
  if (run.op.flags & kDataDependent) [[unlikely]] {
    std::memset(counts, 0, sizeof counts);
    count_first(run, counts);
  }
  Spec specs[kMaxSpecs];
  run.op.infer(run.attributes, run.inputs, Counts(counts), specs);
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = empty_dense(specs[i], run.device);
}

// ---- Interceptors

OpCall call_of(const Run& run) {
  const Frame* frame = thread_state.outermost_frame;
  const bool backward = thread_state.backward_node != nullptr;
  return {run.op,
          run.attributes,
          run.inputs,
          run.at,
          frame ? frame->op() : nullptr,
          backward ? Phase::kBackward : Phase::kForward,
          run.in_place};
}

}  // namespace

// Shows one call to this thread's interceptors. While they run, their own ops are not shown.
class InterceptorWalk {
 public:
  InterceptorWalk() : first_(std::exchange(thread_state.interceptors, nullptr)) {}
  ~InterceptorWalk() { thread_state.interceptors = first_; }

  Interceptor::Action before(const OpCall& call) {
    auto action = Interceptor::Action::kRun;
    for (Interceptor* i = first_; i; i = i->next_) {
      if (i->before(call) == Interceptor::Action::kSkipKernel) {
        action = Interceptor::Action::kSkipKernel;
      }
    }
    return action;
  }
  void after(const OpCall& call, Outputs outputs) { after_from(first_, call, outputs); }

 private:
  static void after_from(Interceptor* i, const OpCall& call, Outputs outputs) {
    if (i == nullptr) return;
    after_from(i->next_, call, outputs);
    i->after(call, outputs);
  }
  Interceptor* first_;
};

namespace {

// The part of a run that interceptors may see: kernel and record.
template <class Execute>
inline void run_seen(const Run& run, Outputs outputs, Execute execute) {
  if (thread_state.interceptors == nullptr) [[likely]] {
    execute(true);
    return;
  }
  const OpCall call = call_of(run);
  bool run_kernel;
  {
    InterceptorWalk walk;
    run_kernel = walk.before(call) == Interceptor::Action::kRun;
  }
  execute(run_kernel);
  InterceptorWalk walk;
  walk.after(call, outputs);
}

// A copy to the CPU runs there; the device that it comes from is told too.
[[gnu::noinline]] void begin_at_inputs(const Run& run) {
  for (const Operand& in : run.inputs) {
    if (!in.is_tensor()) continue;
    const Device device = in.tensor().device();
    if (device.is_cpu() || device.is_meta()) continue;
    quick_backend_of(device.type).begin_op(device.index, note_op(run.op.name, run.at));
  }
}

// Tells a device with streams what is coming: its errors may show up later.
inline void begin_on_device(Run& run) {
  if (run.device.is_cpu() || run.device.is_meta()) {
    if (run.op.flags & kCrossesDevices) begin_at_inputs(run);
    return;
  }
  run.stream =
      quick_backend_of(run.device.type).begin_op(run.device.index, note_op(run.op.name, run.at));
}

void run_op(Run& run, Outputs outputs) {
  if (run.op.mutates) check_mutated(run);
  begin_on_device(run);
  run_seen(run, outputs, [&](bool with_kernel) {
    make_outputs(run, outputs);
    if (!run.op.view) {
      if (with_kernel && !run.device.is_meta()) run_kernel(run, outputs, find_kernel(run));
      if (run.op.mutates) count_mutations(run);
    }
    if (run.needs_grad && run.op.vjp) record(run.op, run.attributes, run.inputs, outputs, run.at);
  });
}

// An op run in place is named as its function is: add_.
[[noreturn, gnu::cold, gnu::noinline]] void place_and_rethrow(Error& error, const Run& run) {
  std::string name = run.op.name;
  if (run.in_place && name.back() != '_') name += '_';
  place_in_frames(error, name.c_str(), run.at);
  throw;
}

Location user_location(Location at) {
  const Frame* frame = thread_state.outermost_frame;
  return frame ? frame->at() : at;
}

// ---- In place

// The range of elements that a tensor reaches in its storage: [low, high].
struct Extent {
  int64_t low, high;
};
Extent extent_of(const TensorImpl& t) {
  Extent e{t.offset, t.offset};
  for (int i = 0; i < t.shape.size(); ++i) {
    const int64_t reach = (t.shape[i] - 1) * t.strides[i];
    (reach < 0 ? e.low : e.high) += reach;
  }
  return {e.low * size_of(t.dtype), (e.high + 1) * size_of(t.dtype) - 1};
}

bool overlaps_itself(const TensorImpl& t) {
  for (int i = 0; i < t.shape.size(); ++i) {
    if (t.shape[i] > 1 && t.strides[i] == 0) return true;
  }
  return false;
}

// Whether writing `target` could change what is still to be read of `other`. A pointwise op may
// read the very elements that it writes.
bool could_change(const TensorImpl& target, const TensorImpl& other, bool pointwise) {
  if (target.storage.get() != other.storage.get() || other.numel == 0) return false;
  if (pointwise && target.offset == other.offset && target.dtype == other.dtype &&
      target.shape == other.shape && target.strides == other.strides) {
    return false;
  }
  const Extent a = extent_of(target), b = extent_of(other);
  return a.low <= b.high && b.low <= a.high;
}

// A view through which a change is to be recorded.
void check_recorded_view(const TensorImpl& view) {
  const TensorImpl* base = view.base.get();
  if (base == nullptr) {
    throw AutogradError(
        "the target is a view made under NoGrad, and the change would have to be recorded in what "
        "it views; make the view again outside of NoGrad, or make the change under it too");
  }
  if (base->requires_grad && base->grad_fn == nullptr) {
    throw AutogradError(
        "the target is a view of a leaf that needs a gradient; change it under NoGrad");
  }
  if (!has_strides(*base, dense_strides_like(base->shape, base->strides))) {
    throw AutogradError("the target is a view of a tensor of shape " + to_string(base->shape) +
                        " with strides " + to_string(base->strides) +
                        ", in which the change cannot be recorded; clone() that first");
  }
}

void check_target(const Run& run, const Tensor& target, const Spec& spec) {
  if (!(spec.shape == target.shape())) {
    throw ShapeError("the result has shape " + to_string(spec.shape) + ", the target " +
                     to_string(target.shape()));
  }
  if (!can_cast(spec.dtype, target.dtype())) {
    throw DtypeError(std::string("the result is ") + name_of(spec.dtype) +
                     " and cannot be stored into " + name_of(target.dtype()));
  }
  if (target.numel() > 0 && overlaps_itself(*target.impl())) {
    throw ValueError("the target of shape " + to_string(target.shape()) + " and strides " +
                     to_string(target.strides()) +
                     " names some elements more than once; clone() it first");
  }
  if (!thread_state.grad_enabled) return;
  if (target.requires_grad() && target.is_leaf()) {
    throw AutogradError("the target is a leaf that needs a gradient; change it under NoGrad");
  }
  if (target.requires_grad() && run.op.vjp == nullptr) {
    throw AutogradError(
        "the target needs a gradient, and this change has none; change it under NoGrad or clone() "
        "it first");
  }
  if (run.needs_grad && target.impl()->is_view) check_recorded_view(*target.impl());
}

// What the target is before a write that a gradient of the `given` inputs looks behind, with the
// target's history; an undefined tensor if none does.
Tensor kept_target(const Run& run, Inputs given, const Tensor& target) {
  const SaveMask mask = saves_of(run.op, given);
  bool reads = false;
  int k = 0;
  for (const Operand& in : given) {
    reads |= (mask & saves_in(k)) && in.is_tensor() && in.tensor().same(target);
    ++k;
  }
  if (!reads) return {};
  const GradMode unrecorded(false);
  const Tensor copy = engine::copy_like(target, target, run.at);
  copy_history(*target.impl(), *copy.impl());
  return copy;
}

void run_in_place(Run& run) {
  Tensor target = run.inputs[0].tensor();
  scan_inputs(run);
  if (!(target.device() == run.device)) {
    throw DeviceError("the target is on " + to_string(target.device()) + ", another input on " +
                      to_string(run.device));
  }
  Spec specs[kMaxSpecs];
  run.op.infer(run.attributes, run.inputs, {}, specs);
  check_target(run, target, specs[0]);

  // An input that the write could change is read from a copy made beforehand.
  const bool pointwise = run.op.flags & kPointwise;
  Inputs given = run.inputs;
  SmallVector<Tensor, 2> copies;
  SmallVector<Operand, 4> operands;
  for (const Operand& in : given.subspan(1)) {
    if (in.is_tensor() && could_change(*target.impl(), *in.tensor().impl(), pointwise)) {
      copies.reserve(int(given.size()));
      const Tensor& t = in.tensor();
      const GradMode unrecorded(false);
      copies.push_back(engine::copy_like(t, t, run.at));
      if (operands.empty()) {
        for (const Operand& o : given) operands.push_back(o);
      }
      operands[int(&in - given.data())] = copies.back();
    }
  }
  if (!operands.empty()) run.inputs = {operands.data(), size_t(operands.size())};

  begin_on_device(run);
  const bool records = run.needs_grad && run.op.vjp != nullptr && is_floating_point(target.dtype());
  const Tensor before = records ? kept_target(run, given, target) : Tensor();
  run_seen(run, {&target, 1}, [&](bool with_kernel) {
    if (with_kernel && !run.device.is_meta()) run_kernel(run, {&target, 1}, find_kernel(run));
    Storage& storage = *target.impl()->storage;
    ++storage.writes;
    if (!records) return;
    record_in_place(run.op, run.attributes, given, target, before, run.at);
    if (target.impl()->base) record_view_update(*target.impl(), run.at);
  });
}

}  // namespace

void apply_raw(OpInfo& op, const void* attributes, Inputs inputs, Outputs outputs, Location at) {
  Run run{op, attributes, inputs, user_location(at)};
  try {
    scan_inputs(run);
    if (!run.has_device) throw ValueError("needs at least one tensor");
    run_op(run, outputs);
  } catch (Error& error) {
    place_and_rethrow(error, run);
  }
}

void apply_on_raw(Device device, OpInfo& op, const void* attributes, Inputs inputs, Outputs outputs,
                  Location at) {
  Run run{op, attributes, inputs, user_location(at)};
  try {
    scan_inputs(run);
    check_device(device);
    run.device = device;
    run_op(run, outputs);
  } catch (Error& error) {
    place_and_rethrow(error, run);
  }
}

void apply_in_place_raw(OpInfo& op, const void* attributes, Inputs inputs, Location at) {
  Run run{op, attributes, inputs, user_location(at)};
  run.in_place = true;
  try {
    if (inputs.empty() || !inputs[0].is_tensor()) throw_undefined(0);
    run_in_place(run);
  } catch (Error& error) {
    place_and_rethrow(error, run);
  }
}

}  // namespace entasis
