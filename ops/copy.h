// Copies, casts, fills: elements moved from one tensor to another.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// A copy with memory of its own; dense, in the dimension order of `input`.
ENTASIS_API Tensor clone(const Tensor& input, Location at = {});
// `input` itself if it is row-major dense, else such a copy.
ENTASIS_API Tensor contiguous(const Tensor& input, Location at = {});
// A dense NHWC copy of a 4-d tensor, or `input` itself if it is one.
ENTASIS_API Tensor channels_last(const Tensor& input, Location at = {});
// `input` itself if it has this dtype, else a cast copy. Floats to integers truncate.
ENTASIS_API Tensor to(const Tensor& input, DType dtype, Location at = {});
// `input` itself if it is there, else a copy on `device`. Throws DeviceError.
ENTASIS_API Tensor to_device(const Tensor& input, Device device, Location at = {});
// Writes source, broadcast and cast, into input. Returns input.
ENTASIS_API Tensor copy_(Tensor input, const Tensor& source, Location at = {});
ENTASIS_API Tensor fill_(Tensor input, Number value, Location at = {});
ENTASIS_API Tensor zero_(Tensor input, Location at = {});

}  // namespace entasis
