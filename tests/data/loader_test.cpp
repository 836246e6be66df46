// The loader: every image once an epoch, scaled, in an order that (seed, epoch) alone decides.
// Images carry their own number in their pixels, so that a mix-up shows.
#include <entasis/data/loader.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/tests/support/errors.h>

namespace entasis::data {
namespace {

// Image i is 2x3 pixels, of which the first two hold i; its label is i modulo 10.
ImageDataset numbered(int64_t count) {
  ImageDataset dataset;
  dataset.count = count;
  dataset.channels = 1;
  dataset.height = 2;
  dataset.width = 3;
  for (int64_t i = 0; i < count; ++i) {
    for (const int64_t pixel :
         {i / 256, i % 256, int64_t{0}, int64_t{51}, int64_t{102}, int64_t{255}}) {
      dataset.pixels.push_back(static_cast<uint8_t>(pixel));
    }
    dataset.labels.push_back(static_cast<uint8_t>(i % 10));
  }
  return dataset;
}

int64_t number_of(const float* image) {
  return std::lround(image[0] * 255) * 256 + std::lround(image[1] * 255);
}

// The numbers of the images in the rest of the loader's epoch.
std::vector<int64_t> rest_of(Loader& loader) {
  std::vector<int64_t> numbers;
  while (const std::optional<Batch> batch = loader.next()) {
    const auto* images = batch->images.data<float>();
    const auto* labels = batch->labels.data<int64_t>();
    for (int64_t i = 0; i < batch->size(); ++i) {
      numbers.push_back(number_of(images + 6 * i));
      EXPECT_EQ(labels[i], numbers.back() % 10);
    }
  }
  return numbers;
}

std::vector<int64_t> epoch_of(Loader& loader, int64_t epoch) {
  loader.begin_epoch(epoch);
  return rest_of(loader);
}

TEST(Loader, GivesBatchesInOrder) {
  const ImageDataset dataset = numbered(10);
  Loader loader(dataset, {.batch_size = 4});
  EXPECT_EQ(loader.batches(), 3);
  const Batch first = loader.next().value();
  EXPECT_EQ(first.images.shape(), (Dims{4, 1, 2, 3}));
  EXPECT_EQ(first.images.dtype(), kF32);
  EXPECT_EQ(first.labels.shape(), Dims{4});
  EXPECT_EQ(first.labels.dtype(), kI64);
  EXPECT_EQ(loader.position(), 1);
  EXPECT_EQ(rest_of(loader), (std::vector<int64_t>{4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(loader.position(), 3);
  EXPECT_FALSE(loader.next().has_value());
  loader.begin_epoch(1, 2);
  EXPECT_EQ(loader.next()->size(), 2);
}

TEST(Loader, ScalesPixels) {
  ImageDataset dataset = numbered(1);
  const auto third = [&](const LoaderOptions& options) {
    Loader loader(dataset, options);
    return loader.next()->images.data<float>()[3];
  };
  EXPECT_EQ(third({}), 0.2f);
  EXPECT_EQ(third({.scale = {.mean = 0.1, .std = 0.5}}),
            static_cast<float>((51 / 255.0 - 0.1) / 0.5));
  dataset.max_value = 102;
  EXPECT_EQ(third({}), 0.5f);
}

TEST(Loader, ShuffledEpochsHoldEachImageOnceAndDiffer) {
  const ImageDataset dataset = numbered(1000);
  Loader loader(dataset, {.batch_size = 64, .shuffle = true, .seed = 7});
  std::set<std::vector<int64_t>> orders;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    const std::vector<int64_t> order = epoch_of(loader, epoch);
    EXPECT_EQ(order.size(), 1000u);
    EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 1000u);
    orders.insert(order);
  }
  Loader other(dataset, {.batch_size = 64, .shuffle = true, .seed = 8});
  orders.insert(epoch_of(other, 0));
  EXPECT_EQ(orders.size(), 4u);
}

TEST(Loader, TheOrderDependsOnSeedAndEpochAlone) {
  const ImageDataset dataset = numbered(300);
  Loader straight(dataset, {.batch_size = 16, .shuffle = true, .seed = 3});
  epoch_of(straight, 0);
  const std::vector<int64_t> expected = epoch_of(straight, 1);

  manual_seed(99);
  default_generator().reserve(5);
  const Generator::State state = default_generator().state();
  Loader jumped(dataset, {.batch_size = 50, .shuffle = true, .seed = 3});
  EXPECT_EQ(epoch_of(jumped, 1), expected);
  EXPECT_EQ(default_generator().state(), state) << "the loader drew from the default generator";
  EXPECT_EQ(epoch_of(jumped, 1), expected);
}

TEST(Loader, GoesOnInTheMiddleOfAnEpoch) {
  const ImageDataset dataset = numbered(100);
  const LoaderOptions options{.batch_size = 8, .shuffle = true, .seed = 1};
  Loader whole(dataset, options);
  const std::vector<int64_t> order = epoch_of(whole, 4);
  for (const int64_t position : {0, 1, 7, 12, 13}) {
    Loader resumed(dataset, options);
    resumed.begin_epoch(4, position);
    const auto begin = order.begin() + std::min<int64_t>(8 * position, 100);
    EXPECT_EQ(rest_of(resumed), std::vector<int64_t>(begin, order.end())) << position;
  }
}

TEST(Loader, OneBatchForAll) {
  const ImageDataset dataset = numbered(10);
  Loader loader(dataset, {.batch_size = int64_t{1} << 62});
  EXPECT_EQ(loader.batches(), 1);
  EXPECT_EQ(loader.next()->size(), 10);
  EXPECT_FALSE(loader.next().has_value());
}

TEST(Loader, RefusesWhatMakesNoSense) {
  const ImageDataset good = numbered(10);
  ImageDataset bad = good;
  const std::string at = " — loader_test.cpp:";
  const auto starts = [&](const std::string& message, const std::string& expected) {
    EXPECT_EQ(message.substr(0, message.find(" — ")), expected);
    EXPECT_NE(message.find(at), std::string::npos) << message;
  };
  starts(message_of([&] { Loader(good, {.batch_size = 0}); }),
         "Loader: batch_size is 0, must be at least 1");
  starts(message_of([&] { Loader(good, {.scale = {.mean = 0, .std = NAN}}); }),
         "Loader: scale.std is nan, must be positive");
  bad.labels.pop_back();
  starts(message_of([&] { Loader loader(bad); }),
         "Loader: a data set of shape [10, 1, 2, 3] holds 60 pixels and 9 labels");
  bad = good;
  bad.height = 3;
  starts(message_of([&] { Loader loader(bad); }),
         "Loader: a data set of shape [10, 1, 3, 3] holds 60 pixels and 10 labels");
  const ImageDataset none = numbered(0);
  starts(message_of([&] { Loader loader(none); }), "Loader: no images: shape [0, 1, 2, 3]");
  Loader loader(good, {.batch_size = 4});
  starts(message_of([&] { loader.begin_epoch(0, 4); }),
         "Loader: no batch 4 in epoch 0: an epoch has 3 batches");
  starts(message_of([&] { loader.begin_epoch(-1); }),
         "Loader: no batch 0 in epoch -1: an epoch has 3 batches");
}

TEST(MeasurePixels, MeanAndDeviation) {
  ImageDataset dataset;
  dataset.pixels = {0, 0, 0, 4};
  dataset.max_value = 4;
  const PixelScale scale = measure_pixels(dataset);
  EXPECT_DOUBLE_EQ(scale.mean, 0.25);
  EXPECT_DOUBLE_EQ(scale.std, std::sqrt(3.0) / 4);
  dataset.pixels = {3, 3, 3};
  EXPECT_EQ(measure_pixels(dataset), (PixelScale{0.75, 1}));
  dataset.pixels.clear();
  EXPECT_EQ(message_of([&] { measure_pixels(dataset); }),
            "measure_pixels: the data set has no pixels");
}

}  // namespace
}  // namespace entasis::data
