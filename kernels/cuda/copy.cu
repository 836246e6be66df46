// Copies, casts and fills (see internal/copy_elements.cu), and copies to this device.
#include <entasis/backends/cuda/context.h>
#include <entasis/core/backend.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/copy_elements.h>
#include <entasis/ops/copy_internal.h>

namespace entasis::cuda {
namespace {

// A 0-d tensor of the CPU that joins arrives as a number.
void move(const Operand& from, const Tensor& to, cudaStream_t stream) {
  if (from.is_number()) {
    fill_elements(to, from.number(), stream);
  } else {
    copy_elements(from.tensor(), to, stream);
  }
}

// From the host's memory or another GPU's, which then waits until it may change its tensor. The
// tensors lie alike.
void bring(const Tensor& from, const Tensor& to, bool non_blocking, StreamId stream) {
  Backend& backend = backend_of(DeviceType::kCUDA);
  if (from.device().type == DeviceType::kCUDA) {
    const StreamId theirs = backend.current_stream(from.device().index);
    backend.use_on_stream(*from.impl()->storage, theirs, false);
  }
  backend.copy(to.raw(), to.device(), from.raw(), from.device(),
               size_t(from.numel()) * size_t(size_of(from.dtype())), stream,
               non_blocking && from.is_pinned());
}

}  // namespace

void clone(CudaContext& context, const Clone&, Inputs in, Outputs out) {
  copy_elements(in[0].tensor(), out[0], context.stream());
}

void cast(CudaContext& context, const Cast&, Inputs in, Outputs out) {
  copy_elements(in[0].tensor(), out[0], context.stream());
}

void copy(CudaContext& context, const Copy&, Inputs in, Outputs out) {
  move(in[1], out[0], context.stream());
}

void fill(CudaContext& context, const Fill&, Inputs in, Outputs out) {
  move(in[1], out[0], context.stream());
}

void to_device(CudaContext& context, const ToDevice& op, Inputs in, Outputs out) {
  bring(in[0].tensor(), out[0], op.non_blocking, context.stream_id());
}

void transfer(CudaContext& context, const Transfer& op, Inputs in, Outputs out) {
  bring(in[1].tensor(), out[0], op.non_blocking, context.stream_id());
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_copy(Kernels& kernels) {
  kernels.add<&cuda::clone>();
  kernels.add<&cuda::cast>();
  kernels.add<&cuda::copy>();
  kernels.add<&cuda::fill>();
  kernels.add<&cuda::to_device>();
  kernels.add<&cuda::transfer>();
}

}  // namespace entasis
