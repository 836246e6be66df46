// Convolutions by cuDNN's graph API.
//
// Plans are cached by the whole description, device by device. By default only engines that give
// the same bits every time, compute with the operands' full precision and sum in f32 (f64 for f64)
// are taken; those that transform tiles (Winograd, FFT) are not, since they spread an infinite or
// very large element over its neighbours. With ENTASIS_TUNE=1 the first few engines are timed when
// a plan is made and the fastest is kept.
//
// libcudnn is opened at the first convolution; without it that throws DeviceError, which says what
// to install, and everything else works. Usable under graph capture.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <entasis/backends/cuda/internal/plan_cache.h>
#include <entasis/core/dtype.h>
#include <entasis/core/storage.h>

namespace entasis::cuda {

enum class ConvolutionPass : uint8_t { kForward, kInputGradient, kWeightGradient };
enum class Activation : uint8_t { kNone, kRelu };

// input [N, C, H, W], weight [O, C / groups, R, S], output [N, O, P, Q], all dense in one of the
// two layouts: NCHW and OCRS, or channels-last NHWC and ORSC. Sizes are at least 1.
struct Convolution {
  std::array<int64_t, 4> input_shape{}, weight_shape{}, output_shape{};
  std::array<int64_t, 2> stride{1, 1}, padding{0, 0}, dilation{1, 1};  // rows, columns
  DType dtype = kF32;  // f32, f64, f16 or bf16: of all tensors
  ConvolutionPass pass = ConvolutionPass::kForward;
  Activation activation = Activation::kNone;  // forward only, after the bias
  bool channels_last = false;
  bool bias = false;  // forward only: [O], dense
  bool tf32 = false;  // factors of f32 may be rounded to TF32
  int64_t groups() const { return input_shape[1] / weight_shape[1]; }
  bool operator==(const Convolution&) const = default;
};

// Addresses on multiples of 16 bytes. The pass writes one of the first three; in the gradients'
// passes `output` is the gradient that comes in.
struct ConvolutionOperands {
  void* input = nullptr;
  void* weight = nullptr;
  void* output = nullptr;
  const void* bias = nullptr;
};

// False, and nothing is done, if cuDNN has no engine for this: some layouts and fusions exist for
// some dtypes only. Throws DeviceError that names shapes and status.
bool try_convolve(const Convolution& convolution, const ConvolutionOperands& operands,
                  StreamId stream);
// Throws DeviceError also if there is no engine, and says what cuDNN said.
void convolve(const Convolution& convolution, const ConvolutionOperands& operands, StreamId stream);
std::string to_string(const Convolution& convolution);
// Of the library that is found: "9.13.0"; "none" without one.
std::string dnn_version();

using ConvolutionKey = PlanKey<19>;
inline ConvolutionKey key_of(const Convolution& c) {
  ConvolutionKey key;
  size_t next = 0;
  for (const auto* shape : {&c.input_shape, &c.weight_shape, &c.output_shape}) {
    for (const int64_t size : *shape) key[next++] = size;
  }
  for (const auto* pair : {&c.stride, &c.padding, &c.dilation}) {
    for (const int64_t value : *pair) key[next++] = value;
  }
  key[next] = int64_t(c.dtype) | int64_t(c.pass) << 8 | int64_t(c.activation) << 16 |
              int64_t(c.channels_last) << 24 | int64_t(c.bias) << 25 | int64_t(c.tf32) << 26;
  return key;
}

}  // namespace entasis::cuda
