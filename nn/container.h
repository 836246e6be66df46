// Sequential and List: modules made of others that they own, named "0", "1", … unless a name is
// given.
//
//   nn::Sequential net;
//   net.add<nn::Linear>(784, 256).add<nn::ReLU>().add<nn::Linear>(256, 10);
#pragma once

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <entasis/nn/module.h>

namespace entasis::nn {

// M's own Options, or an empty type.
struct NoOptions {};
template <class M>
struct FindOptions {
  using type = NoOptions;
};
template <class M>
  requires requires { typename M::Options; }
struct FindOptions<M> {
  using type = typename M::Options;
};
template <class M>
using OptionsOf = typename FindOptions<M>::type;

// Owns its children. What Sequential and List share.
class ENTASIS_API Container : public Module {
 public:
  ~Container() override;

  size_t size() const { return children().size(); }
  bool empty() const { return children().empty(); }
  // The child at `index`; a negative one counts from the end. Throws IndexError.
  Module& at(int64_t index, Location at = {}) const;
  // The same as an M. Throws ValueError if it is none.
  template <class M>
  M& get(int64_t index, Location at = {}) const {
    Module& child = this->at(index, at);
    if (M* typed = dynamic_cast<M*>(&child)) return *typed;
    throw_other_type(index, at);
  }

 protected:
  Container();

  std::string next_name() const { return std::to_string(size()); }

  // Makes an M of those arguments that were given: what comes behind them is default options, of
  // which an M with options takes one.
  template <class M, class... A>
  void add_child(std::string name, Location at, A&... arguments) {
    using Options = OptionsOf<M>;
    constexpr bool is_options[] = {std::is_same_v<A, Options>...};
    constexpr size_t count = [&] {
      size_t given = sizeof...(A);
      while (given > 0 && is_options[given - 1]) --given;
      const bool takes_options = !std::is_same_v<Options, NoOptions> && given < sizeof...(A);
      return given + (takes_options ? 1 : 0);
    }();
    auto all = std::tie(arguments...);
    [&]<size_t... I>(std::index_sequence<I...>) {
      make_room();
      own(new Sub<M>(Parent(*this, at), std::move(name), std::move(std::get<I>(all))...));
    }(std::make_index_sequence<count>());
  }

 private:
  void make_room();
  void own(Module* child);
  [[noreturn]] void throw_other_type(int64_t index, Location at) const;

  std::vector<Module*> owned_;
};

// The adding half of a container of type Self. Both functions return the container.
template <class Self>
class Adder : public Container {
 public:
  // Appends an M made of the arguments (at most six), M's options standing last, in braces if one
  // likes. Throws what M's constructor throws.
  template <class M, class A = OptionsOf<M>, class B = OptionsOf<M>, class C = OptionsOf<M>,
            class D = OptionsOf<M>, class E = OptionsOf<M>, class F = OptionsOf<M>>
  Self& add(A a = {}, B b = {}, C c = {}, D d = {}, E e = {}, F f = {}, Location at = {}) {
    this->template add_child<M>(this->next_name(), at, a, b, c, d, e, f);
    return static_cast<Self&>(*this);
  }
  // The same under a name of its own.
  template <class M, class A = OptionsOf<M>, class B = OptionsOf<M>, class C = OptionsOf<M>,
            class D = OptionsOf<M>, class E = OptionsOf<M>, class F = OptionsOf<M>>
  Self& add_named(std::string name, A a = {}, B b = {}, C c = {}, D d = {}, E e = {}, F f = {},
                  Location at = {}) {
    this->template add_child<M>(std::move(name), at, a, b, c, d, e, f);
    return static_cast<Self&>(*this);
  }
};

// Runs its children one after another. A Linear and a ReLU or GELU behind it are one fused op.
class ENTASIS_API Sequential : public Adder<Sequential> {
 public:
  Tensor forward(const Tensor& input) override;
};

// Holds modules that its user calls:
//
//   nn::Sub<nn::List> blocks{*this, "blocks"};
//   for (int i = 0; i < depth; ++i) blocks.add<Block>(width);
//   for (nn::Module* block : blocks.children()) x = (*block)(x);
class ENTASIS_API List : public Adder<List> {};

}  // namespace entasis::nn
