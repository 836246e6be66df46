// A shared, type-erased callable: what hooks are kept in. Public headers stay free of <functional>,
// which costs more to parse than all of core.
#pragma once

#include <type_traits>
#include <utility>

#include <entasis/core/ref.h>

namespace entasis {

template <class Signature>
class Callback;

template <class R, class... A>
class Callback<R(A...)> {
 public:
  Callback() = default;
  template <class F>
    requires(!std::is_same_v<std::decay_t<F>, Callback> && std::is_invocable_r_v<R, F&, A...>)
  Callback(F&& f) : target_(Ref<Target>::adopt(new Holder<std::decay_t<F>>(std::forward<F>(f)))) {}

  explicit operator bool() const { return bool(target_); }
  R operator()(A... arguments) const { return target_->call(std::forward<A>(arguments)...); }

 private:
  struct Target : Counted {
    virtual ~Target() = default;
    virtual R call(A... arguments) = 0;
    void release() {
      if (drop()) delete this;
    }
  };
  template <class F>
  struct Holder final : Target {
    F f;
    template <class G>
    explicit Holder(G&& g) : f(std::forward<G>(g)) {}
    R call(A... arguments) override { return f(std::forward<A>(arguments)...); }
  };

  Ref<Target> target_;
};

}  // namespace entasis
