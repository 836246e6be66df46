// Composites of views: nothing here has a kernel or a gradient of its own.
#include <entasis/ops/rearrange.h>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/shape_internal.h>

namespace entasis {
namespace {

// The order of dimensions that brings source[i] to destination[i].
Dims moved_order(int rank, const Dims& source, const Dims& destination) {
  if (source.size() != destination.size()) {
    throw ShapeError("source " + to_string(source) + " and destination " + to_string(destination) +
                     " differ in length");
  }
  Dims order = Dims::filled(rank, -1);
  uint32_t moved = 0;
  for (int i = 0; i < source.size(); ++i) {
    const int from = wrap_dim(source[i], rank), to = wrap_dim(destination[i], rank);
    if ((moved >> from & 1) || (rank > 0 && order[to] != -1)) {
      throw ValueError("source " + to_string(source) + " or destination " + to_string(destination) +
                       " names a dimension twice");
    }
    moved |= 1u << from;
    if (rank > 0) order[to] = from;
  }
  int next = 0;
  for (int64_t& from : order) {
    if (from != -1) continue;
    while (moved >> next & 1) ++next;
    from = next++;
  }
  return order;
}

// `shape` with the sizes `sizes` in place of dimension `dim`.
Dims replaced(const Dims& shape, int dim, const Dims& sizes) {
  Dims result;
  for (int i = 0; i < dim; ++i) result.push_back(shape[i]);
  for (const int64_t size : sizes) result.push_back(size);
  for (int i = dim + 1; i < shape.size(); ++i) result.push_back(shape[i]);
  return result;
}

Dims unflattened_shape(const Tensor& input, int64_t dim, const Dims& sizes) {
  const int d = wrap_existing_dim(dim, input);
  if (sizes.empty()) throw ValueError("sizes must not be empty");
  Dims known = sizes;
  int inferred = -1;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && inferred < 0) {
      inferred = i;
      known[i] = 1;
    }
  }
  const int64_t size = input.shape()[d], product = count_elements(known);
  if (inferred >= 0 && product != 0 && size % product == 0) {
    known[inferred] = size / product;
  } else if (inferred >= 0 || product != size) {
    throw ShapeError("sizes " + to_string(sizes) + " do not multiply to size " +
                     std::to_string(size) + " of dimension " + std::to_string(d));
  }
  return replaced(input.shape(), d, known);
}

// ---- Shuffles: a reshape, an order of dimensions, one copy, a reshape.

// A copy of `permuted`, whose dimensions join to an image of `shape`; NHWC if `like` is. The
// image's channels, rows and columns begin at dimensions c, h and w of `permuted`.
Tensor joined_image(const Tensor& permuted, const Dims& shape, const Tensor& like, int c, int h,
                    int w, Location at) {
  if (!suggests_channels_last(like)) {
    return reshape(clone_strided(permuted, contiguous_strides(permuted.shape()), at), shape, at);
  }
  const int rank = permuted.dim();
  Dims strides = Dims::filled(rank, 0);
  int64_t step = 1;
  const auto lay = [&](int from, int to) {
    for (int d = to - 1; d >= from; --d) {
      strides[d] = step;
      step *= permuted.shape()[d];
    }
  };
  lay(c, h);
  lay(w, rank);
  lay(h, w);
  lay(0, c);
  return reshape(clone_strided(permuted, strides, at), shape, at);
}

int64_t checked_factor(const char* name, int64_t factor, const Tensor& input) {
  check_defined(input);
  if (factor < 1) {
    throw ValueError(std::string(name) + " must be positive, it is " + std::to_string(factor));
  }
  if (input.dim() < 3) {
    throw ShapeError("needs at least 3 dimensions, the shape is " + to_string(input.shape()));
  }
  return factor;
}

// The sizes of all dimensions but the last three.
Dims batch_of(const Tensor& image) {
  Dims batch = image.shape();
  for (int i = 0; i < 3; ++i) batch.pop_back();
  return batch;
}

Dims with(const Dims& front, std::initializer_list<int64_t> back) {
  Dims all = front;
  for (const int64_t size : back) all.push_back(size);
  return all;
}

}  // namespace

Tensor view(const Tensor& input, const Dims& shape, Location at) {
  return composite("view", at, [&] {
    check_defined(input);
    return reshape_view(input, resolve_shape(input, shape), at);
  });
}

Tensor unflatten(const Tensor& input, int64_t dim, const Dims& sizes, Location at) {
  return composite("unflatten", at, [&] {
    check_defined(input);
    return reshape_view(input, unflattened_shape(input, dim, sizes), at);
  });
}

Tensor ravel(const Tensor& input, Location at) {
  return composite("ravel", at, [&] {
    check_defined(input);
    return reshape(contiguous(input, at), {-1}, at);
  });
}

Tensor movedim(const Tensor& input, const Dims& source, const Dims& destination, Location at) {
  return composite("movedim", at, [&] {
    check_defined(input);
    return permute(input, moved_order(input.dim(), source, destination), at);
  });
}
Tensor moveaxis(const Tensor& input, const Dims& source, const Dims& destination, Location at) {
  const Frame frame("moveaxis", at);
  return movedim(input, source, destination, at);
}

Tensor swapaxes(const Tensor& input, int64_t axis0, int64_t axis1, Location at) {
  const Frame frame("swapaxes", at);
  return transpose(input, axis0, axis1, at);
}
Tensor swapdims(const Tensor& input, int64_t dim0, int64_t dim1, Location at) {
  const Frame frame("swapdims", at);
  return transpose(input, dim0, dim1, at);
}

Tensor broadcast_to(const Tensor& input, const Dims& shape, Location at) {
  const Frame frame("broadcast_to", at);
  return expand(input, shape, at);
}

Tensors broadcast_tensors(const Tensors& tensors, Location at) {
  return composite("broadcast_tensors", at, [&] {
    check_defined(tensors);
    Dims shape;
    for (const Tensor& t : tensors) shape = broadcast_shapes(shape, t.shape());
    Tensors result;
    for (const Tensor& t : tensors) result.push_back(expand(t, shape, at));
    return result;
  });
}

Tensor pixel_shuffle(const Tensor& input, int64_t upscale_factor, Location at) {
  return composite("pixel_shuffle", at, [&] {
    const int64_t r = checked_factor("upscale_factor", upscale_factor, input);
    const Dims batch = batch_of(input);
    const int b = batch.size();
    const int64_t c = input.shape()[b], h = input.shape()[b + 1], w = input.shape()[b + 2];
    if (c % r != 0 || c / r % r != 0) {
      throw ShapeError(std::to_string(c) + " channels do not divide into squares of " +
                       std::to_string(r) + " x " + std::to_string(r));
    }
    const int64_t channels = c / r / r;
    const Tensor flat = reshape(input, with({count_elements(batch)}, {channels, r, r, h, w}), at);
    return joined_image(permute(flat, {0, 1, 4, 2, 5, 3}, at),
                        with(batch, {channels, h * r, w * r}), input, 1, 2, 4, at);
  });
}

Tensor pixel_unshuffle(const Tensor& input, int64_t downscale_factor, Location at) {
  return composite("pixel_unshuffle", at, [&] {
    const int64_t r = checked_factor("downscale_factor", downscale_factor, input);
    const Dims batch = batch_of(input);
    const int b = batch.size();
    const int64_t c = input.shape()[b], h = input.shape()[b + 1], w = input.shape()[b + 2];
    if (h % r != 0 || w % r != 0) {
      throw ShapeError("an image of " + std::to_string(h) + " x " + std::to_string(w) +
                       " does not divide into squares of " + std::to_string(r) + " x " +
                       std::to_string(r));
    }
    const Tensor flat = reshape(input, with({count_elements(batch)}, {c, h / r, r, w / r, r}), at);
    return joined_image(permute(flat, {0, 1, 3, 5, 2, 4}, at),
                        with(batch, {c * r * r, h / r, w / r}), input, 1, 4, 5, at);
  });
}

Tensor channel_shuffle(const Tensor& input, int64_t groups, Location at) {
  return composite("channel_shuffle", at, [&] {
    checked_factor("groups", groups, input);
    const int64_t channels = input.shape()[1];
    if (channels % groups != 0) {
      throw ShapeError(std::to_string(channels) + " channels do not divide into " +
                       std::to_string(groups) + " groups");
    }
    const Tensor grouped =
        reshape(input, replaced(input.shape(), 1, {groups, channels / groups}), at);
    return joined_image(transpose(grouped, 1, 2, at), input.shape(), input, 1, 3, 4, at);
  });
}

namespace {
constinit const Row rows[] = {
    row<&view>("view", args("input", "shape"),
               "A view of the elements of input under another shape, of which one size may be -1. "
               "Raises where the strides would need a copy."),
    row<&unflatten>("unflatten", args("input", "dim", "sizes"),
                    "A view in which dimension dim has become several, whose sizes multiply to its "
                    "own; one may be -1."),
    row<&ravel>("ravel", args("input"),
                "The elements of input in row-major order as one dense dimension. A view of a "
                "dense tensor, else a copy."),
    row<&movedim>("movedim", args("input", "source", "destination"),
                  "A view in which dimension source[i] is dimension destination[i]; the others "
                  "keep their order."),
    row<&moveaxis>("moveaxis", args("input", "source", "destination"),
                   "The same as movedim: NumPy's name for it."),
    row<&swapaxes>("swapaxes", args("input", "axis0", "axis1"),
                   "The same as transpose: NumPy's name for it."),
    row<&swapdims>("swapdims", args("input", "dim0", "dim1"),
                   "The same as transpose under another name."),
    row<&broadcast_to>("broadcast_to", args("input", "shape"),
                       "A view under a larger shape that input broadcasts to: expand."),
    row<&broadcast_tensors>("broadcast_tensors", args("tensors"),
                            "Views of the tensors under their common shape.",
                            {.method = false, .variadic = true}),
    row<&pixel_shuffle>("pixel_shuffle", args("input", "upscale_factor"),
                        "Moves channels into space: [*, C r^2, H, W] becomes [*, C, H r, W r].",
                        {.torch = "nn.functional.pixel_shuffle", .method = false}),
    row<&pixel_unshuffle>("pixel_unshuffle", args("input", "downscale_factor"),
                          "Moves space into channels, the inverse of pixel_shuffle: [*, C, H r, "
                          "W r] becomes [*, C r^2, H, W].",
                          {.torch = "nn.functional.pixel_unshuffle", .method = false}),
    row<&channel_shuffle>("channel_shuffle", args("input", "groups"),
                          "Exchanges channels between groups: channel g k + i of C = groups k "
                          "becomes channel i groups + g.",
                          {.method = false}),
};
}  // namespace
extern const RowList rows_rearrange;
constinit const RowList rows_rearrange{rows, {}};

}  // namespace entasis
