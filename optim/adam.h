// Adam and AdamW.
#pragma once

#include <array>

#include <entasis/optim/optimizer.h>

namespace entasis::optim {

struct AdamOptions {
  static constexpr const char* name = "Adam";
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  // added to the gradient
  bool capturable = false;  // see Optimizer

  void visit(auto&& v) {
    v("lr", lr);
    v("betas.0", betas[0]);
    v("betas.1", betas[1]);
    v("eps", eps);
    v("weight_decay", weight_decay);
  }
  // Throws ValueError for a negative lr, eps or weight_decay and for betas outside [0, 1).
  ENTASIS_API void check(Location at) const;
};

struct AdamWOptions {
  static constexpr const char* name = "AdamW";
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0.01;  // shrinks the parameter by lr * weight_decay
  bool capturable = false;     // see Optimizer

  void visit(auto&& v) {
    v("lr", lr);
    v("betas.0", betas[0]);
    v("betas.1", betas[1]);
    v("eps", eps);
    v("weight_decay", weight_decay);
  }
  // As AdamOptions.
  ENTASIS_API void check(Location at) const;
};

// What Adam and AdamW share.
template <class Options>
class ENTASIS_API AdamFamily : public GroupedOptimizer<Options> {
 protected:
  AdamFamily(const std::vector<ParameterGroup<Options>>& groups, Location at);
  void step_all(bool decoupled, Location at);

 private:
  void step_group(size_t group, bool decoupled, Location at);
};

// torch.optim.Adam (Kingma & Ba 2015, arXiv:1412.6980), as adam_step_(). A parameter's steps are
// counted from the first that found a gradient.
class ENTASIS_API Adam : public AdamFamily<AdamOptions> {
 public:
  using Options = AdamOptions;
  explicit Adam(const Tensors& parameters, AdamOptions options = {}, Location at = {});
  explicit Adam(const std::vector<ParameterGroup<AdamOptions>>& groups, Location at = {});

  void step(Location at = {}) override;
};

// torch.optim.AdamW: Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101).
class ENTASIS_API AdamW : public AdamFamily<AdamWOptions> {
 public:
  using Options = AdamWOptions;
  explicit AdamW(const Tensors& parameters, AdamWOptions options = {}, Location at = {});
  explicit AdamW(const std::vector<ParameterGroup<AdamWOptions>>& groups, Location at = {});

  void step(Location at = {}) override;
};

}  // namespace entasis::optim
