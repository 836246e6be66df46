// Copies, casts and fills. One loop over rows with a converter for each pair of dtypes; contiguous
// memory of one dtype is moved by memcpy. Bytes moved: each element once in and once out.
// A transposed copy goes by blocks of 32 x 32 elements, so that every cache line it touches on
// either side is used up before it is evicted; elements of 4 and 8 bytes turn in registers.
#include <cstring>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/backend.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>
#include <entasis/kernels/cpu/internal/loop_nest.h>
#include <entasis/kernels/cpu/internal/transpose.h>
#include <entasis/ops/copy_internal.h>

namespace entasis {
namespace cpu {
namespace {

constexpr int64_t kSerial = 32768;  // elements that one thread copies as fast
constexpr int64_t kGrain = 8192;
constexpr int64_t kBlock = 32;

struct Side {
  char* data;
  int bytes;
};

// Rows as they come.
void copy_rows(const LoopNest& nest, ConvertRun convert, Side to, Side from) {
  const int64_t row = nest.size[0];
  const int64_t to_step = nest.dims > 1 ? nest.stride[1][0] * to.bytes : 0;
  const int64_t from_step = nest.dims > 1 ? nest.stride[1][1] * from.bytes : 0;
  const int64_t grain = grain_beyond(kSerial, nest.numel, kGrain);
  parallel_for(nest.numel, grain, [&](int64_t begin, int64_t end) {
    LoopCursor cursor(nest, begin);
    while (begin < end) {
      char* to_row = to.data + cursor.offset(0) * to.bytes;
      const char* from_row = from.data + cursor.offset(1) * from.bytes;
      if (const int64_t rows = cursor.whole_rows(end - begin)) {
        for (int64_t i = 0; i < rows; ++i, to_row += to_step, from_row += from_step) {
          convert(to_row, nest.stride[0][0], from_row, nest.stride[0][1], row);
        }
        cursor.advance_rows(rows);
        begin += rows * row;
        continue;
      }
      const int64_t n = std::min(cursor.row_rest(), end - begin);
      convert(to_row, nest.stride[0][0], from_row, nest.stride[0][1], n);
      cursor.advance(n);
      begin += n;
    }
  });
}

// The dimension in which the source is adjacent, if that is not the innermost; else 0.
int transposed_dim(const LoopNest& nest) {
  if (nest.stride[0][1] == 1 || nest.size[0] < kBlock) return 0;
  for (int d = 1; d < nest.dims; ++d) {
    if (nest.stride[d][1] == 1 && nest.size[d] >= 4) return d;
  }
  return 0;
}

// Blocks of the plane (innermost, `across`). With `transpose` no element is converted.
void copy_blocks(const LoopNest& nest, int across, ConvertRun convert, TransposeRun transpose,
                 Side to, Side from) {
  const LoopNest blocks = nest.blocked(across, kBlock, kBlock);
  constexpr int64_t kElements = kBlock * kBlock;
  const int64_t grain = grain_beyond(kSerial / kElements, blocks.numel, kGrain / kElements);
  parallel_for(blocks.numel, grain, [&](int64_t begin, int64_t end) {
    LoopCursor cursor(blocks, begin);
    for (; begin < end; ++begin) {
      const int64_t columns = std::min(kBlock, nest.size[0] - cursor.index(0) * kBlock);
      const int64_t rows = std::min(kBlock, nest.size[across] - cursor.index(across) * kBlock);
      if (transpose != nullptr) {
        transpose(rows, columns, from.data + cursor.offset(1) * from.bytes, nest.stride[0][1],
                  to.data + cursor.offset(0) * to.bytes, nest.stride[across][0]);
        cursor.advance(1);
        continue;
      }
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t to_offset = cursor.offset(0) + i * nest.stride[across][0];
        const int64_t from_offset = cursor.offset(1) + i * nest.stride[across][1];
        convert(to.data + to_offset * to.bytes, nest.stride[0][0],
                from.data + from_offset * from.bytes, nest.stride[0][1], columns);
      }
      cursor.advance(1);
    }
  });
}

}  // namespace

void copy_elements(const Tensor& from, const Tensor& to) {
  if (to.numel() == 0) return;
  const Operand source(from);
  const LoopNest nest(to, {&source, 1});
  const ConvertRun convert = find_converter(to.dtype(), from.dtype());
  const Side to_side{static_cast<char*>(to.raw()), size_of(to.dtype())};
  const Side from_side{static_cast<char*>(from.raw()), size_of(from.dtype())};
  if (const int across = transposed_dim(nest)) {
    const bool as_it_is = to.dtype() == from.dtype() && to.dtype() != kBool;
    const TransposeRun transpose =
        as_it_is && nest.stride[0][0] == 1 ? find_transpose(to_side.bytes) : nullptr;
    copy_blocks(nest, across, convert, transpose, to_side, from_side);
  } else {
    copy_rows(nest, convert, to_side, from_side);
  }
}

void fill_elements(const Tensor& to, const Number& value) {
  if (to.numel() == 0) return;
  dispatch_dtype(to.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T element = value.to<T>();
    const T zero{};
    const bool is_zero = std::memcmp(&element, &zero, sizeof(T)) == 0;
    T* data = to.raw_as<T>();
    const LoopNest nest(to, {});
    const int64_t stride = nest.stride[0][0];
    const int64_t grain = grain_beyond(kSerial, nest.numel, kGrain);
    parallel_for(nest.numel, grain, [&](int64_t begin, int64_t end) {
      LoopCursor cursor(nest, begin);
      while (begin < end) {
        const int64_t n = std::min(cursor.row_rest(), end - begin);
        T* row = data + cursor.offset(0);
        if (stride == 1 && is_zero) {
          // Streams past the cache where n is large.
          std::memset(static_cast<void*>(row), 0, size_t(n) * sizeof(T));
        } else if (stride == 1) {
          std::fill_n(row, n, element);
        } else {
          for (int64_t i = 0; i < n; ++i) row[i * stride] = element;
        }
        cursor.advance(n);
        begin += n;
      }
    });
  });
}

namespace {

void clone(CpuContext&, const Clone&, Inputs in, Outputs out) {
  copy_elements(in[0].tensor(), out[0]);
}

void cast(CpuContext&, const Cast&, Inputs in, Outputs out) {
  copy_elements(in[0].tensor(), out[0]);
}

void copy(CpuContext&, const Copy&, Inputs in, Outputs out) {
  if (in[1].is_number()) {  // a 0-d tensor of the CPU that joined another device's copy
    fill_elements(out[0], in[1].number());
  } else {
    copy_elements(in[1].tensor(), out[0]);
  }
}

void fill(CpuContext&, const Fill&, Inputs in, Outputs out) {
  if (in[1].is_number()) {
    fill_elements(out[0], in[1].number());
  } else {
    copy_elements(in[1].tensor(), out[0]);
  }
}

// From another device, whose backend knows the way. The tensors lie alike. Pinned memory may be
// written after the call has returned.
void bring(const Tensor& from, const Tensor& to, bool non_blocking) {
  Backend& backend = backend_of(from.device().type);
  const StreamId stream = backend.current_stream(from.device().index);
  const bool later = non_blocking && to.is_pinned();
  backend.use_on_stream(*from.impl()->storage, stream, false);
  backend.copy(to.raw(), to.device(), from.raw(), from.device(),
               size_t(from.numel()) * size_t(size_of(from.dtype())), stream, later);
  if (!later) backend.synchronize_stream(stream);
}

void to_device(CpuContext&, const ToDevice& op, Inputs in, Outputs out) {
  bring(in[0].tensor(), out[0], op.non_blocking);
}

void transfer(CpuContext&, const Transfer& op, Inputs in, Outputs out) {
  bring(in[1].tensor(), out[0], op.non_blocking);
}

}  // namespace
}  // namespace cpu

void register_cpu_copy(Kernels& kernels) {
  kernels.add<&cpu::clone>();
  kernels.add<&cpu::cast>();
  kernels.add<&cpu::copy>();
  kernels.add<&cpu::fill>();
  kernels.add<&cpu::to_device>();
  kernels.add<&cpu::transfer>();
}

}  // namespace entasis
