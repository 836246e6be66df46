// The road of an op. An op is an attribute struct, a `Rule<Op>` and a row; `apply()` is the only
// way to run one: checks, infer, allocate, kernel, record.
//
// An attribute struct names its op, compares by value and holds no tensors:
//
//   struct Softmax {
//     static constexpr const char* name = "softmax";
//     int64_t dim;
//     bool operator==(const Softmax&) const = default;
//     void visit(auto& v) const { v("dim", dim); }
//   };
//
// Its rule, in the .cpp file, gives what is true on every device:
//
//   static Spec infer(const Op&, Inputs);                       one output, or
//   static std::array<Spec, N> infer(const Op&, Inputs);        N outputs, or
//   static Spec infer(const Op&, Inputs, Counts);               two-phase: the kernel counts first,
//   or static Geometry view(const Op&, const Operand&);            a view; several through Views
//   static constexpr SaveMask saves[] = {…};                    for the gradient of input k, keep
//   these static Grads vjp(const Op&, const Saved&, Grads gy);        absent: not differentiable
//   static bool mutates(const Op&, int input, int inputs);      inputs that the kernel writes
//   static constexpr uint32_t not_differentiable = 0b10;        outputs that never carry gradients
//   static constexpr uint32_t optional_inputs = 0b100;          inputs that may be undefined
//   static int64_t random_words(const Op&, Outputs);            32-bit words drawn; absent: none
//   static constexpr OpFlags flags = …;
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/core/ints.h>
#include <entasis/core/node.h>
#include <entasis/core/operand.h>

namespace entasis {

struct OpInfo;

enum OpFlags : uint32_t {
  kNoFlags = 0,
  kPointwise = 1,          // output element i depends on input elements i alone: may run in place
  kSynchronizes = 2,       // waits for the device: cannot be captured
  kDataDependent = 4,      // shapes depend on values: two-phase
  kCrossesDevices = 8,     // inputs and output may lie on different devices
  kNotDeterministic = 16,  // opt-in only
};
constexpr OpFlags operator|(OpFlags a, OpFlags b) { return OpFlags(uint32_t(a) | uint32_t(b)); }

// Numbers that a two-phase op's first phase found.
using Counts = std::span<const int64_t>;
inline constexpr int kMaxCounts = kMaxDims;
inline constexpr int kMaxSpecs = 4;  // outputs of an op that allocates; views may have any number

// ---- What a kernel gets besides operands.
struct Context {
  const OpInfo& op;
  Device device;
  const void* data = nullptr;  // the slot's
  StreamId stream = 0;
  void* scratch =
      nullptr;  // as many bytes as the kernel's scratch function asked for, 64-byte aligned
  RandomState random;
};
class CpuContext {
 public:
  static constexpr DeviceType device_type = DeviceType::kCPU;
  explicit CpuContext(const Context& context) : context_(context) {}
  template <class T>
  T* scratch() const {
    return static_cast<T*>(context_.scratch);
  }
  const RandomState& random() const { return context_.random; }
  const OpInfo& op() const { return context_.op; }
  template <class T>
  const T& data() const {
    return *static_cast<const T*>(context_.data);
  }

 private:
  const Context& context_;
};

using KernelFn = void (*)(const Context&, const void* attributes, Inputs, Outputs);
using ScratchFn = size_t (*)(const void* attributes, Inputs, Outputs);
using CountFn = void (*)(const Context&, const void* attributes, Inputs, std::span<int64_t> counts);
struct KernelSlot {
  KernelFn run = nullptr;
  ScratchFn scratch = nullptr;
  CountFn count = nullptr;
  const void* data = nullptr;  // for kernels that share one function and differ by a table
};

// ---- Attributes as text, for errors, traces and replay.
class AttributeVisitor {
 public:
  virtual ~AttributeVisitor() = default;
  virtual void integer(const char* name, int64_t value) = 0;
  virtual void real(const char* name, double value) = 0;
  virtual void boolean(const char* name, bool value) = 0;
  virtual void dims(const char* name, const Dims& value) = 0;
  virtual void text(const char* name, const char* value) = 0;

  void operator()(const char* name, bool value) { boolean(name, value); }
  void operator()(const char* name, std::integral auto value) { integer(name, int64_t(value)); }
  void operator()(const char* name, std::floating_point auto value) { real(name, value); }
  void operator()(const char* name, const Dims& value) { dims(name, value); }
  void operator()(const char* name, DType value) { text(name, name_of(value)); }
  void operator()(const char* name, const char* value) { text(name, value); }
  void operator()(const char* name, std::span<const int64_t> value) {
    text(name, to_string(value).c_str());
  }
  template <class E>
    requires std::is_enum_v<E>
  void operator()(const char* name, E value) {
    integer(name, int64_t(value));
  }
};

// A pointwise formula, for compilers that fuse: the name of the function and its text, which is
// empty where the function is a primitive.
struct Formula {
  const char* name;
  const char* text;
  int arity;              // of the op
  bool is_slope = false;  // the op is operand 0 times the function's derivative at operand 1
};

// ---- One constinit table of function pointers per op.
struct OpInfo {
  const char* name;
  void (*infer)(const void* attributes, Inputs, Counts, Spec* out);
  void (*view)(const void* attributes, const Operand& input, std::span<Geometry> out);
  Grads (*vjp)(const Node&, const Saved&, Grads);
  Node* (*make_node)(const void* attributes);
  bool (*equal)(const void* a, const void* b);
  void (*visit)(const void* attributes, AttributeVisitor&);
  bool (*mutates)(const void* attributes, int input, int inputs);
  int64_t (*random_words)(const void* attributes, Outputs);
  const SaveMask* saves;
  int saves_count;
  uint32_t not_differentiable;
  uint32_t optional_inputs;
  OpFlags flags;
  const Formula* formula;  // null unless pointwise
  KernelSlot kernels[kDeviceTypes] = {};

  // What input `k` needs kept; the last entry serves all later inputs.
  SaveMask saves_for(int k) const { return saves[k < saves_count ? k : saves_count - 1]; }
};

template <class Op>
struct Rule;  // specialised beside each op

// The attributes beside the node's own fields.
template <class Op>
struct OpNode final : Node {
  Op attributes;
  explicit OpNode(const Op& a) : attributes(a) {}
};

// Turns a typed rule into the table's untyped functions.
template <class Op>
struct OpTraits {
  using R = Rule<Op>;
  static const Op& cast(const void* attributes) { return *static_cast<const Op*>(attributes); }

  static constexpr bool has_view = requires(const Op& o, const Operand& in) { R::view(o, in); };
  static constexpr bool has_views =
      requires(const Op& o, const Operand& in, std::span<Geometry> out) { R::views(o, in, out); };
  static constexpr bool has_vjp =
      requires(const Op& o, const Saved& s, Grads gy) { R::vjp(o, s, gy); };
  static constexpr bool has_mutates = requires(const Op& o) { R::mutates(o, 0, 1); };
  static constexpr bool has_random =
      requires(const Op& o, Outputs out) { R::random_words(o, out); };

  static void infer(const void* a, Inputs in, Counts counts, Spec* out) {
    auto store = [out](const auto& specs) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(specs)>, Spec>) {
        *out = specs;
      } else {
        static_assert(std::tuple_size_v<std::remove_cvref_t<decltype(specs)>> <= kMaxSpecs);
        for (size_t i = 0; i < specs.size(); ++i) out[i] = specs[i];
      }
    };
    if constexpr (requires { R::infer(cast(a), in, counts); }) {
      store(R::infer(cast(a), in, counts));
    } else {
      store(R::infer(cast(a), in));
    }
  }
  static void view(const void* a, const Operand& in, std::span<Geometry> out) {
    if constexpr (has_views) {
      R::views(cast(a), in, out);
    } else {
      out[0] = R::view(cast(a), in);
    }
  }
  static Grads vjp(const Node& node, const Saved& saved, Grads gy) {
    return R::vjp(static_cast<const OpNode<Op>&>(node).attributes, saved, std::move(gy));
  }
  static Node* make_node(const void* a) { return new OpNode<Op>(cast(a)); }
  static bool equal(const void* a, const void* b) { return cast(a) == cast(b); }
  static void visit(const void* a, AttributeVisitor& v) {
    if constexpr (requires { cast(a).visit(v); }) cast(a).visit(v);
  }
  static bool mutates(const void* a, int i, int n) { return R::mutates(cast(a), i, n); }
  static int64_t random_words(const void* a, Outputs out) { return R::random_words(cast(a), out); }

  static constexpr OpInfo info() {
    OpInfo i{};
    i.name = Op::name;
    if constexpr (has_view || has_views) {
      i.view = &view;
    } else {
      i.infer = &infer;
    }
    if constexpr (has_vjp) {
      i.vjp = &vjp;
      i.make_node = &make_node;
      i.saves = R::saves;
      i.saves_count = int(std::size(R::saves));
    }
    i.equal = &equal;
    i.visit = &visit;
    if constexpr (has_mutates) i.mutates = &mutates;
    if constexpr (has_random) i.random_words = &random_words;
    if constexpr (requires { R::not_differentiable; }) i.not_differentiable = R::not_differentiable;
    if constexpr (requires { R::optional_inputs; }) i.optional_inputs = R::optional_inputs;
    if constexpr (requires { R::flags; }) i.flags = R::flags;
    if constexpr (requires { R::formula; }) i.formula = &R::formula;
    return i;
  }
};

// Rules live in one .cpp file each, so this is instantiated in one library only (a template of
// tables in a header would split in two under RTLD_LOCAL).
template <class Op>
inline constinit OpInfo op_info = OpTraits<Op>::info();

// ---- apply
// Runs `op` on `inputs` into `outputs`, which it allocates (their number is the caller's). The
// device is that of the inputs. Throws what the rule throws, placed at `at`.
ENTASIS_API void apply_raw(OpInfo& op, const void* attributes, Inputs inputs, Outputs outputs,
                           Location at);
// The same with the outputs on `device`, for copies between devices.
ENTASIS_API void apply_on_raw(Device device, OpInfo& op, const void* attributes, Inputs inputs,
                              Outputs outputs, Location at);
// Writes the result of `op` over `inputs[0]`, the target: shape and category must fit. An input
// that overlaps the target is read as it was before; a pointwise op may read the very elements that
// it writes. Recorded like any op. Factories are an empty tensor and such an op that fills it.
ENTASIS_API void apply_in_place_raw(OpInfo& op, const void* attributes, Inputs inputs, Location at);

template <class Op, class... T>
Tensor apply(const Op& op, Location at, const T&... inputs) {
  const Operand operands[] = {Operand(inputs)...};
  Tensor out;
  apply_raw(op_info<Op>, &op, operands, {&out, 1}, at);
  return out;
}
template <class Op>
Tensor apply_list(const Op& op, Location at, Inputs inputs) {
  Tensor out;
  apply_raw(op_info<Op>, &op, inputs, {&out, 1}, at);
  return out;
}
template <int N, class Op, class... T>
std::array<Tensor, N> apply_multiple(const Op& op, Location at, const T&... inputs) {
  const Operand operands[] = {Operand(inputs)...};
  std::array<Tensor, N> out;
  apply_raw(op_info<Op>, &op, operands, out, at);
  return out;
}
template <class Op, class... T>
Tensor apply_on(Device device, const Op& op, Location at, const T&... inputs) {
  const std::array<Operand, sizeof...(T)> operands = {Operand(inputs)...};
  Tensor out;
  apply_on_raw(device, op_info<Op>, &op, operands, {&out, 1}, at);
  return out;
}
// For ops that have no output of their own and only write into `mutates` operands.
template <class Op>
void apply_update(const Op& op, Location at, Inputs inputs) {
  apply_raw(op_info<Op>, &op, inputs, {}, at);
}
template <class Op, class... T>
void apply_in_place(const Op& op, Location at, const Tensor& target, const T&... others) {
  const Operand operands[] = {Operand(target), Operand(others)...};
  apply_in_place_raw(op_info<Op>, &op, operands, at);
}

}  // namespace entasis
