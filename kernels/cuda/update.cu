// Optimizer steps: one pass over all tensors of a step, and their plain forms.
//
// update_tensors: a block takes 16 KiB of each operand of one tensor, which it finds in a table of
// tensors that is passed by value: of up to 48, and for more, of up to 384. A thread loads 16 bytes
// of each operand at a time, updates them and stores them. So a step over any number of tensors is
// one or two launches (for each dtype). 256 threads a block, no shared memory.
//
// update_strided: where the operands of a tensor do not lie alike; a thread an element, a launch a
// tensor.
//
// make_formula: where learning rate or step number lie on the device, a thread makes the numbers
// that all elements share.
//
// Each element depends on its own operands alone, and products and sums are not contracted, so the
// bits are the CPU's. Bytes moved per element of size s, which is the floor: SGD 3s, with momentum
// 5s, Adam 7s.
#include <algorithm>
#include <array>
#include <type_traits>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/update_formulas.h>
#include <entasis/kernels/cuda/internal/vec.h>
#include <entasis/kernels/cuda/internal/walk.h>
#include <entasis/ops/update_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRounds = 4;  // of a block through its part of a tensor
constexpr int64_t kBlockBytes = int64_t{kThreads} * kRounds * 16;
constexpr int kMaxStates = 2;
// Operands: what is read (parameter, gradient, states), then what is written (parameter, states).
constexpr int kRead = 2 + kMaxStates;
constexpr int kWritten = 1 + kMaxStates;

// A tensor of a step with all that belongs to it. Pointers of reading and of writing may be the
// same.
struct Item {
  const void* read[kRead];
  void* written[kWritten];
  int64_t numel;
  uint32_t end_block;  // the first block that is not this tensor's
  bool aligned;        // every operand begins on a multiple of 16 bytes
};
template <int kItems>
struct Items {
  Item at[kItems];
  int count = 0;
};
constexpr int kFewItems = 48;    // 4 KB of parameters, which every launch copies
constexpr int kManyItems = 384;  // 30 KB of the 32 KB there are

// ---- Kernels

template <class Formula, class M, int kPack>
__device__ __forceinline__ void update_pack(const Formula& formula, const Item& item, int64_t i) {
  using T = Computed<M>;
  constexpr int kStates = Formula::states;
  Pack<M, kPack> in[2 + kStates];
#pragma unroll
  for (int k = 0; k < 2 + kStates; ++k) {
    in[k] = load_pack<kPack>(static_cast<const M*>(item.read[k]) + i);
  }
#pragma unroll
  for (int j = 0; j < kPack; ++j) {
    T p = convert_to<T>(in[0].at[j]);
    const T g = convert_to<T>(in[1].at[j]);
    T state[kMaxStates] = {};
#pragma unroll
    for (int k = 0; k < kStates; ++k) state[k] = convert_to<T>(in[2 + k].at[j]);
    formula.step(p, g, state);
    in[0].at[j] = convert_to<M>(p);
#pragma unroll
    for (int k = 0; k < kStates; ++k) in[2 + k].at[j] = convert_to<M>(state[k]);
  }
  store_pack<kPack>(static_cast<M*>(item.written[0]) + i, in[0]);
#pragma unroll
  for (int k = 0; k < kStates; ++k) {
    store_pack<kPack>(static_cast<M*>(item.written[1 + k]) + i, in[2 + k]);
  }
}

template <class M, class Formula, int kItems>
__global__ void __launch_bounds__(kThreads)
    update_tensors(const __grid_constant__ Items<kItems> items,
                   const __grid_constant__ Formula given, const Formula* on_device) {
  constexpr int kSize = kVecSize<M>;
  constexpr int64_t kBlockElements = kBlockBytes / int64_t{sizeof(M)};
  const Formula formula = on_device != nullptr ? *on_device : given;
  int low = 0, high = items.count - 1;  // the first item that ends behind this block
  while (low < high) {
    const int middle = (low + high) / 2;
    if (items.at[middle].end_block > blockIdx.x) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const Item& item = items.at[low];
  const uint32_t begin_block = low == 0 ? 0 : items.at[low - 1].end_block;
  const int64_t begin = (blockIdx.x - begin_block) * kBlockElements;
  const int64_t end = begin + kBlockElements < item.numel ? begin + kBlockElements : item.numel;
  if (item.aligned) {
    const int64_t whole = begin + (end - begin) / kSize * kSize;
    for (int64_t i = begin + int64_t{threadIdx.x} * kSize; i < whole; i += kThreads * kSize) {
      update_pack<Formula, M, kSize>(formula, item, i);
    }
    if (whole + threadIdx.x < end) update_pack<Formula, M, 1>(formula, item, whole + threadIdx.x);
  } else {
    for (int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
      update_pack<Formula, M, 1>(formula, item, i);
    }
  }
}

template <class M, class Formula>
__global__ void __launch_bounds__(kThreads)
    update_strided(const __grid_constant__ Item item,
                   const __grid_constant__ Walk<kRead + kWritten, uint64_t> walk,
                   const __grid_constant__ Formula given, const Formula* on_device) {
  using T = Computed<M>;
  constexpr int kStates = Formula::states;
  const Formula formula = on_device != nullptr ? *on_device : given;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= item.numel) return;
  int64_t offset[kRead + kWritten];
  walk.offsets(uint64_t(i), offset);
  auto read = [&](int k) { return convert_to<T>(static_cast<const M*>(item.read[k])[offset[k]]); };
  auto write = [&](int k, T value) {
    static_cast<M*>(item.written[k])[offset[kRead + k]] = convert_to<M>(value);
  };
  T p = read(0);
  T state[kMaxStates] = {};
#pragma unroll
  for (int k = 0; k < kStates; ++k) state[k] = read(2 + k);
  formula.step(p, read(1), state);
  write(0, p);
#pragma unroll
  for (int k = 0; k < kStates; ++k) write(1 + k, state[k]);
}

template <class Formula, class Maker>
__global__ void make_formula(const __grid_constant__ Maker maker, Formula* to) {
  *to = Formula(maker.load());
}

// ---- Launches

using ItemTensors = std::array<const Tensor*, size_t(kRead + kWritten)>;

Space<kRead + kWritten> space_of(const ItemTensors& tensors) {
  std::array<const Dims*, size_t(kRead + kWritten)> strides;
  for (size_t k = 0; k < strides.size(); ++k) strides[k] = &tensors[k]->strides();
  return {WalkOrder::kMemory, tensors[0]->shape(), strides};
}

// The tensors of one dtype, launched as often as the table is full.
template <class M, class Formula>
class Update {
 public:
  Update(const Formula& formula, const Formula* on_device, size_t tensors, cudaStream_t stream)
      : formula_(formula), on_device_(on_device), many_(tensors > kFewItems), stream_(stream) {}

  void add(const ItemTensors& tensors) {
    if (tensors[0]->numel() == 0) return;
    Item item;
    item.numel = tensors[0]->numel();
    item.aligned = true;
    for (int k = 0; k < kRead + kWritten; ++k) {
      void* const data = tensors[size_t(k)]->raw();
      if (k < kRead) {
        item.read[k] = data;
      } else {
        item.written[k - kRead] = data;
      }
      item.aligned = item.aligned && is_vec_aligned(data);
    }
    const Space<kRead + kWritten> space = space_of(tensors);
    bool dense = true;
    for (int k = 0; k < kRead + kWritten; ++k) dense = dense && space.is_run(k);
    if (!dense) {
      launch(&update_strided<M, Formula>, blocks_for(item.numel, kThreads), dim3(kThreads), 0,
             stream_, item, space.template walk<uint64_t>(), formula_, on_device_);
      return;
    }
    constexpr int64_t kBlockElements = kBlockBytes / int64_t{sizeof(M)};
    blocks_ += uint32_t((item.numel + kBlockElements - 1) / kBlockElements);
    item.end_block = blocks_;
    items_.at[items_.count++] = item;
    if (items_.count == (many_ ? kManyItems : kFewItems)) flush();
  }

  void flush() {
    if (items_.count == 0) return;
    if (many_) {
      launch_items(items_);
    } else {
      Items<kFewItems> few;
      few.count = items_.count;
      std::copy_n(items_.at, items_.count, few.at);
      launch_items(few);
    }
    items_.count = 0;
    blocks_ = 0;
  }

 private:
  template <int kItems>
  void launch_items(const Items<kItems>& items) {
    launch(&update_tensors<M, Formula, kItems>, dim3(blocks_), dim3(kThreads), 0, stream_, items,
           formula_, on_device_);
  }

  Formula formula_;
  const Formula* on_device_;
  bool many_;
  cudaStream_t stream_;
  uint32_t blocks_ = 0;
  Items<kManyItems> items_;
};

// Memory for a formula whose numbers are made on the device, in any type.
constexpr size_t kFormulaBytes = 128;

// Updates tensor i = tensors_of(i), in turn those of each dtype.
template <template <class> class Formula, class Maker, class TensorsOf>
void update_all(CudaContext& context, const Maker& maker, size_t count, TensorsOf tensors_of) {
  char* scratch = context.scratch<char>();
  for (const DType dtype : {kF32, kF64, kF16, kBF16}) {
    const auto is_of = [&](size_t i) { return tensors_of(i)[0]->dtype() == dtype; };
    size_t first = 0, of_dtype = 0;
    for (size_t i = count; i-- > 0;) {
      if (!is_of(i)) continue;
      first = i;
      ++of_dtype;
    }
    if (of_dtype == 0) continue;
    dispatch_floating_point(dtype, [&](auto tag) {
      using M = typename decltype(tag)::type;
      using F = Formula<Computed<M>>;
      static_assert(sizeof(F) <= kFormulaBytes);
      F* on_device = nullptr;
      if (maker.on_device()) {
        on_device = reinterpret_cast<F*>(scratch);
        scratch += kFormulaBytes;
        launch(&make_formula<F, Maker>, dim3(1), dim3(1), 0, context.stream(), maker, on_device);
      }
      Update<M, F> update(F(maker.make()), on_device, of_dtype, context.stream());
      for (size_t i = first; i < count; ++i) {
        if (is_of(i)) update.add(tensors_of(i));
      }
      update.flush();
    });
  }
}

// All lists of a fused step, updated in place. Operands that a step lacks name the parameter.
template <template <class> class Formula, class Maker>
void update_in_place(CudaContext& context, const Maker& maker, Inputs in, size_t count) {
  constexpr int kStates = Formula<float>::states;
  update_all<Formula>(context, maker, count, [&](size_t i) {
    ItemTensors tensors;
    tensors.fill(&in[i].tensor());
    for (int k = 0; k < 2 + kStates; ++k) {
      tensors[size_t(k)] = &in[size_t(k) * count + i].tensor();
    }
    for (int k = 0; k < kStates; ++k) tensors[size_t(kRead + 1 + k)] = tensors[size_t(2 + k)];
    return tensors;
  });
}

// One parameter, into new tensors.
template <template <class> class Formula, class Maker>
void update_into_new(CudaContext& context, const Maker& maker, Inputs in, Outputs out) {
  constexpr int kStates = Formula<float>::states;
  update_all<Formula>(context, maker, 1, [&](size_t) {
    ItemTensors tensors;
    tensors.fill(&in[0].tensor());
    for (int k = 0; k < 2 + kStates; ++k) tensors[size_t(k)] = &in[size_t(k)].tensor();
    for (int k = 0; k < 1 + kStates; ++k) tensors[size_t(kRead + k)] = &out[size_t(k)];
    return tensors;
  });
}

AdamMaker adam_maker(const AdamStep& op, const Operand& lr, const Operand& step) {
  return {op.beta1,     op.beta2,       op.eps,          op.weight_decay,
          op.decoupled, StepNumber(lr), StepNumber(step)};
}

size_t formulas_of(const Operand& number) { return number.is_number() ? 0 : 4 * kFormulaBytes; }
size_t sgd_scratch(const SgdStep&, Inputs in, Outputs) { return formulas_of(in.back()); }
size_t adam_scratch(const AdamStep&, Inputs in, Outputs) {
  return std::max(formulas_of(in[in.size() - 2]), formulas_of(in.back()));
}

}  // namespace

void sgd_step(CudaContext& context, const SgdStep& op, Inputs in, Outputs) {
  const SgdMaker maker{
      {0, op.momentum, 1 - op.dampening, op.weight_decay, op.nesterov, op.first_step},
      StepNumber(in.back())};
  const size_t count = (in.size() - 1) / size_t(2 + op.states());
  if (op.states() == 0) {
    update_in_place<SgdFormula>(context, maker, in, count);
  } else {
    update_in_place<MomentumFormula>(context, maker, in, count);
  }
}

void adam_step(CudaContext& context, const AdamStep& op, Inputs in, Outputs) {
  const size_t numbers_at = in.size() - 2;
  update_in_place<AdamFormula>(context, adam_maker(op, in[numbers_at], in.back()), in,
                               numbers_at / 4);
}

void sgd_update(CudaContext& context, const SgdUpdate&, Inputs in, Outputs out) {
  update_into_new<SgdFormula>(context, SgdMaker{{0, 0, 1, 0, false, false}, StepNumber(in[2])}, in,
                              out);
}

void sgd_momentum_update(CudaContext& context, const SgdMomentumUpdate& op, Inputs in,
                         Outputs out) {
  update_into_new<MomentumFormula>(
      context, SgdMaker{{0, op.momentum, 1, 0, false, false}, StepNumber(in[3])}, in, out);
}

void adam_update(CudaContext& context, const AdamUpdate& op, Inputs in, Outputs out) {
  update_into_new<AdamFormula>(context, adam_maker(op.hyper, in[4], in[5]), in, out);
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_update(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::sgd_step, &cuda::sgd_scratch>();
  kernels.add_with_scratch<&cuda::adam_step, &cuda::adam_scratch>();
  kernels.add<&cuda::sgd_update>();
  kernels.add<&cuda::sgd_momentum_update>();
  kernels.add<&cuda::adam_update>();
}

}  // namespace entasis
