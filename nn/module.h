// Module: a piece of a network that owns parameters and other modules.
//
//   struct Mlp : nn::Module {
//     nn::Sub<nn::Linear> fc1{*this, "fc1", 784, 256};
//     nn::Sub<nn::Linear> fc2{*this, "fc2", 256, 10};
//     Tensor forward(const Tensor& x) override { return fc2(relu(fc1(x))); }
//   };
//   Mlp model;
//   Tensor y = model(x);
//
// A module stays where it was made: it is neither copied nor moved, so that members may refer to
// it. There is no clone(), since no base class can repeat an unknown constructor; make a second
// module and let it load the first one's state: `copy.load_state_dict(model.state_dict())`.
#pragma once

#include <concepts>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <entasis/core/named_tensors.h>
#include <entasis/core/tensor.h>

namespace entasis::nn {

class Module;

struct NamedModule {
  std::string name;  // "" for the module itself, else its path: "encoder.fc1"
  Module* module;
};

// What load_state_dict() left out when it was not strict.
struct LoadResult {
  std::vector<std::string> missing;     // the module has them, the dict does not
  std::vector<std::string> unexpected;  // the dict has them, the module does not
};

class ENTASIS_API Module {
 public:
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  // Leaves the parent, if there is one. Children outlive no parent: they are its members.
  virtual ~Module();

  // What the module computes. Call the module itself rather than this: errors then name its path.
  // Modules that take other arguments declare a forward() of their own beside this one, which
  // throws Error unless it is overridden (`using Module::forward;` keeps compilers quiet about
  // that), and open a Call where they are called.
  virtual Tensor forward(const Tensor& input);

  // forward(), with this module's name added to the path in errors and `at` as the place of what
  // its layers do.
  Tensor operator()(const Tensor& input, Location at = {}) {
    const Call call(*this, at);
    return forward(input);
  }

  // ---- What it holds. Names are paths through the children, as PyTorch's: "fc1.weight". Each
  // module comes before its children, children in the order of their construction. A tensor that is
  // registered in several places is listed once, under its first name, but for state_dict().
  Tensors parameters() const;
  NamedTensors named_parameters() const;
  NamedTensors named_buffers() const;
  std::vector<NamedModule> named_modules();
  const std::vector<Module*>& children() const { return children_; }
  // Within the parent; empty for a module that stands alone.
  const std::string& name() const { return name_; }

  // Parameters and persistent buffers, detached: they share memory with the module.
  NamedTensors state_dict() const;
  // Copies the values of `state` into the module's tensors, whose shapes and dtypes must be the
  // same. Everything is checked first and nothing is changed unless all fits: ValueError lists
  // whatever is missing, unexpected or of another shape or dtype. Without `strict` missing and
  // unexpected names are returned instead.
  LoadResult load_state_dict(const NamedTensors& state, bool strict = true, Location at = {});

  // ---- What it does to all that it holds
  // Sets the mode of this module and of all below it: dropout and batch normalisation differ.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }
  // Moves or casts parameters, buffers and gradients. The tensors stay the same objects, so that an
  // optimizer made before still holds them. A dtype must be floating-point (DtypeError) and applies
  // to floating-point tensors only. Graphs recorded before raise AutogradError in backward.
  void to(Device device, Location at = {});
  void to(DType dtype, Location at = {});
  // Drops all gradients.
  void zero_grad();
  // Turns recording on or off for all parameters.
  void requires_grad_(bool on = true, Location at = {});
  // Calls fn(Module&) for all modules, children before their parent.
  template <class F>
  void apply(F&& fn) {
    for (Module* child : children_) child->apply(fn);
    fn(*this);
  }

 protected:
  Module();

  // Registers a tensor and returns it as the module keeps it: usually into a member
  //
  //   Tensor& weight = parameter("weight", empty({out, in}));
  //
  // to which another tensor may be assigned later. A parameter must be a floating-point leaf, which
  // is set to need a gradient, or undefined: then the name stands for nothing. A buffer that is not
  // persistent is left out of state dicts. Throws ValueError for a name that is empty, holds a dot
  // or is taken, AutogradError and DtypeError for other parameters.
  Tensor& parameter(std::string name, Tensor value, Location at = {});
  Tensor& buffer(std::string name, Tensor value, bool persistent = true, Location at = {});

  // Opened where a module is called: one step of the path, and the caller's place, for this thread.
  class ENTASIS_API Call {
   public:
    Call(const Module& module, Location at);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    friend class Module;
    static constinit thread_local const Call* innermost_;
    std::optional<ModuleScope> scope_;
    Location at_;
    const Call* outer_;
  };
  // Where the innermost module of this thread was called, for a layer to hand to its ops. `here` if
  // forward() was called without a Call.
  static Location call_place(Location here = {});

 private:
  template <class M>
  friend class Sub;
  struct Slot {
    std::string name;
    Tensor tensor;
    bool is_parameter;
    bool persistent;
  };

  void adopt(Module& child, std::string name, Location at);
  void check_name(const std::string& name, Location at) const;
  template <class F>
  void visit_tensors(const std::string& prefix, F&& fn) const;
  template <class F>
  void convert(F&& fn);

  std::string name_;
  Module* parent_ = nullptr;
  bool training_ = true;
  std::vector<Module*> children_;
  // Lists, since members refer to their tensors.
  std::list<Slot> parameters_, buffers_;
};

// The parent of a new module, and the line where that stands.
struct Parent {
  Module& module;
  Location at;
  Parent(Module& module, Location at = {}) : module(module), at(at) {}
};

// An M that registers itself with its parent: the member that a module is made of.
//
//   nn::Sub<nn::Conv2d> conv{*this, "conv", 1, 6, 5, {.padding = 2}};
//
// Behind the name come the arguments of M's constructor; its options may stand in braces, last.
// Throws ValueError for a name that is empty, holds a dot or is taken, and what M's constructor
// throws.
template <class M>
class Sub final : public M {
 public:
  template <class... A>
    requires std::constructible_from<M, A...>
  Sub(Parent parent, std::string name, A&&... arguments)
      : Sub(Frame(name.c_str(), parent.at), parent, name, std::forward<A>(arguments)...) {}

  // A braced list has no type that could pass through the pack, so options get overloads.
  template <class A, class N = M>
  Sub(Parent parent, std::string name, A&& a, typename N::Options options)
      : Sub(Frame(name.c_str(), parent.at), parent, name, std::forward<A>(a), options) {}
  template <class A, class B, class N = M>
  Sub(Parent parent, std::string name, A&& a, B&& b, typename N::Options options)
      : Sub(Frame(name.c_str(), parent.at), parent, name, std::forward<A>(a), std::forward<B>(b),
            options) {}
  template <class A, class B, class C, class N = M>
  Sub(Parent parent, std::string name, A&& a, B&& b, C&& c, typename N::Options options)
      : Sub(Frame(name.c_str(), parent.at), parent, name, std::forward<A>(a), std::forward<B>(b),
            std::forward<C>(c), options) {}

 private:
  // The frame lends the child's name and the user's line to errors of M's constructor.
  template <class... A>
  Sub(const Frame&, Parent parent, const std::string& name, A&&... arguments)
      : M(std::forward<A>(arguments)...) {
    parent.module.adopt(*this, name, parent.at);
  }
};

}  // namespace entasis::nn
