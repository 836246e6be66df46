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
//
// With `non_blocking` the host does not take part where it need not. Pinned memory goes to a CUDA
// device without a copy on the way, and must not be changed before the stream has got there. What
// comes to the CPU lies in new pinned memory, and must not be read before the stream has been
// waited for: synchronize(), Stream::synchronize() or an Event.
ENTASIS_API Tensor to_device(const Tensor& input, Device device, bool non_blocking = false,
                             Location at = {});
// Writes source, broadcast, cast and brought from its device, into input. Returns input.
// `non_blocking` is to_device()'s: for pinned memory on either side.
ENTASIS_API Tensor copy_(Tensor input, const Tensor& source, bool non_blocking = false,
                         Location at = {});
// `input`, a tensor of the CPU, if it lies in page-locked memory, else a copy there: copies between
// it and CUDA devices can go on beside the host's work. Throws DeviceError without a CUDA device.
ENTASIS_API Tensor pin_memory(const Tensor& input, Location at = {});
ENTASIS_API Tensor fill_(Tensor input, Number value, Location at = {});
ENTASIS_API Tensor zero_(Tensor input, Location at = {});

}  // namespace entasis
