// Convolutions keep the image's size by padding, so that the same network fits 28x28 and 8x8.
#include <entasis/models/lenet.h>

#include <string>

#include <entasis/core/error.h>
#include <entasis/ops/pooling.h>
#include <entasis/ops/rectifier.h>
#include <entasis/ops/shape.h>

namespace entasis::models {
namespace {

constexpr int64_t kFilters1 = 16;
constexpr int64_t kFilters2 = 32;
constexpr int64_t kHidden = 128;
constexpr int64_t kKernel = 5;
constexpr int64_t kPadding = kKernel / 2;
constexpr int64_t kPool = 2;
constexpr int64_t kShrink = kPool * kPool;  // of height and width, by both rounds

// Linear inputs that the second round of pooling leaves.
int64_t features(const LeNetOptions& options, Location at) {
  if (options.height < kShrink || options.width < kShrink) {
    throw ValueError("LeNet: images of " + std::to_string(options.height) + "x" +
                         std::to_string(options.width) + " are too small: expected at least 4x4",
                     at);
  }
  return count_elements({kFilters2, options.height / kShrink, options.width / kShrink});
}

}  // namespace

LeNet::LeNet(const LeNetOptions& options, Location at)
    : conv1(*this, "conv1", options.channels, kFilters1, kKernel, {.padding = kPadding}),
      conv2(*this, "conv2", kFilters1, kFilters2, kKernel, {.padding = kPadding}),
      dropout1(*this, "dropout1", options.dropout),
      fc1(*this, "fc1", features(options, at), kHidden),
      dropout2(*this, "dropout2", options.dropout),
      fc2(*this, "fc2", kHidden, options.classes) {}

Tensor LeNet::forward(const Tensor& images) {
  Tensor x = max_pool2d(relu(conv1(images)), {kPool});
  x = max_pool2d(relu(conv2(x)), {kPool});
  x = relu(fc1(dropout1(flatten(x, 1))));
  return fc2(dropout2(x));
}

}  // namespace entasis::models
