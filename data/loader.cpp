// Gathers rows of bytes into float tensors through a table of the 256 scaled values: the same bits
// for a pixel wherever it stands.
#include <entasis/data/loader.h>

#include <algorithm>
#include <cmath>
#include <string>

#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>

namespace entasis::data {
namespace {

void check(const ImageDataset& dataset, const LoaderOptions& options, Location at) {
  const Dims shape{dataset.count, dataset.channels, dataset.height, dataset.width};
  const int64_t pixels = count_elements(shape);
  if (pixels != static_cast<int64_t>(dataset.pixels.size()) ||
      dataset.count != static_cast<int64_t>(dataset.labels.size())) {
    throw ValueError("Loader: a data set of shape " + to_string(shape) + " holds " +
                         std::to_string(dataset.pixels.size()) + " pixels and " +
                         std::to_string(dataset.labels.size()) + " labels",
                     at);
  }
  if (pixels == 0) throw ValueError("Loader: no images: shape " + to_string(shape), at);
  if (options.batch_size < 1) {
    throw ValueError(
        "Loader: batch_size is " + std::to_string(options.batch_size) + ", must be at least 1", at);
  }
  if (!(options.scale.std > 0)) {
    throw ValueError(
        "Loader: scale.std is " + std::to_string(options.scale.std) + ", must be positive", at);
  }
}

}  // namespace

PixelScale measure_pixels(const ImageDataset& dataset) {
  if (dataset.pixels.empty()) throw ValueError("measure_pixels: the data set has no pixels");
  std::array<int64_t, 256> counts{};
  for (const uint8_t pixel : dataset.pixels) ++counts[pixel];

  const auto total = static_cast<double>(dataset.pixels.size());
  const double unit = std::max<double>(dataset.max_value, 1);
  double sum = 0;
  for (size_t v = 0; v < counts.size(); ++v) sum += static_cast<double>(counts[v]) * double(v);
  const double mean = sum / total;
  double squares = 0;
  for (size_t v = 0; v < counts.size(); ++v) {
    const double deviation = double(v) - mean;
    squares += static_cast<double>(counts[v]) * deviation * deviation;
  }
  const double std = std::sqrt(squares / total);
  return {mean / unit, std > 0 ? std / unit : 1};
}

Loader::Loader(const ImageDataset& dataset, const LoaderOptions& options, Location at)
    : dataset_(dataset), options_(options) {
  check(dataset, options, at);
  const double unit = std::max<double>(dataset.max_value, 1);
  for (size_t v = 0; v < scaled_.size(); ++v) {
    scaled_[v] = static_cast<float>((double(v) / unit - options.scale.mean) / options.scale.std);
  }
  begin_epoch(0, 0, at);
}

int64_t Loader::batches() const {
  return dataset_.count / options_.batch_size + (dataset_.count % options_.batch_size != 0);
}

void Loader::begin_epoch(int64_t epoch, int64_t position, Location at) {
  if (epoch < 0 || position < 0 || position > batches()) {
    throw ValueError("Loader: no batch " + std::to_string(position) + " in epoch " +
                         std::to_string(epoch) + ": an epoch has " + std::to_string(batches()) +
                         " batches",
                     at);
  }
  epoch_ = epoch;
  position_ = position;
  if (!options_.shuffle) return;
  // Drawn from a generator that nobody else uses and from no state but (seed, epoch).
  Generator generator = Generator(options_.seed).split(static_cast<uint64_t>(epoch));
  const GeneratorGuard guard(generator);
  order_ = randperm(dataset_.count, {}, at);
}

std::optional<Batch> Loader::next() {
  if (position_ == batches()) return std::nullopt;
  const int64_t begin = position_ * options_.batch_size;
  const int64_t size = std::min(options_.batch_size, dataset_.count - begin);
  const int64_t pixels = dataset_.channels * dataset_.height * dataset_.width;

  Batch batch;
  // From pinned memory a batch goes to the GPU by itself, while the host makes the next one.
  TensorOptions floats = kF32, integers = kI64;
  floats.pin_memory = integers.pin_memory = options_.device.is_cuda();
  batch.images = empty({size, dataset_.channels, dataset_.height, dataset_.width}, floats);
  batch.labels = empty({size}, integers);
  auto* image = batch.images.mutable_data<float>();
  auto* label = batch.labels.mutable_data<int64_t>();
  const int64_t* order = order_.defined() ? order_.data<int64_t>() + begin : nullptr;
  for (int64_t i = 0; i < size; ++i) {
    const int64_t row = order != nullptr ? order[i] : begin + i;
    const uint8_t* from = dataset_.pixels.data() + row * pixels;
    image = std::transform(from, from + pixels, image, [&](uint8_t v) { return scaled_[v]; });
    label[i] = dataset_.labels[static_cast<size_t>(row)];
  }
  ++position_;
  if (!options_.device.is_cpu()) {
    batch.images = to_device(batch.images, options_.device, true);
    batch.labels = to_device(batch.labels, options_.device, true);
  }
  return batch;
}

}  // namespace entasis::data
