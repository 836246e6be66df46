// Other names and combinations of the views in shape.h. Those of shape, order and size are views of
// their input; the shuffles copy once.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// The input's elements under another shape, of which one size may be -1, without a copy: throws
// ShapeError where the strides do not allow that.
ENTASIS_API Tensor view(const Tensor& input, const Dims& shape, Location at = {});
// One dimension becomes several, whose sizes multiply to its own; one may be -1.
ENTASIS_API Tensor unflatten(const Tensor& input, int64_t dim, const Dims& sizes, Location at = {});
// One dense dimension, in row-major order; a copy unless the input is dense.
ENTASIS_API Tensor ravel(const Tensor& input, Location at = {});
// Dimension source[i] becomes dimension destination[i]; the others keep their order.
ENTASIS_API Tensor movedim(const Tensor& input, const Dims& source, const Dims& destination,
                           Location at = {});
ENTASIS_API Tensor moveaxis(const Tensor& input, const Dims& source, const Dims& destination,
                            Location at = {});
// transpose() under its other names.
ENTASIS_API Tensor swapaxes(const Tensor& input, int64_t axis0, int64_t axis1, Location at = {});
ENTASIS_API Tensor swapdims(const Tensor& input, int64_t dim0, int64_t dim1, Location at = {});
// expand() under its other name.
ENTASIS_API Tensor broadcast_to(const Tensor& input, const Dims& shape, Location at = {});
// Views of all tensors under their common shape.
ENTASIS_API Tensors broadcast_tensors(const Tensors& tensors, Location at = {});

// [*, C r², H, W] becomes [*, C, H r, W r] (Shi et al. 2016, "Real-time single image and video
// super-resolution using an efficient sub-pixel convolutional neural network").
ENTASIS_API Tensor pixel_shuffle(const Tensor& input, int64_t upscale_factor, Location at = {});
// Its inverse: [*, C, H r, W r] becomes [*, C r², H, W].
ENTASIS_API Tensor pixel_unshuffle(const Tensor& input, int64_t downscale_factor, Location at = {});
// Of [N, C, *] with C = groups k: channel g k + i becomes channel i groups + g (Zhang et al. 2018,
// "ShuffleNet").
ENTASIS_API Tensor channel_shuffle(const Tensor& input, int64_t groups, Location at = {});

}  // namespace entasis
