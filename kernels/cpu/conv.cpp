// Convolution forward by conv2d_direct, and its two gradients:
//
// Input gradient: the convolution of grad_output, with stride - 1 zeros between its elements, with
// the filter turned by 180 degrees and its channels swapped.
//
// Weight gradient: per image the product grad_output [O, P] x columns [K, P] transposed, where P
// counts output positions and K = (channel, row, column) of the filter. Images are cut into a few
// chunks that depend on the shape alone; each has a partial sum, and these are added in order, so
// the result does not depend on the threads. Work: 2 N P O K FLOP; the columns of one image stay in
// the cache for the common shapes.
#include <algorithm>
#include <cstring>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/conv2d_direct.h>
#include <entasis/kernels/cpu/internal/float_view.h>
#include <entasis/kernels/cpu/internal/gemm.h>
#include <entasis/ops/conv_internal.h>

namespace entasis::cpu {
namespace {

MapStrides map_strides(const Dims& s) { return {s[0], s[1], s[2], s[3]}; }
FilterStrides filter_strides(const Dims& s) { return {s[0], s[1], s[2], s[3]}; }

void fill_zero(Tensor& t) {
  std::memset(t.raw(), 0, size_t(t.numel()) * size_t(size_of(t.dtype())));
}

// Dense in NCHW or NHWC order, so that an image's positions follow each other with one stride.
template <class T>
class DenseMap {
 public:
  explicit DenseMap(const Tensor& t)
      : view_(t, t.is_channels_last() ? InputView<T>::kAny : InputView<T>::kDense) {}
  const TensorView<T>& view() const { return view_.view(); }

 private:
  InputView<T> view_;
};

// ---- Input gradient

// grad_output with `stride - 1` zeros between neighbours, in a dense block of the same order.
template <class T>
void spread(const TensorView<T>& gy, const Dims& stride, const Dims& shape, const Dims& strides,
            T* out) {
  std::memset(out, 0, size_t(count_elements(shape)) * sizeof(T));
  for (int64_t n = 0; n < gy.shape[0]; ++n) {
    for (int64_t c = 0; c < gy.shape[1]; ++c) {
      for (int64_t y = 0; y < gy.shape[2]; ++y) {
        const T* from = gy.data + n * gy.strides[0] + c * gy.strides[1] + y * gy.strides[2];
        T* to = out + n * strides[0] + c * strides[1] + y * stride[0] * strides[2];
        for (int64_t x = 0; x < gy.shape[3]; ++x) {
          to[x * stride[1] * strides[3]] = from[x * gy.strides[3]];
        }
      }
    }
  }
}

// A padding below zero means that the first rows or columns of the map are not looked at.
void crop(int64_t& padding, int64_t& size, int64_t& skipped) {
  skipped = 0;
  if (padding >= 0) return;
  skipped = std::min(-padding, size);
  size -= skipped;
  padding = 0;
}

template <class T>
void input_grad_of_group(const ConvWindow& w, const TensorView<T>& gy, const TensorView<T>& weight,
                         int64_t group, T* out, const Dims& shape, const Dims& strides) {
  const int64_t out_channels = weight.shape[0] / w.groups, in_channels = weight.shape[1];
  const int64_t r = weight.shape[2], s = weight.shape[3];
  Conv2d<T> conv;
  conv.images = shape[0];
  conv.in_channels = out_channels;
  conv.out_channels = in_channels;
  conv.out_height = shape[2];
  conv.out_width = shape[3];
  conv.kernel_height = r;
  conv.kernel_width = s;
  conv.dilation_y = w.dilation[0];
  conv.dilation_x = w.dilation[1];
  conv.in_height = gy.shape[2];
  conv.in_width = gy.shape[3];
  conv.pad_y = w.dilation[0] * (r - 1) - w.padding[0];
  conv.pad_x = w.dilation[1] * (s - 1) - w.padding[1];
  int64_t rows_skipped, columns_skipped;
  crop(conv.pad_y, conv.in_height, rows_skipped);
  crop(conv.pad_x, conv.in_width, columns_skipped);
  conv.input = gy.data + group * out_channels * gy.strides[1] + rows_skipped * gy.strides[2] +
               columns_skipped * gy.strides[3];
  conv.input_strides = map_strides(gy.strides);
  const Dims& ws = weight.strides;
  conv.weight = weight.data + group * out_channels * ws[0] + (r - 1) * ws[2] + (s - 1) * ws[3];
  conv.weight_strides = {ws[1], ws[0], -ws[2], -ws[3]};
  conv.output = out + group * in_channels * strides[1];
  conv.output_strides = map_strides(strides);
  if (conv.in_height > 0 && conv.in_width > 0) conv2d_direct(conv);
}

template <class T>
void input_grad(const ConvWindow& w, const TensorView<T>& gy, const TensorView<T>& weight, T* out,
                const Dims& shape, const Dims& strides) {
  if (w.stride[0] == 1 && w.stride[1] == 1) {
    for (int64_t g = 0; g < w.groups; ++g) {
      input_grad_of_group(w, gy, weight, g, out, shape, strides);
    }
    return;
  }
  TensorView<T> spread_gy;
  spread_gy.shape = {gy.shape[0], gy.shape[1], (gy.shape[2] - 1) * w.stride[0] + 1,
                     (gy.shape[3] - 1) * w.stride[1] + 1};
  const bool channels_last = gy.strides[1] == 1 && gy.shape[1] > 1;
  spread_gy.strides =
      channels_last ? channels_last_strides(spread_gy.shape) : contiguous_strides(spread_gy.shape);
  const Workspace workspace(size_t(count_elements(spread_gy.shape)) * sizeof(T));
  spread(gy, w.stride, spread_gy.shape, spread_gy.strides, workspace.as<T>());
  spread_gy.data = workspace.as<T>();
  for (int64_t g = 0; g < w.groups; ++g) {
    input_grad_of_group(w, spread_gy, weight, g, out, shape, strides);
  }
}

// ---- Weight gradient

struct ColumnsPlan {
  int64_t channels, rows, columns;  // of the filter, per group
  int64_t out_height, out_width;
  int64_t depth() const { return channels * rows * columns; }
  int64_t positions() const { return out_height * out_width; }
};

// Rows of small feature maps hold a handful of elements: no call, four at a time.
template <class T>
inline void copy_short(const T* from, int64_t n, T* to) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) std::memcpy(to + i, from + i, 4 * sizeof(T));
  switch (n - i) {
    case 3:
      to[i + 2] = from[i + 2];
      [[fallthrough]];
    case 2:
      to[i + 1] = from[i + 1];
      [[fallthrough]];
    case 1:
      to[i] = from[i];
      break;
    default:
      break;
  }
}

// columns[k][p]: what filter tap k meets at output position p of one image; zero in the padding.
template <class T>
void make_columns(const ConvWindow& w, const ColumnsPlan& plan, const T* image, const Dims& strides,
                  int64_t height, int64_t width, T* columns) {
  for (int64_t c = 0; c < plan.channels; ++c) {
    for (int64_t r = 0; r < plan.rows; ++r) {
      for (int64_t s = 0; s < plan.columns; ++s) {
        // Output columns whose tap lies inside the image: first <= x < last.
        const int64_t shift = s * w.dilation[1] - w.padding[1];
        const int64_t first = shift >= 0 ? 0 : (-shift + w.stride[1] - 1) / w.stride[1];
        const int64_t room = width - 1 - shift;
        const int64_t last = room < 0 ? 0 : std::min(plan.out_width, room / w.stride[1] + 1);
        for (int64_t y = 0; y < plan.out_height; ++y, columns += plan.out_width) {
          const int64_t iy = y * w.stride[0] + r * w.dilation[0] - w.padding[0];
          if (iy < 0 || iy >= height || first >= last) {
            std::fill_n(columns, plan.out_width, T(0));
            continue;
          }
          const T* from = image + c * strides[1] + iy * strides[2] + shift * strides[3];
          const int64_t step = w.stride[1] * strides[3];
          for (int64_t x = 0; x < first; ++x) columns[x] = T(0);
          if (step == 1) {
            copy_short(from + first, last - first, columns + first);
          } else {
            for (int64_t x = first; x < last; ++x) columns[x] = from[x * step];
          }
          for (int64_t x = last; x < plan.out_width; ++x) columns[x] = T(0);
        }
      }
    }
  }
}

// Partial sums to cut the images into: by shape alone, and within 64 MiB.
int64_t chunk_count(int64_t images, int64_t weight_elements, size_t element_bytes) {
  const int64_t fitting =
      (int64_t{64} << 20) / std::max<int64_t>(1, weight_elements * int64_t(element_bytes));
  return std::max<int64_t>(1, std::min({images, int64_t{16}, fitting}));
}

template <class T>
void weight_grad(const ConvWindow& w, const TensorView<T>& gy, const TensorView<T>& x, T* out,
                 const Dims& shape, const Dims& strides) {
  const int64_t images = gy.shape[0], out_channels = shape[0] / w.groups;
  const ColumnsPlan plan{shape[1], shape[2], shape[3], gy.shape[2], gy.shape[3]};
  const int64_t k = plan.depth(), p = plan.positions();
  const int64_t elements = shape[0] * k;
  const int64_t chunks = chunk_count(images, elements, sizeof(T));
  // A position's stride in grad_output; dense maps have one.
  const int64_t gy_step = gy.strides[1] == 1 && gy.shape[1] > 1 ? gy.shape[1] : 1;
  // 1x1 filters that move by one read the image itself.
  const bool direct =
      plan.rows == 1 && plan.columns == 1 && w.stride == Dims{1, 1} && w.padding == Dims{0, 0};
  const int64_t x_step = x.strides[1] == 1 && x.shape[1] > 1 ? x.shape[1] : 1;

  const Workspace partial_memory(size_t(chunks * elements) * sizeof(T));
  T* const partials = partial_memory.as<T>();
  parallel_for(chunks * w.groups, 1, [&](int64_t begin, int64_t end) {
    const Scratch scratch(direct ? 0 : size_t(k * p) * sizeof(T));
    for (int64_t task = begin; task < end; ++task) {
      const int64_t chunk = task / w.groups, group = task % w.groups;
      Gemm<T> product;
      product.m = out_channels;
      product.n = k;
      product.k = p;
      product.a_row_stride = gy.strides[1];
      product.a_column_stride = gy_step;
      product.c = partials + chunk * elements + group * out_channels * k;
      product.c_row_stride = k;
      for (int64_t n = images * chunk / chunks; n < images * (chunk + 1) / chunks; ++n) {
        const T* image = x.data + n * x.strides[0] + group * plan.channels * x.strides[1];
        if (direct) {
          product.b = image;
          product.b_row_stride = x_step;
          product.b_column_stride = x.strides[1];
        } else {
          make_columns(w, plan, image, x.strides, x.shape[2], x.shape[3], scratch.as<T>());
          product.b = scratch.as<T>();
          product.b_row_stride = 1;
          product.b_column_stride = p;
        }
        product.a = gy.data + n * gy.strides[0] + group * out_channels * gy.strides[1];
        gemm(product);
        product.accumulate = true;
      }
    }
  });

  for (int64_t i = 0; i < elements; ++i) {
    T sum = partials[i];
    for (int64_t c = 1; c < chunks; ++c) sum += partials[c * elements + i];
    int64_t rest = i, at = 0;
    for (int d = 3; d >= 0; --d) {
      at += rest % shape[d] * strides[d];
      rest /= shape[d];
    }
    out[at] = sum;
  }
}

}  // namespace

void conv2d(CpuContext&, const entasis::Conv2d& op, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  with_float_type(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const InputView<T> x(in[0].tensor()), weight(in[1].tensor());
    OutputView<T> y(out[0]);
    const Dims &xs = x.view().shape, &ws = weight.view().shape, &ys = out[0].shape();
    Conv2d<T> conv;
    conv.images = xs[0];
    conv.in_channels = xs[1];
    conv.in_height = xs[2];
    conv.in_width = xs[3];
    conv.out_channels = ys[1];
    conv.out_height = ys[2];
    conv.out_width = ys[3];
    conv.kernel_height = ws[2];
    conv.kernel_width = ws[3];
    conv.stride_y = op.window.stride[0];
    conv.stride_x = op.window.stride[1];
    conv.pad_y = op.window.padding[0];
    conv.pad_x = op.window.padding[1];
    conv.dilation_y = op.window.dilation[0];
    conv.dilation_x = op.window.dilation[1];
    conv.groups = op.window.groups;
    conv.input = x.data();
    conv.input_strides = map_strides(x.view().strides);
    conv.weight = weight.data();
    conv.weight_strides = filter_strides(weight.view().strides);
    conv.output = y.data();
    conv.output_strides = map_strides(out[0].strides());
    if (in[2].is_tensor()) {
      const InputView<T> bias(in[2].tensor(), InputView<T>::kDense);
      conv.bias = bias.data();
      conv2d_direct(conv);
    } else {
      conv2d_direct(conv);
    }
  });
}

void conv2d_input_grad(CpuContext&, const Conv2dInputGrad& op, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  if (in[0].numel() == 0 || in[1].numel() == 0) {
    fill_zero(out[0]);
    return;
  }
  with_float_type(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const DenseMap<T> gy(in[0].tensor());
    const InputView<T> weight(in[1].tensor());
    OutputView<T> gx(out[0]);
    // Rows and columns that no filter position reaches keep this.
    std::memset(gx.data(), 0, size_t(out[0].numel()) * sizeof(T));
    input_grad(op.window, gy.view(), weight.view(), gx.data(), out[0].shape(), out[0].strides());
  });
}

void conv2d_weight_grad(CpuContext&, const Conv2dWeightGrad& op, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  if (in[0].numel() == 0) {
    fill_zero(out[0]);
    return;
  }
  with_float_type(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const DenseMap<T> gy(in[0].tensor()), x(in[1].tensor());
    OutputView<T> gw(out[0]);
    weight_grad(op.window, gy.view(), x.view(), gw.data(), out[0].shape(), out[0].strides());
  });
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_conv(Kernels& kernels) {
  kernels.add<&cpu::conv2d>();
  kernels.add<&cpu::conv2d_input_grad>();
  kernels.add<&cpu::conv2d_weight_grad>();
}

}  // namespace entasis
