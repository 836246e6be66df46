// Labelled images as the readers of this folder return them: plain bytes, no tensor yet.
// Programs turn them into tensors and scale them by `max_value`.
#pragma once

#include <cstdint>
#include <vector>

namespace entasis::data {

// `pixels` holds count * channels * height * width bytes in that order (NCHW, contiguous), each
// from 0 to `max_value`; `labels` holds `count` classes.
struct ImageDataset {
  int64_t count = 0;
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels;
  std::vector<uint8_t> labels;
  uint8_t max_value = 255;
};

struct ImageSplit {
  ImageDataset train;
  ImageDataset test;
};

}  // namespace entasis::data
