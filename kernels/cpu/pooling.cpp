// Pooling by direct windows. One task is one plane (channels-first) or one image (channels-last,
// with the channels innermost). Bytes moved: the input once, the output once; each input element is
// looked at kernel / stride times per direction, from the cache.
#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/dispatch_floating.h>
#include <entasis/ops/pooling_internal.h>

namespace entasis::cpu {
namespace {

// What a dtype computes in.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

// Window positions along one direction that lie inside the input: taps [first, last) of a window
// that starts at `start`.
struct Taps {
  int64_t start, first, last;
};
Taps taps_of(const PoolWindow& w, int d, int64_t output, int64_t input_size) {
  const int64_t start = output * w.stride[d] - w.padding[d];
  const int64_t first = start >= 0 ? 0 : (-start + w.dilation[d] - 1) / w.dilation[d];
  const int64_t room = input_size - 1 - start;
  const int64_t last = room < 0 ? 0 : std::min(w.kernel[d], room / w.dilation[d] + 1);
  return {start, first, std::max(first, last)};
}

// The place of a window that lies in the padding altogether (dilation can do that).
constexpr int64_t kNowhere = -1;

int64_t planes_of(const Tensor& t) { return t.shape()[0] * t.shape()[1]; }
// Where plane (n, c) begins.
int64_t plane_start(const Dims& shape, const Dims& strides, int64_t plane) {
  return plane / shape[1] * strides[0] + plane % shape[1] * strides[1];
}
// Planes that make about 16K elements of work.
int64_t plane_grain(int64_t elements_per_plane) {
  return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, elements_per_plane));
}

// One window, wherever it lies.
template <class T>
struct Largest {
  Wide<T> value;
  int64_t place;
};
template <class T>
Largest<T> largest_of(const PoolWindow& w, const T* x, const Dims& xs, const Dims& xt,
                      const Taps& rows, const Taps& columns) {
  Wide<T> best = -std::numeric_limits<Wide<T>>::infinity();
  int64_t row = rows.start + rows.first * w.dilation[0];
  const bool has_taps = rows.first < rows.last && columns.first < columns.last;
  int64_t place = has_taps ? row * xs[3] + columns.start + columns.first * w.dilation[1] : kNowhere;
  for (int64_t r = rows.first; r < rows.last; ++r, row += w.dilation[0]) {
    int64_t column = columns.start + columns.first * w.dilation[1];
    for (int64_t s = columns.first; s < columns.last; ++s, column += w.dilation[1]) {
      const Wide<T> value = convert<Wide<T>>(x[row * xt[2] + column * xt[3]]);
      // The negation lets NaN win; the second test keeps the first NaN.
      if (!(value <= best) && best == best) {
        best = value;
        place = row * xs[3] + column;
      }
    }
  }
  return {best, place};
}

// The windows of one output row whose taps all lie inside the input: tap by tap over the whole row,
// so that the compiler makes vectors of it. `kStep` is the distance between windows in memory, 0 if
// it is only known at run time.
template <class T, int kStep>
void largest_in_row(const PoolWindow& w, const T* x, int64_t first_place, int64_t width,
                    const Dims& xt, const Taps& rows, int64_t windows, Wide<T>* best,
                    int32_t* places) {
  const int64_t step = kStep ? kStep : w.stride[1] * xt[3];
  std::fill_n(best, windows, -std::numeric_limits<Wide<T>>::infinity());
  const int64_t stride = w.stride[1];
  for (int64_t i = 0; i < windows; ++i) {
    places[i] = int32_t(first_place + rows.first * w.dilation[0] * width + i * stride);
  }
  for (int64_t r = rows.first; r < rows.last; ++r) {
    for (int64_t s = 0; s < w.kernel[1]; ++s) {
      const T* from = x + r * w.dilation[0] * xt[2] + s * w.dilation[1] * xt[3];
      const int32_t place = int32_t(first_place + r * w.dilation[0] * width + s * w.dilation[1]);
      const int32_t place_step = int32_t(stride);
      for (int64_t i = 0; i < windows; ++i) {
        const Wide<T> value = convert<Wide<T>>(from[i * step]);
        const bool takes = !(value <= best[i]) & (best[i] == best[i]);
        best[i] = takes ? value : best[i];
        places[i] = takes ? place + int32_t(i) * place_step : places[i];
      }
    }
  }
}

// Output columns whose windows lie inside the input: [first, last).
struct Interior {
  int64_t first, last;
};
Interior interior_of(const PoolWindow& w, int64_t outputs, int64_t width) {
  const int64_t first = (w.padding[1] + w.stride[1] - 1) / w.stride[1];
  const int64_t room = width + w.padding[1] - w.dilation[1] * (w.kernel[1] - 1) - 1;
  const int64_t last = room < 0 ? 0 : std::min(outputs, room / w.stride[1] + 1);
  return {std::min(first, outputs), std::max(last, std::min(first, outputs))};
}

template <class T>
void max_plane(const PoolWindow& w, const T* x, const Dims& xs, const Dims& xt, T* y,
               int64_t* places, const Dims& ys, const Dims& yt) {
  // A row at a time where places fit 32 bits; buffers of a few windows each keep it in L1.
  constexpr int64_t kPiece = 256;
  Wide<T> best[kPiece];
  int32_t near_places[kPiece];
  Interior inside = interior_of(w, ys[3], xs[3]);
  if (xs[2] * xs[3] > std::numeric_limits<int32_t>::max()) inside = {0, 0};
  const int64_t step = w.stride[1] * xt[3];
  for (int64_t oy = 0; oy < ys[2]; ++oy) {
    const Taps rows = taps_of(w, 0, oy, xs[2]);
    T* const y_row = y + oy * yt[2];
    int64_t* const place_row = places + oy * yt[2];
    auto edge = [&](int64_t first, int64_t last) {
      for (int64_t ox = first; ox < last; ++ox) {
        const Largest<T> l = largest_of(w, x, xs, xt, rows, taps_of(w, 1, ox, xs[3]));
        y_row[ox * yt[3]] = convert<T>(l.value);
        place_row[ox * yt[3]] = l.place;
      }
    };
    if (rows.first == rows.last) {
      edge(0, ys[3]);
      continue;
    }
    edge(0, inside.first);
    for (int64_t ox = inside.first; ox < inside.last; ox += kPiece) {
      const int64_t windows = std::min(kPiece, inside.last - ox);
      const int64_t column = ox * w.stride[1] - w.padding[1];
      const T* from = x + rows.start * xt[2] + column * xt[3];
      const int64_t first_place = rows.start * xs[3] + column;
      const auto run = step == 1   ? &largest_in_row<T, 1>
                       : step == 2 ? &largest_in_row<T, 2>
                                   : &largest_in_row<T, 0>;
      run(w, from, first_place, xs[3], xt, rows, windows, best, near_places);
      for (int64_t i = 0; i < windows; ++i) {
        y_row[(ox + i) * yt[3]] = convert<T>(best[i]);
        place_row[(ox + i) * yt[3]] = near_places[i];
      }
    }
    edge(inside.last, ys[3]);
  }
}

// How many elements a mean divides by.
int64_t divisor(const AvgPool2d& op, const Taps& rows, const Taps& columns, const Dims& xs) {
  const PoolWindow& w = op.window;
  if (!op.count_include_pad) return (rows.last - rows.first) * (columns.last - columns.first);
  // Windows that ceil_mode lets stand out count only up to the padding's end.
  const int64_t height = std::min(rows.start + w.kernel[0], xs[2] + w.padding[0]) - rows.start;
  const int64_t width = std::min(columns.start + w.kernel[1], xs[3] + w.padding[1]) - columns.start;
  return height * width;
}

// Rows of windows at a time; sums of this many stay in L1.
constexpr int64_t kMostWindows = 256;

// sums[i] += row[i * step], or the other way round; `kStep` is `step` if that is known at build
// time.
template <class T, int kStep>
void add_row(const T* row, int64_t given_step, int64_t windows, Wide<T>* sums) {
  const int64_t step = kStep ? kStep : given_step;
  for (int64_t i = 0; i < windows; ++i) sums[i] += convert<Wide<T>>(row[i * step]);
}
template <class C, int kStep>
void spread_row(const C* shares, int64_t windows, C* row, int64_t given_step) {
  const int64_t step = kStep ? kStep : given_step;
  for (int64_t i = 0; i < windows; ++i) row[i * step] += shares[i];
}

// Windows [ox, ox + windows) of an output row, whose taps all lie inside the input's width: tap by
// tap over the whole row, so that the compiler makes vectors of it. Each window adds up in the
// order of its taps.
template <class T>
void sum_row(const PoolWindow& w, const T* x, const Dims& xt, const Taps& rows, int64_t ox,
             int64_t windows, Wide<T>* sums) {
  const int64_t step = w.stride[1] * xt[3];
  const auto add = step == 1 ? &add_row<T, 1> : step == 2 ? &add_row<T, 2> : &add_row<T, 0>;
  const int64_t column = ox * w.stride[1] - w.padding[1];
  std::fill_n(sums, windows, Wide<T>(0));
  for (int64_t r = rows.first; r < rows.last; ++r) {
    for (int64_t s = 0; s < w.kernel[1]; ++s) {
      add(x + (rows.start + r) * xt[2] + (column + s) * xt[3], step, windows, sums);
    }
  }
}

template <class T>
void average_plane(const AvgPool2d& op, const T* x, const Dims& xs, const Dims& xt, T* y,
                   const Dims& ys, const Dims& yt) {
  const PoolWindow& w = op.window;
  const Interior inside = interior_of(w, ys[3], xs[3]);
  Wide<T> sums[kMostWindows];
  for (int64_t oy = 0; oy < ys[2]; ++oy) {
    const Taps rows = taps_of(w, 0, oy, xs[2]);
    T* const y_row = y + oy * yt[2];
    auto edge = [&](int64_t first, int64_t last) {
      for (int64_t ox = first; ox < last; ++ox) {
        const Taps columns = taps_of(w, 1, ox, xs[3]);
        Wide<T> sum = 0;
        for (int64_t r = rows.first; r < rows.last; ++r) {
          const T* row = x + (rows.start + r) * xt[2];
          for (int64_t s = columns.first; s < columns.last; ++s) {
            sum += convert<Wide<T>>(row[(columns.start + s) * xt[3]]);
          }
        }
        y_row[ox * yt[3]] = convert<T>(sum / Wide<T>(divisor(op, rows, columns, xs)));
      }
    };
    edge(0, inside.first);
    for (int64_t ox = inside.first; ox < inside.last; ox += kMostWindows) {
      const int64_t windows = std::min(kMostWindows, inside.last - ox);
      sum_row(w, x, xt, rows, ox, windows, sums);
      const Wide<T> by(divisor(op, rows, taps_of(w, 1, ox, xs[3]), xs));
      for (int64_t i = 0; i < windows; ++i) y_row[(ox + i) * yt[3]] = convert<T>(sums[i] / by);
    }
    edge(inside.last, ys[3]);
  }
}

// Output positions add in order, so each input element gets its shares in a fixed order: also
// where a row of windows goes tap by tap, the last tap first.
template <class T>
void spread_plane(const AvgPool2d& op, const T* gy, const Dims& ys, const Dims& yt, Wide<T>* gx,
                  const Dims& xs) {
  using C = Wide<T>;
  const PoolWindow& w = op.window;
  const Interior inside = interior_of(w, ys[3], xs[3]);
  const int64_t step = w.stride[1];
  const auto spread = step == 1   ? &spread_row<C, 1>
                      : step == 2 ? &spread_row<C, 2>
                                  : &spread_row<C, 0>;
  C shares[kMostWindows];
  std::fill_n(gx, xs[2] * xs[3], C(0));
  for (int64_t oy = 0; oy < ys[2]; ++oy) {
    const Taps rows = taps_of(w, 0, oy, xs[2]);
    const T* const gy_row = gy + oy * yt[2];
    auto edge = [&](int64_t first, int64_t last) {
      for (int64_t ox = first; ox < last; ++ox) {
        const Taps columns = taps_of(w, 1, ox, xs[3]);
        const C share = convert<C>(gy_row[ox * yt[3]]) / C(divisor(op, rows, columns, xs));
        for (int64_t r = rows.first; r < rows.last; ++r) {
          C* row = gx + (rows.start + r) * xs[3] + columns.start;
          for (int64_t s = columns.first; s < columns.last; ++s) row[s] += share;
        }
      }
    };
    edge(0, inside.first);
    for (int64_t ox = inside.first; ox < inside.last; ox += kMostWindows) {
      const int64_t windows = std::min(kMostWindows, inside.last - ox);
      const C by(divisor(op, rows, taps_of(w, 1, ox, xs[3]), xs));
      for (int64_t i = 0; i < windows; ++i) shares[i] = convert<C>(gy_row[(ox + i) * yt[3]]) / by;
      const int64_t column = ox * step - w.padding[1];
      for (int64_t r = rows.first; r < rows.last; ++r) {
        C* const row = gx + (rows.start + r) * xs[3] + column;
        for (int64_t s = w.kernel[1]; s-- > 0;) spread(shares, windows, row + s, step);
      }
    }
    edge(inside.last, ys[3]);
  }
}

// Sums of a plane, row-major and wide, into the tensor's dtype and strides.
template <class T>
void store_plane(const Wide<T>* sums, T* out, const Dims& shape, const Dims& strides) {
  for (int64_t y = 0; y < shape[2]; ++y) {
    for (int64_t x = 0; x < shape[3]; ++x) {
      out[y * strides[2] + x * strides[3]] = convert<T>(sums[y * shape[3] + x]);
    }
  }
}

// Runs `make(plane, sums)` for each plane of `out` and stores the sums.
template <class T, class Make>
void accumulate_planes(Tensor& out, Make make) {
  const Dims &shape = out.shape(), &strides = out.strides();
  const int64_t elements = shape[2] * shape[3];
  parallel_for(planes_of(out), plane_grain(elements), [&](int64_t begin, int64_t end) {
    std::vector<Wide<T>> sums(static_cast<size_t>(elements));
    for (int64_t plane = begin; plane < end; ++plane) {
      make(plane, sums.data());
      store_plane<T>(sums.data(), out.raw_as<T>() + plane_start(shape, strides, plane), shape,
                     strides);
    }
  });
}

}  // namespace

void max_pool2d(CpuContext&, const MaxPool2d& op, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  const Dims &ys = out[0].shape(), &yt = out[0].strides();
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    parallel_for(planes_of(x), plane_grain(ys[2] * ys[3]), [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const int64_t to = plane_start(ys, yt, plane);
        max_plane(op.window, x.raw_as<const T>() + plane_start(x.shape(), x.strides(), plane),
                  x.shape(), x.strides(), out[0].raw_as<T>() + to, out[1].raw_as<int64_t>() + to,
                  ys, yt);
      }
    });
  });
}

void max_pool2d_grad(CpuContext&, const MaxPool2dGrad&, Inputs in, Outputs out) {
  const Tensor &gy = in[0].tensor(), &places = in[1].tensor();
  const Dims &ys = gy.shape(), &yt = gy.strides(), &pt = places.strides();
  dispatch_floating(gy.dtype(), [&]<class T>(TypeTag<T>) {
    accumulate_planes<T>(out[0], [&](int64_t plane, Wide<T>* sums) {
      std::fill_n(sums, out[0].shape()[2] * out[0].shape()[3], Wide<T>(0));
      const T* from = gy.raw_as<const T>() + plane_start(ys, yt, plane);
      const int64_t* at = places.raw_as<const int64_t>() + plane_start(ys, pt, plane);
      for (int64_t y = 0; y < ys[2]; ++y) {
        for (int64_t x = 0; x < ys[3]; ++x) {
          const int64_t place = at[y * pt[2] + x * pt[3]];
          if (place != kNowhere) sums[place] += convert<Wide<T>>(from[y * yt[2] + x * yt[3]]);
        }
      }
    });
  });
}

void max_pool2d_read(CpuContext&, const MaxPool2dRead&, Inputs in, Outputs out) {
  const Tensor &x = in[0].tensor(), &places = in[1].tensor();
  const Dims &ys = out[0].shape(), &yt = out[0].strides(), &pt = places.strides();
  const Dims &xs = x.shape(), &xt = x.strides();
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    parallel_for(planes_of(out[0]), plane_grain(ys[2] * ys[3]), [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const T* from = x.raw_as<const T>() + plane_start(xs, xt, plane);
        const int64_t* at = places.raw_as<const int64_t>() + plane_start(ys, pt, plane);
        T* to = out[0].raw_as<T>() + plane_start(ys, yt, plane);
        for (int64_t y = 0; y < ys[2]; ++y) {
          for (int64_t c = 0; c < ys[3]; ++c) {
            const int64_t place = at[y * pt[2] + c * pt[3]];
            to[y * yt[2] + c * yt[3]] =
                place == kNowhere ? T() : from[place / xs[3] * xt[2] + place % xs[3] * xt[3]];
          }
        }
      }
    });
  });
}

void avg_pool2d(CpuContext&, const AvgPool2d& op, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  const Dims &ys = out[0].shape(), &yt = out[0].strides();
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    parallel_for(planes_of(x), plane_grain(ys[2] * ys[3]), [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        average_plane(op, x.raw_as<const T>() + plane_start(x.shape(), x.strides(), plane),
                      x.shape(), x.strides(), out[0].raw_as<T>() + plane_start(ys, yt, plane), ys,
                      yt);
      }
    });
  });
}

void avg_pool2d_grad(CpuContext&, const AvgPool2dGrad& op, Inputs in, Outputs out) {
  const Tensor& gy = in[0].tensor();
  dispatch_floating(gy.dtype(), [&]<class T>(TypeTag<T>) {
    accumulate_planes<T>(out[0], [&](int64_t plane, Wide<T>* sums) {
      spread_plane(op.forward, gy.raw_as<const T>() + plane_start(gy.shape(), gy.strides(), plane),
                   gy.shape(), gy.strides(), sums, out[0].shape());
    });
  });
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_pooling(Kernels& kernels) {
  kernels.add<&cpu::max_pool2d>();
  kernels.add<&cpu::max_pool2d_grad>();
  kernels.add<&cpu::max_pool2d_read>();
  kernels.add<&cpu::avg_pool2d>();
  kernels.add<&cpu::avg_pool2d_grad>();
}

}  // namespace entasis
