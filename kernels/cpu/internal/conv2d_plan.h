// The two methods of direct convolution, and the tables that all threads share.
//
// Both compute a strip of output rows at a time from a zero-padded copy of the input rows that the
// strip needs, small enough for L2; no matrix of patches is ever made.
//
// Pixels: the vectors run along the output's pixels, the tile's rows along the output channels; the
// weight is read where it lies. The input is split by row and column modulo the stride into planes
// of equal pitch, [channel][row phase][column phase][row][column]; in a plane each filter tap is
// one constant offset, whatever stride and dilation are, and stays so from one output row to the
// next, so that vectors run on across rows. The price is the (kernel - 1) surplus columns of the
// pitch, and a copy that leaves them out; where that is dearer than the empty lanes at the end of
// each row, every output row is computed by itself.
//
// Channels: the vectors run along the output channels, the tile's rows along the pixels of one
// output row. The copy is channels-last, [row][column][channel], so that one filter row is one
// stretch of kernel_width * channels adjacent elements (one filter tap a stretch, with dilation or
// groups). The weight is packed into panels [stretch][element][out_channel].
#pragma once

#include <algorithm>
#include <cstdint>

#include <entasis/kernels/cpu/internal/conv2d_direct.h>

namespace entasis::cpu {

// Rows and vectors of the register tile.
struct TileShape {
  int64_t rows, vectors;
};

template <class T>
struct PixelPlan {
  int64_t strip_rows;       // output rows in a strip
  int64_t pitch;            // columns of a plane
  int64_t plane_rows;       // rows of a plane
  int64_t groups_together;  // whose input is copied, and output written, in one go
  bool by_rows;             // each output row by itself, straight to its place
  int64_t taps;             // in_channels / groups * kernel_height * kernel_width
  const int64_t* offsets;   // of each tap's first pixel from the strip's copy
  const T* weight;          // [out_channels][taps]
};

template <class T>
struct ChannelPlan {
  int64_t strip_rows;
  int64_t copy_rows;            // input rows under a strip
  int64_t copy_columns;         // padded input columns
  int64_t stretches;            // along the sum
  int64_t stretch_length;       // elements of each
  TileShape tile;               // of pixels by vectors, the largest used
  int64_t stretches_per_block;  // the sum is taken in blocks, to keep a panel's block in L2
  const T* weight;              // panels of one group after another
};

// The code of one Highway target.
template <class T>
struct Conv2dFunctions {
  TileShape tile, wide_tile;  // the second, which may be empty, serves channels only
  int lanes;                  // elements in a vector
  // One strip of one image, all groups. The strip begins at output row `row`.
  void (*pixels)(const Conv2d<T>& conv, const PixelPlan<T>& plan, int64_t image, int64_t row);
  void (*channels)(const Conv2d<T>& conv, const ChannelPlan<T>& plan, int64_t image, int64_t row);
  // Packs panel `panel` of group `group` to its place behind `packed`.
  void (*pack_panel)(const Conv2d<T>& conv, const ChannelPlan<T>& plan, int64_t group,
                     int64_t panel, T* packed);
};

struct Conv2dTarget {
  Conv2dFunctions<float> f32;
  Conv2dFunctions<double> f64;
};

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Of two shapes, the one that cuts a result of that size into fewer tiles.
inline TileShape better_tile(const TileShape& tile, const TileShape& wide, int64_t rows,
                             int64_t vectors) {
  if (wide.rows == 0) return tile;
  const auto count = [=](const TileShape& t) {
    return divide_up(rows, t.rows) * divide_up(vectors, t.vectors);
  };
  return count(tile) <= count(wide) ? tile : wide;
}

// Whole numbers [begin, end); begin <= end.
struct IndexRange {
  int64_t begin, end;
};

// The i of [0, count) with 0 <= first + i * step < size: the filter taps that one output position
// finds inside the map, or the output positions that find one tap there.
inline IndexRange indices_inside(int64_t first, int64_t step, int64_t count, int64_t size) {
  const int64_t begin = std::min(count, first >= 0 ? 0 : divide_up(-first, step));
  const int64_t end = first >= size ? 0 : std::min(count, (size - 1 - first) / step + 1);
  return {begin, std::max(begin, end)};
}

}  // namespace entasis::cpu
