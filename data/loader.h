// Labelled images as a network takes them: batch by batch, in an order of each epoch's own, scaled
// and as tensors. A batch of images is ready in some ten microseconds, far below the time of a
// training step, so nothing is prefetched and there is no thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <entasis/core/device.h>
#include <entasis/core/export.h>
#include <entasis/core/tensor.h>
#include <entasis/data/image_dataset.h>

namespace entasis::data {

// Mean and standard deviation of pixels in units of the largest value, so between 0 and 1.
struct PixelScale {
  double mean = 0;
  double std = 1;
  bool operator==(const PixelScale&) const = default;
};

// Over all pixels of the data set, exact but for the last rounding. Of images that are all one
// colour the deviation is given as 1. Throws ValueError if there is no pixel.
ENTASIS_API PixelScale measure_pixels(const ImageDataset& dataset);

struct Batch {
  Tensor images;  // f32 [n, channels, height, width]: (pixel / max_value - mean) / std
  Tensor labels;  // i64 [n]
  int64_t size() const { return labels.numel(); }
};

struct LoaderOptions {
  int64_t batch_size = 64;  // the last batch of an epoch may be smaller
  bool shuffle = false;
  uint64_t seed = 0;  // of the order
  PixelScale scale = {};
  Device device = {};  // where the batches go
};

// Hands out a data set, each image once an epoch:
//
//   data::Loader loader(split.train, {.batch_size = 64, .shuffle = true, .seed = 1});
//   for (int64_t epoch = 0; epoch < 5; ++epoch) {
//     loader.begin_epoch(epoch);
//     while (std::optional<data::Batch> batch = loader.next()) { … }
//   }
//
// The order depends on seed and epoch alone, not on what was read before: a run that stopped at
// epoch() and position() goes on with begin_epoch(epoch, position). For one thread.
class ENTASIS_API Loader {
 public:
  // `dataset` must outlive the loader. Throws ValueError if its sizes contradict each other, if it
  // is empty, or for a batch size below 1 or a deviation that is not positive.
  explicit Loader(const ImageDataset& dataset, const LoaderOptions& options = {}, Location at = {});
  explicit Loader(ImageDataset&&, const LoaderOptions& = {}, Location = {}) = delete;

  // Batches in an epoch.
  int64_t batches() const;

  // Goes to batch `position` of `epoch`. A new loader stands at the start of epoch 0. Throws
  // ValueError unless 0 <= epoch and 0 <= position <= batches().
  void begin_epoch(int64_t epoch, int64_t position = 0, Location at = {});

  // The next batch, or nothing at the end of the epoch.
  std::optional<Batch> next();

  int64_t epoch() const { return epoch_; }
  int64_t position() const { return position_; }  // batches of this epoch handed out

 private:
  const ImageDataset& dataset_;
  LoaderOptions options_;
  std::array<float, 256> scaled_;  // what each pixel value becomes
  int64_t epoch_ = 0;
  int64_t position_ = 0;
  Tensor order_;  // i64 [count]; undefined: the order of the data set
};

}  // namespace entasis::data
