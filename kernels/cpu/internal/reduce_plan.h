// A reduction as loops: which run over the outputs, which over the elements of one output, in the
// order that memory likes, with neighbours melted where they are one longer loop.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include <entasis/core/dims.h>

namespace entasis::cpu {

// Strides in elements; `out` is 0 in loops over the elements of one output.
struct ReduceLoop {
  int64_t size;
  int64_t in;
  int64_t out;
};

// Loops, the innermost last.
struct ReduceLoops {
  ReduceLoop loops[kMaxDims];
  int count = 0;

  int64_t iterations() const {
    int64_t n = 1;
    for (int i = 0; i < count; ++i) n *= loops[i].size;
    return n;
  }
  const ReduceLoop& inner() const { return loops[count - 1]; }

  void add(ReduceLoop loop) {
    if (loop.size != 1) loops[count++] = loop;
  }
  // Large strides outwards, so that the innermost loop walks neighbours; repeated elements (stride
  // 0) outermost.
  void sort() {
    std::stable_sort(loops, loops + count, [](const ReduceLoop& a, const ReduceLoop& b) {
      if (a.in == 0 || b.in == 0) return a.in == 0 && b.in != 0;
      return std::abs(a.in) > std::abs(b.in);
    });
  }
  void melt() {
    int kept = 0;
    for (int i = 1; i < count; ++i) {
      ReduceLoop& outer = loops[kept];
      const ReduceLoop& next = loops[i];
      if (outer.in == next.size * next.in && outer.out == next.size * next.out) {
        outer = {outer.size * next.size, next.in, next.out};
      } else {
        loops[++kept] = next;
      }
    }
    if (count > 0) count = kept + 1;
  }
  // There is always an innermost loop, if only of one step.
  void complete() {
    if (count == 0) loops[count++] = {1, 1, 1};
  }

  // Offsets of iteration `index` of all loops but the `skipped` innermost.
  struct Offsets {
    int64_t in = 0, out = 0;
  };
  Offsets at(int64_t index, int skipped) const {
    Offsets offsets;
    for (int i = count - 1 - skipped; i >= 0; --i) {
      const int64_t step = index % loops[i].size;
      index /= loops[i].size;
      offsets.in += step * loops[i].in;
      offsets.out += step * loops[i].out;
    }
    return offsets;
  }
};

struct ReducePlan {
  ReduceLoops kept;     // over the outputs
  ReduceLoops reduced;  // over the elements of one output
  int64_t outputs;
  int64_t elements;  // of each output

  // `reduced_dims` has a bit for each reduced dimension. The output is dense row-major over the
  // kept ones. With `in_order`, the reduced loops run in the order of the dimensions.
  ReducePlan(const Dims& shape, const Dims& strides, uint32_t reduced_dims, bool in_order = false) {
    int64_t out_stride = 1;
    int64_t out_strides[kMaxDims];
    for (int i = shape.size() - 1; i >= 0; --i) {
      if (reduced_dims >> i & 1) continue;
      out_strides[i] = out_stride;
      out_stride *= shape[i];
    }
    for (int i = 0; i < shape.size(); ++i) {
      if (reduced_dims >> i & 1) {
        reduced.add({shape[i], strides[i], 0});
      } else {
        kept.add({shape[i], strides[i], out_strides[i]});
      }
    }
    outputs = kept.iterations();
    elements = reduced.iterations();
    kept.sort();
    if (!in_order) reduced.sort();
    kept.melt();
    reduced.melt();
    kept.complete();
    reduced.complete();
  }

  // Whether neighbours in memory belong to different outputs, so that vectors go across outputs.
  bool across_outputs() const {
    const int64_t kept_stride = std::abs(kept.inner().in);
    const int64_t reduced_stride = std::abs(reduced.inner().in);
    if (kept.inner().size == 1 || kept_stride == 0) return false;
    return elements <= 1 || reduced_stride == 0 || kept_stride < reduced_stride;
  }
};

}  // namespace entasis::cpu
