// Registration of kernels: explicit calls, by op name, with the attribute type checked.
#pragma once

#include <string>

#include <entasis/core/op.h>

namespace entasis {

// Passed to each `register_<device>_<stem>(Kernels&)`: adds kernels for one device type.
class ENTASIS_API Kernels {
 public:
  explicit Kernels(DeviceType device) : device_(device) {}

  // Adds `F`, a `void(CpuContext&, const Op&, Inputs, Outputs)`, as the kernel of the op that
  // `Op::name` names.
  template <auto F>
  void add() {
    add_slot(Thunk<F>::Attributes::name, {&Thunk<F>::run, nullptr, nullptr, nullptr});
  }
  // With a `size_t(const Op&, Inputs, Outputs)` that says how much scratch memory a run needs.
  template <auto F, auto Scratch>
  void add_with_scratch() {
    add_slot(Thunk<F>::Attributes::name,
             {&Thunk<F>::run, &ScratchThunk<Scratch>::run, nullptr, nullptr});
  }
  // With a `void(CpuContext&, const Op&, Inputs, std::span<int64_t> counts)` that runs first.
  template <auto F, auto Count>
  void add_two_phase() {
    add_slot(Thunk<F>::Attributes::name,
             {&Thunk<F>::run, nullptr, &CountThunk<Count>::run, nullptr});
  }
  // A `void(CpuContext&, Inputs, Outputs)` for an op by name; the context's data() is `table`. For
  // families of ops that share one kernel and differ by an entry in a table.
  template <auto F>
  void add_from_table(const char* op, const void* table) {
    add_slot(op, {&TableThunk<F>::run, nullptr, nullptr, table});
  }
  // Untyped, for tables of kernels. Throws Error if the op is unknown or already has a kernel.
  void add_slot(const char* op, KernelSlot slot);
  DeviceType device() const { return device_; }

 private:
  template <auto F>
  struct Thunk;
  template <class C, class Op, void (*F)(C&, const Op&, Inputs, Outputs)>
  struct Thunk<F> {
    using Attributes = Op;
    static void run(const Context& context, const void* attributes, Inputs in, Outputs out) {
      C typed(context);
      F(typed, *static_cast<const Op*>(attributes), in, out);
    }
  };
  template <auto F>
  struct TableThunk;
  template <class C, void (*F)(C&, Inputs, Outputs)>
  struct TableThunk<F> {
    static void run(const Context& context, const void*, Inputs in, Outputs out) {
      C typed(context);
      F(typed, in, out);
    }
  };
  template <auto F>
  struct ScratchThunk;
  template <class Op, size_t (*F)(const Op&, Inputs, Outputs)>
  struct ScratchThunk<F> {
    static size_t run(const void* attributes, Inputs in, Outputs out) {
      return F(*static_cast<const Op*>(attributes), in, out);
    }
  };
  template <auto F>
  struct CountThunk;
  template <class C, class Op, void (*F)(C&, const Op&, Inputs, std::span<int64_t>)>
  struct CountThunk<F> {
    static void run(const Context& context, const void* attributes, Inputs in,
                    std::span<int64_t> counts) {
      C typed(context);
      F(typed, *static_cast<const Op*>(attributes), in, counts);
    }
  };

  DeviceType device_;
};

// For programs that bring their own op: `register_kernel<&my_kernel>(DeviceType::kCPU)`.
template <auto F>
void register_kernel(DeviceType device) {
  Kernels(device).add<F>();
}

}  // namespace entasis
