// Optimizer steps: one pass over all tensors of a step, and their plain forms.
//
// The tensors of a list lie one behind another in a common index space, which parallel_for cuts at
// multiples of kGrain; so many small tensors cost as little as one large one. Where all operands of
// a tensor are dense in the same order and f32 or f64, the formula runs straight through memory, a
// vector at a time; other layouts and the half types go through tiles that stay in the L1 cache.
// Each element depends on its own operands alone and nothing is contracted to FMA, so the bits are
// the same for any cut and on every target.
//
// Bytes moved per element of size s, which is the floor: SGD 3s, with momentum 5s, Adam 7s.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/simd_targets.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>
#include <entasis/ops/update_internal.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/update.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <entasis/kernels/cpu/internal/simd_value.h>

#ifndef ENTASIS_KERNELS_CPU_UPDATE_ONCE_
#define ENTASIS_KERNELS_CPU_UPDATE_ONCE_
namespace entasis::cpu {
namespace {

// The numbers of a formula, in double; each is rounded once to the type that computes.
struct SgdNumbers {
  double lr, momentum, gradient_share, weight_decay;
  bool nesterov, first_step;
};
struct AdamNumbers {
  double beta1, beta2, eps, l2, decay;
  double step_size;  // lr over the first moment's bias correction
  double root;       // square root of the second moment's bias correction
};

// Where the formula reads and writes: the parameter, the gradient, then the states. Reading and
// writing pointers of an operand may be the same.
constexpr int kMaxStates = 2;
template <class T>
struct Streams {
  const T* parameter;
  const T* gradient;
  const T* state[kMaxStates];
  T* new_parameter;
  T* new_state[kMaxStates];
};

template <class T, class Numbers>
using UpdateRun = void (*)(const Numbers&, int states, const Streams<T>&, int64_t n);

struct UpdateTarget {
  UpdateRun<float, SgdNumbers> sgd_f32;
  UpdateRun<double, SgdNumbers> sgd_f64;
  UpdateRun<float, AdamNumbers> adam_f32;
  UpdateRun<double, AdamNumbers> adam_f64;
};

}  // namespace
}  // namespace entasis::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using entasis::HWY_NAMESPACE::Lane;

// torch.optim.SGD: g += weight_decay p; v = momentum v + (1 - dampening) g, at first v = g;
// p -= lr v, with Nesterov p -= lr (g + momentum v).
template <class V>
struct SgdFormula {
  V lr, momentum, gradient_share, weight_decay;
  bool decays, nesterov, first_step;

  HWY_INLINE explicit SgdFormula(const SgdNumbers& c)
      : lr(c.lr),
        momentum(c.momentum),
        gradient_share(c.gradient_share),
        weight_decay(c.weight_decay),
        decays(c.weight_decay != 0),
        nesterov(c.nesterov),
        first_step(c.first_step) {}

  HWY_INLINE void step(V& p, V g) const {
    if (decays) g += weight_decay * p;
    p -= lr * g;
  }
  HWY_INLINE void step(V& p, V g, V& v) const {
    if (decays) g += weight_decay * p;
    v = first_step ? g : momentum * v + gradient_share * g;
    p -= lr * (nesterov ? g + momentum * v : v);
  }
};

// Kingma & Ba 2015 (arXiv:1412.6980), algorithm 1, with the bias corrections folded into two
// numbers; weight decay joins the gradient (l2) or shrinks the parameter (Loshchilov & Hutter
// 2019).
template <class V>
struct AdamFormula {
  V beta1, beta2, share1, share2, eps, l2, decay, step_size, root;
  bool has_l2, has_decay;

  HWY_INLINE explicit AdamFormula(const AdamNumbers& c)
      : beta1(c.beta1),
        beta2(c.beta2),
        share1(1 - c.beta1),
        share2(1 - c.beta2),
        eps(c.eps),
        l2(c.l2),
        decay(c.decay),
        step_size(c.step_size),
        root(c.root),
        has_l2(c.l2 != 0),
        has_decay(c.decay != 1) {}

  HWY_INLINE void step(V& p, V g, V& m, V& v) const {
    if (has_decay) p *= decay;
    if (has_l2) g += l2 * p;
    m = beta1 * m + share1 * g;
    v = beta2 * v + share2 * g * g;
    p -= step_size * m / (sqrt(v) / root + eps);
  }
};

// One vector: loads, the formula, stores.
template <int kStates, class V, class Formula, class T>
HWY_INLINE void step_vector(const Formula& formula, const Streams<T>& s, int64_t i) {
  V p = V::load(s.parameter + i);
  const V g = V::load(s.gradient + i);
  if constexpr (kStates == 0) {
    formula.step(p, g);
  } else if constexpr (kStates == 1) {
    V v = V::load(s.state[0] + i);
    formula.step(p, g, v);
    v.store(s.new_state[0] + i);
  } else {
    V m = V::load(s.state[0] + i);
    V v = V::load(s.state[1] + i);
    formula.step(p, g, m, v);
    m.store(s.new_state[0] + i);
    v.store(s.new_state[1] + i);
  }
  p.store(s.new_parameter + i);
}

template <int kStates, template <class> class Formula, class T, class Numbers>
void run(const Numbers& numbers, const Streams<T>& s, int64_t n) {
  using D = hn::ScalableTag<T>;
  using V = Lane<D>;
  constexpr int64_t kLanes = int64_t(hn::MaxLanes(D()));
  const Formula<V> formula(numbers);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) step_vector<kStates, V>(formula, s, i);
  if (i == n) return;
  // The tail runs the same code on a padded vector.
  T tail[2 + kStates][kLanes] = {};
  Streams<T> padded{tail[0], tail[1], {}, tail[0], {}};
  std::copy_n(s.parameter + i, n - i, tail[0]);
  std::copy_n(s.gradient + i, n - i, tail[1]);
  for (int k = 0; k < kStates; ++k) {
    std::copy_n(s.state[k] + i, n - i, tail[2 + k]);
    padded.state[k] = padded.new_state[k] = tail[2 + k];
  }
  step_vector<kStates, V>(formula, padded, 0);
  std::copy_n(tail[0], n - i, s.new_parameter + i);
  for (int k = 0; k < kStates; ++k) std::copy_n(tail[2 + k], n - i, s.new_state[k] + i);
}

template <class T>
void run_sgd(const SgdNumbers& numbers, int states, const Streams<T>& s, int64_t n) {
  states == 0 ? run<0, SgdFormula>(numbers, s, n) : run<1, SgdFormula>(numbers, s, n);
}
template <class T>
void run_adam(const AdamNumbers& numbers, int, const Streams<T>& s, int64_t n) {
  run<2, AdamFormula>(numbers, s, n);
}

const UpdateTarget* update_target() {
  static constexpr UpdateTarget kTarget = {run_sgd<float>, run_sgd<double>, run_adam<float>,
                                           run_adam<double>};
  return &kTarget;
}

}  // namespace
}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace entasis::cpu {
namespace {

HWY_EXPORT(update_target);

// Elements that one thread takes at a time: some microseconds of work.
constexpr int64_t kGrain = 16384;
// Elements of a tile: with up to four operands in float, 4 KiB.
constexpr int64_t kTile = 256;

template <class T>
UpdateRun<T, SgdNumbers> find_run(const SgdNumbers&) {
  const UpdateTarget* target = HWY_DYNAMIC_DISPATCH(update_target)();
  if constexpr (sizeof(T) == 4)
    return target->sgd_f32;
  else
    return target->sgd_f64;
}
template <class T>
UpdateRun<T, AdamNumbers> find_run(const AdamNumbers&) {
  const UpdateTarget* target = HWY_DYNAMIC_DISPATCH(update_target)();
  if constexpr (sizeof(T) == 4)
    return target->adam_f32;
  else
    return target->adam_f64;
}

// Operands of a walk: what is read, then what is written.
constexpr int kRead = 2 + kMaxStates;
constexpr int kOperands = kRead + 1 + kMaxStates;
constexpr int kWriteParameter = kRead;

// One tensor of a step with all that belongs to it. Operands that a step lacks name the parameter.
struct Item {
  DType dtype;
  int64_t begin, numel;  // in the common index space
  std::array<char*, kOperands> data;
  std::optional<StridedWalk<kOperands>> walk;  // none if every operand is one run of neighbours

  Item(int64_t begin, const std::array<const Tensor*, kOperands>& operands)
      : dtype(operands[0]->dtype()), begin(begin), numel(operands[0]->numel()) {
    bool straight = operands[0]->is_contiguous();
    std::array<const Dims*, kOperands> strides;
    for (size_t k = 0; k < kOperands; ++k) {
      data[k] = operands[k]->raw_as<char>();
      strides[k] = &operands[k]->strides();
      straight &= *strides[k] == *strides[0];
    }
    if (straight) return;
    walk.emplace(WalkOrder::kMemory, operands[0]->shape(), strides);
    for (int k = 0; k < kOperands; ++k) {
      if (!walk->is_contiguous(k)) return;
    }
    walk.reset();  // dense in another order, channels-last say
  }
};

class Update {
 public:
  Update(int states, size_t tensors) : states_(states) { items_.reserve(tensors); }

  // `read` holds parameter, gradient and states; `written` the parameter and states.
  void add(const std::array<const Tensor*, kRead>& read,
           const std::array<const Tensor*, 1 + kMaxStates>& written) {
    if (read[0]->numel() == 0) return;
    std::array<const Tensor*, kOperands> all;
    all.fill(read[0]);
    std::copy_n(read.begin(), 2 + states_, all.begin());
    std::copy_n(written.begin(), 1 + states_, all.begin() + kWriteParameter);
    items_.emplace_back(numel_, all);
    numel_ += read[0]->numel();
  }

  template <class Numbers>
  void run(const Numbers& numbers) const {
    parallel_for(numel_, kGrain, [&](int64_t begin, int64_t end) {
      auto item = std::upper_bound(items_.begin(), items_.end(), begin,
                                   [](int64_t at, const Item& i) { return at < i.begin; }) -
                  1;
      for (; item != items_.end() && item->begin < end; ++item) {
        const int64_t from = std::max(begin - item->begin, int64_t{0});
        const int64_t to = std::min(end - item->begin, item->numel);
        if (item->dtype == kF64) {
          run_item<double>(numbers, *item, from, to);
        } else {
          run_item<float>(numbers, *item, from, to);
        }
      }
    });
  }

 private:
  template <class T, class Numbers>
  void run_item(const Numbers& numbers, const Item& item, int64_t begin, int64_t end) const {
    const auto run = find_run<T>(numbers);
    if (item.walk) {
      item.walk->runs(begin, end, [&](const auto& offsets, int64_t count) {
        run_tiles<T>(run, numbers, item, offsets, count);
      });
    } else if (item.dtype != dtype_of<T>) {
      std::array<int64_t, kOperands> offsets;
      offsets.fill(begin);
      run_tiles<T>(run, numbers, item, offsets, end - begin);
    } else {
      auto at = [&](int k) { return reinterpret_cast<T*>(item.data[size_t(k)]) + begin; };
      const Streams<T> streams{at(0),
                               at(1),
                               {at(2), at(3)},
                               at(kWriteParameter),
                               {at(kWriteParameter + 1), at(kWriteParameter + 2)}};
      run(numbers, states_, streams, end - begin);
    }
  }

  // A run of `count` elements, a tile at a time: converted in, updated, converted out.
  template <class T, class Numbers>
  void run_tiles(UpdateRun<T, Numbers> run, const Numbers& numbers, const Item& item,
                 const std::array<int64_t, kOperands>& offsets, int64_t count) const {
    const int64_t size = size_of(item.dtype);
    const ConvertRun in = find_converter(dtype_of<T>, item.dtype);
    const ConvertRun out = find_converter(item.dtype, dtype_of<T>);
    auto step = [&item](int k) { return item.walk ? item.walk->step(k) : 1; };
    alignas(64) T tile[kRead][kTile];
    for (int64_t i = 0; i < count; i += kTile) {
      const int64_t n = std::min(kTile, count - i);
      auto at = [&](int k) {
        return item.data[size_t(k)] + (offsets[size_t(k)] + i * step(k)) * size;
      };
      for (int k = 0; k < 2 + states_; ++k) in(tile[k], 1, at(k), step(k), n);
      run(numbers, states_, {tile[0], tile[1], {tile[2], tile[3]}, tile[0], {tile[2], tile[3]}}, n);
      out(at(kWriteParameter), step(kWriteParameter), tile[0], 1, n);
      for (int k = 0; k < states_; ++k) {
        out(at(kWriteParameter + 1 + k), step(kWriteParameter + 1 + k), tile[2 + k], 1, n);
      }
    }
  }

  int states_;
  int64_t numel_ = 0;
  std::vector<Item> items_;
};

AdamNumbers adam_numbers(const AdamStep& op, double lr, int64_t step) {
  return {op.beta1,
          op.beta2,
          op.eps,
          op.decoupled ? 0 : op.weight_decay,
          op.decoupled ? 1 - lr * op.weight_decay : 1,
          lr / bias_correction(op.beta1, step),
          std::sqrt(bias_correction(op.beta2, step))};
}

// All lists of a fused step, updated in place.
template <class Numbers>
void run_in_place(const Numbers& numbers, int states, Inputs in, size_t count) {
  Update update(states, count);
  for (size_t i = 0; i < count; ++i) {
    const Tensor* tensors[kRead] = {};
    for (size_t k = 0; k < size_t(2 + states); ++k) tensors[k] = &in[k * count + i].tensor();
    update.add({tensors[0], tensors[1], tensors[2], tensors[3]},
               {tensors[0], tensors[2], tensors[3]});
  }
  update.run(numbers);
}

// One parameter, into new tensors.
template <class Numbers>
void run_into_new(const Numbers& numbers, int states, Inputs in, Outputs out) {
  Update update(states, 1);
  auto read = [&](int k) { return k < 2 + states ? &in[size_t(k)].tensor() : nullptr; };
  auto written = [&](int k) { return k < 1 + states ? &out[size_t(k)] : nullptr; };
  update.add({read(0), read(1), read(2), read(3)}, {written(0), written(1), written(2)});
  update.run(numbers);
}

}  // namespace

void sgd_step(CpuContext&, const SgdStep& op, Inputs in, Outputs) {
  const SgdNumbers numbers{value_of(in.back()), op.momentum, 1 - op.dampening,
                           op.weight_decay,     op.nesterov, op.first_step};
  run_in_place(numbers, op.states(), in, (in.size() - 1) / size_t(2 + op.states()));
}

void adam_step(CpuContext&, const AdamStep& op, Inputs in, Outputs) {
  const size_t numbers_at = in.size() - 2;
  run_in_place(adam_numbers(op, value_of(in[numbers_at]), int64_t(value_of(in.back()))), 2, in,
               numbers_at / 4);
}

void sgd_update(CpuContext&, const SgdUpdate&, Inputs in, Outputs out) {
  run_into_new(SgdNumbers{in[2].number().to_double(), 0, 1, 0, false, false}, 0, in, out);
}

void sgd_momentum_update(CpuContext&, const SgdMomentumUpdate& op, Inputs in, Outputs out) {
  run_into_new(SgdNumbers{in[3].number().to_double(), op.momentum, 1, 0, false, false}, 1, in, out);
}

void adam_update(CpuContext&, const AdamUpdate& op, Inputs in, Outputs out) {
  run_into_new(adam_numbers(op.hyper, in[4].number().to_double(), in[5].number().to_int()), 2, in,
               out);
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_update(Kernels& kernels) {
  kernels.add<&cpu::sgd_step>();
  kernels.add<&cpu::adam_step>();
  kernels.add<&cpu::sgd_update>();
  kernels.add<&cpu::sgd_momentum_update>();
  kernels.add<&cpu::adam_update>();
}

}  // namespace entasis
#endif  // HWY_ONCE
