// The host's part of a reduction: which kernel of reduce_kernels.h runs, how it is cut, how much
// scratch memory it needs. All of it follows from the tensors' shapes, strides and addresses.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include <entasis/core/operand.h>
#include <entasis/kernels/cuda/internal/reduce_kernels.h>

namespace entasis::cuda {

// Blocks enough for every GPU: 16 for each multiprocessor of an H200.
inline constexpr int64_t kReduceBlocks = 2112;

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
// The smallest power of two that is at least n, in [1, most].
inline int power_of_two(int64_t n, int64_t most) {
  return int(std::bit_ceil(uint64_t(std::clamp<int64_t>(n, 1, most))));
}

// Loops of a reduction of kInputs tensors of one shape.
template <int kInputs>
struct ReducePlan {
  using Strides = std::array<const Dims*, size_t(kInputs)>;
  Loops<kInputs + 1> kept;  // over the outputs; the last operand is the output, dense row-major
  Loops<kInputs> reduced;   // over the elements of an output
  int64_t outputs = 1, elements = 1;

  // `dims` has a bit for each reduced dimension, whose elements are kept in row-major order if
  // asked.
  ReducePlan(const Dims& shape, const Strides& strides, uint32_t dims, bool in_order) {
    for (int d = shape.size() - 1; d >= 0; --d) {
      std::array<int64_t, size_t(kInputs)> steps;
      for (size_t k = 0; k < kInputs; ++k) steps[k] = (*strides[k])[d];
      if (dims >> d & 1) {
        reduced.add(shape[d], steps);
        elements *= shape[d];
        continue;
      }
      std::array<int64_t, size_t(kInputs + 1)> with_output;
      std::copy(steps.begin(), steps.end(), with_output.begin());
      with_output[kInputs] = outputs;
      kept.add(shape[d], with_output);
      outputs *= shape[d];
    }
    kept.sort();
    kept.merge();
    if (!in_order) reduced.sort();
    reduced.merge();
  }

  // Whether neighbours in memory belong to different outputs and there are enough of them.
  bool by_columns() const {
    const int64_t along_kept = kept.count > 0 ? std::abs(kept.stride[0][0]) : 0;
    const int64_t along_reduced = reduced.count > 0 ? std::abs(reduced.stride[0][0]) : 0;
    if (along_kept == 0) return false;
    // A thread for each output has neighbours side by side, too, and no thread idle.
    if (elements < 32 && outputs >= 1 << 15) return false;
    return along_reduced == 0 || along_kept < along_reduced;
  }
  // One vector of `vec` elements of the tensors at `in` after the other.
  bool rows_are_run(const std::array<const void*, size_t(kInputs)>& in, int vec) const {
    if (reduced.count != 1) return false;
    const auto misplaced = [&](size_t k) { return reinterpret_cast<uintptr_t>(in[k]) % 16; };
    for (int k = 0; k < kInputs; ++k) {
      if (reduced.stride[0][k] != 1 || misplaced(size_t(k)) != misplaced(0)) return false;
      for (int d = 0; d < kept.count; ++d) {
        if ((kept.stride[d][k] - kept.stride[d][0]) % vec != 0) return false;
      }
    }
    return true;
  }
  // The innermost of `inner` consists of aligned vectors of all tensors.
  template <class Inner, class Other>
  static bool has_vectors(const Inner& inner, const Other& other,
                          const std::array<const void*, size_t(kInputs)>& in, int vec) {
    if (inner.count == 0 || inner.size[0] % vec != 0) return false;
    for (int k = 0; k < kInputs; ++k) {
      if (inner.stride[0][k] != 1 || !is_vec_aligned(in[size_t(k)]) ||
          !inner.is_multiple(k, 1, vec) || !other.is_multiple(k, 0, vec)) {
        return false;
      }
    }
    return true;
  }
};

// A reduction ready to run. Vectors are read where all tensors have one of the dtypes `Direct`.
template <class Fold, class... Direct>
class Reducer {
 public:
  static constexpr int kInputs = Fold::kInputs;
  using C = typename Fold::Value;
  using Acc = typename Fold::Acc;
  using Plan = ReducePlan<kInputs>;

  Reducer(const std::array<const Tensor*, size_t(kInputs)>& in, uint32_t dims)
      : plan_(in[0]->shape(), strides_of(in), dims, Fold::kInOrder) {
    std::array<const void*, size_t(kInputs)> data;
    bool is_uniform = true;
    for (size_t k = 0; k < kInputs; ++k) {
      data[k] = source_.in[k] = in[k]->raw();
      source_.dtype[k] = in[k]->dtype();
      is_uniform &= in[k]->dtype() == in[0]->dtype();
    }
    source_.outputs = plan_.outputs;
    source_.elements = plan_.elements;
    by_columns_ = plan_.by_columns();
    const int vec =
        is_uniform && (is_direct<Direct>(in[0]->dtype()) || ...) ? 16 / size_of(in[0]->dtype()) : 1;
    by_columns_ ? cut_columns(data, vec) : cut_rows(data, vec);
  }

  // For the parts of split outputs.
  size_t scratch_bytes() const {
    return source_.splits == 1 ? 0 : size_t(plan_.outputs) * size_t(source_.splits) * sizeof(Acc);
  }

  void run(const Fold& fold, void* scratch, cudaStream_t stream) const {
    if (plan_.outputs == 0) return;
    Acc* const partial = static_cast<Acc*>(scratch);
    const bool vectors_run =
        vec_ > 1 && ((is_direct<Direct>(source_.dtype[0]) &&
                      (start<Direct, kVecSize<Direct>>(fold, partial, stream), true)) ||
                     ...);
    if (!vectors_run) start<AnyOf<C>, 1>(fold, partial, stream);
    if (source_.splits == 1) return;
    const int width = source_.splits > 256 ? kReduceThreads : int(kWarpSize);
    launch(&reduce_finish<Fold>, dim3(unsigned(ceil_div(plan_.outputs * width, kReduceThreads))),
           dim3(kReduceThreads), 0, stream, partial, fold, plan_.outputs, source_.splits, width);
  }

 private:
  template <class M>
  static constexpr bool is_direct(DType dtype) {
    if constexpr (std::is_same_v<M, half_t>)
      return dtype == kF16;
    else if constexpr (std::is_same_v<M, bfloat16_t>)
      return dtype == kBF16;
    else if constexpr (std::is_same_v<M, uint8_t>)
      return dtype == kU8 || dtype == kBool;
    else
      return dtype == dtype_of<M>;
  }
  static typename Plan::Strides strides_of(const std::array<const Tensor*, size_t(kInputs)>& in) {
    typename Plan::Strides strides;
    for (size_t k = 0; k < kInputs; ++k) strides[k] = &in[k]->strides();
    return strides;
  }

  void split(int64_t blocks, int64_t items, int64_t least) {
    int64_t splits = std::min(kReduceBlocks / std::max<int64_t>(blocks, 1), items / least);
    source_.share = std::max<int64_t>(1, ceil_div(items, std::max<int64_t>(splits, 1)));
    source_.splits = int(std::max<int64_t>(1, ceil_div(items, source_.share)));
  }

  void cut_rows(const std::array<const void*, size_t(kInputs)>& in, int vec) {
    rows_.is_run = vec > 1 && plan_.rows_are_run(in, vec);
    vec_ = rows_.is_run || Plan::has_vectors(plan_.reduced, plan_.kept, in, vec) ? vec : 1;
    rows_.count = plan_.elements / vec_;
    Loops<kInputs> steps = plan_.reduced;
    if (vec_ > 1 && !rows_.is_run) {
      steps.size[0] /= vec_;
      for (int k = 0; k < kInputs; ++k) steps.stride[0][k] *= vec_;
    }
    source_.kept = Walk<kInputs + 1>(plan_.kept);
    source_.reduced = Walk<kInputs>(steps);

    const int64_t items = rows_.is_run ? plan_.elements / vec_ + 2 : rows_.count;
    const bool whole_block = items >= 512 || (items > 128 && plan_.outputs < 1024);
    rows_.width =
        whole_block ? kReduceThreads : power_of_two(ceil_div(items, kReduceUnroll), kWarpSize);
    blocks_ = ceil_div(plan_.outputs * rows_.width, kReduceThreads);
    if (whole_block) {
      split(blocks_, items, 4 * kReduceUnroll * kReduceThreads);
      blocks_ *= source_.splits;
    } else {
      source_.splits = 1;
      source_.share = items;
    }
  }

  void cut_columns(const std::array<const void*, size_t(kInputs)>& in, int vec) {
    vec_ = vec > 1 && Plan::has_vectors(plan_.kept, plan_.reduced, in, vec) ? vec : 1;
    source_.kept = Walk<kInputs + 1>(plan_.kept.outer());
    source_.reduced = Walk<kInputs>(plan_.reduced);
    columns_.size = plan_.kept.size[0];
    for (int k = 0; k <= kInputs; ++k) columns_.stride[k] = plan_.kept.stride[0][k];
    const int64_t vectors = ceil_div(columns_.size, vec_);
    int tx = power_of_two(vectors, 32);
    const int ty = power_of_two(ceil_div(plan_.elements, kReduceUnroll), kReduceThreads / tx);
    tx = power_of_two(vectors, kReduceThreads / ty);
    block_ = dim3(unsigned(tx), unsigned(ty));
    columns_.count = unsigned(ceil_div(vectors, tx));
    blocks_ = int64_t(columns_.count) * (columns_.size > 0 ? plan_.outputs / columns_.size : 0);
    split(blocks_, plan_.elements, int64_t{4} * kReduceUnroll * ty);
    blocks_ *= source_.splits;
  }

  template <class M, int kVec>
  void start(const Fold& fold, Acc* partial, cudaStream_t stream) const {
    if (by_columns_) {
      launch(&reduce_columns<Fold, M, kVec>, dim3(unsigned(blocks_)), block_, 0, stream, source_,
             columns_, fold, partial);
    } else {
      launch(&reduce_rows<Fold, M, kVec>, dim3(unsigned(blocks_)), dim3(kReduceThreads), 0, stream,
             source_, rows_, fold, partial);
    }
  }

  Plan plan_;
  ReduceSource<kInputs> source_;
  RowItems rows_{};
  ColumnTiles<kInputs> columns_{};
  bool by_columns_ = false;
  int vec_ = 1;
  dim3 block_;
  int64_t blocks_ = 0;
};

}  // namespace entasis::cuda
