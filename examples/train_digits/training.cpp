// The training loop. Everything that decides the result is in here and in the network: the rest of
// the program reads flags and shows figures.
#include "training.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <string>

#include <entasis/entasis.h>
#include <entasis/io/safetensors.h>
#include <entasis/train/format.h>
#include <entasis/train/interrupt.h>
#include <entasis/train/process.h>

using namespace entasis;

namespace {

constexpr int64_t kTestBatch = 256;
constexpr double kSaveSeconds = 5;  // epochs that end sooner after a checkpoint make none

models::LeNetOptions network_for(const data::ImageDataset& images) {
  return {.channels = images.channels, .height = images.height, .width = images.width};
}

// Of the losses of an epoch, each weighted by its batch.
struct RunningMean {
  double sum = 0;
  int64_t samples = 0;
  void add(double loss, int64_t count) {
    sum += loss * static_cast<double>(count);
    samples += count;
  }
  double value() const { return sum / static_cast<double>(samples); }
};

}  // namespace

Training::Training(const Options& options, const Images& images)
    : options_(options),
      images_(images),
      network_(network_for(images.split.train)),
      optimizer_(network_.parameters(), {.lr = options.lr, .weight_decay = 0.01}),
      train_loader_(images.split.train, {.batch_size = options.batch_size,
                                         .shuffle = true,
                                         .seed = options.seed,
                                         .scale = images.scale,
                                         .device = options.device}),
      test_loader_(images.split.test,
                   {.batch_size = kTestBatch, .scale = images.scale, .device = options.device}),
      last_save_(train::monotonic_seconds()) {
  network_.to(options.device);
}

// A tenth of the way up in a straight line, then down to zero along half a cosine: the large steps
// come when they do no harm, the small ones at the end find the bottom (Loshchilov and Hutter 2017,
// arXiv:1608.03983; Goyal et al. 2017, arXiv:1706.02677).
double Training::learning_rate() const {
  const auto steps = static_cast<double>(options_.epochs * steps_per_epoch());
  const double done = (static_cast<double>(step_) + 0.5) / steps;
  constexpr double kRise = 0.1;
  if (done < kRise) return options_.lr * done / kRise;
  return options_.lr * 0.5 * (1 + std::cos(std::numbers::pi * (done - kRise) / (1 - kRise)));
}

double Training::train_step(const data::Batch& batch, double learning_rate) {
  optimizer_.set_lr(learning_rate);
  optimizer_.zero_grad();
  const Tensor loss = cross_entropy(network_(batch.images), batch.labels);
  loss.backward();
  optimizer_.step();
  ++step_;
  return loss.item();
}

TestResult Training::test() {
  const NoGrad no_grad;
  network_.eval();
  TestResult sum;
  test_loader_.begin_epoch(0);
  while (const std::optional<data::Batch> batch = test_loader_.next()) {
    const Tensor logits = network_(batch->images);
    sum.loss += cross_entropy(logits, batch->labels, -100, Reduction::kSum).item();
    sum.accuracy += (argmax(logits, 1) == batch->labels).sum().item();
  }
  network_.train();
  const auto count = static_cast<double>(images_.split.test.count);
  return {sum.loss / count, sum.accuracy / count};
}

const std::vector<std::string>& Training::columns() {
  static const std::vector<std::string> names{"epoch", "lr", "loss", "test_loss", "test_accuracy"};
  return names;
}

bool Training::run(train::MetricsLog& metrics, train::Progress& progress) {
  constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();
  RunningMean mean;
  if (epoch() < options_.epochs) progress.begin_epoch(epoch() + 1, train_loader_.position());

  while (epoch() < options_.epochs) {
    const data::Batch batch = train_loader_.next().value();  // the loader never rests at an end
    const auto number = static_cast<double>(epoch() + 1);
    const double rate = learning_rate();
    const double loss = train_step(batch, rate);
    check_loss(loss);
    mean.add(loss, batch.size());
    progress.step(batch.size());

    if (train_loader_.position() < steps_per_epoch()) {
      metrics.append(step_, {number, rate, loss, kNotMeasured, kNotMeasured});
      if (progress.due()) progress.show(mean.value());
    } else {
      const TestResult result = test();
      metrics.append(step_, {number, rate, loss, result.loss, result.accuracy});
      progress.end_epoch(mean.value(), result.loss, result.accuracy);
      mean = {};
      train_loader_.begin_epoch(epoch() + 1);
      if (epoch() == options_.epochs) break;
      progress.begin_epoch(epoch() + 1);
      if (train::monotonic_seconds() - last_save_ > kSaveSeconds) save_checkpoint(metrics);
    }
    if (train::InterruptGuard::requested()) {
      save_checkpoint(metrics);
      return false;
    }
  }
  save_checkpoint(metrics);
  return true;
}

void Training::check_loss(double loss) const {
  if (std::isfinite(loss)) return;
  throw ValueError("the loss is " + train::format_loss(loss) + " at step " + std::to_string(step_) +
                   "; a smaller --lr than " + train::format_loss(options_.lr) + " may help");
}

void Training::save_checkpoint(train::MetricsLog& metrics) {
  io::Checkpoint checkpoint;
  checkpoint.model = network_.state_dict();
  checkpoint.optimizer = optimizer_.state_dict();
  checkpoint.generators["dropout"] = default_generator(options_.device).state();
  checkpoint.cursor.epoch = epoch();
  checkpoint.cursor.position = train_loader_.position();
  checkpoint.cursor.step = step_;
  checkpoint.texts["images"] = images_.checksum;
  record_options(options_, checkpoint);
  metrics.sync();  // first, so that the log is never behind the checkpoint
  io::save_checkpoint(options_.checkpoint_path(), checkpoint);
  last_save_ = train::monotonic_seconds();
}

void Training::restore(const io::Checkpoint& checkpoint) {
  const auto images = checkpoint.texts.find("images");
  if (images == checkpoint.texts.end() || images->second != images_.checksum) {
    throw ValueError(images_.path + ": not the images that the run in " + options_.out +
                     " began with");
  }
  const auto generator = checkpoint.generators.find("dropout");
  if (generator == checkpoint.generators.end()) {
    throw ValueError(options_.checkpoint_path() + ": holds no state of the generator 'dropout'");
  }
  const io::DataCursor& cursor = checkpoint.cursor;
  const int64_t steps = steps_per_epoch();
  if (cursor.epoch < 0 || cursor.epoch > options_.epochs || cursor.position < 0 ||
      cursor.position >= steps || cursor.step != cursor.epoch * steps + cursor.position) {
    throw ValueError(options_.checkpoint_path() + ": stands at step " +
                     std::to_string(cursor.step) + ", batch " + std::to_string(cursor.position) +
                     " of epoch " + std::to_string(cursor.epoch) + ": not a place in this run");
  }
  network_.load_state_dict(checkpoint.model);
  optimizer_.load_state_dict(checkpoint.optimizer);
  default_generator(options_.device).set_state(generator->second);
  train_loader_.begin_epoch(cursor.epoch, cursor.position);
  step_ = cursor.step;
}

void Training::save_model() const {
  const data::ImageDataset& images = images_.split.train;
  const std::string size = std::to_string(images.channels) + "x" + std::to_string(images.height) +
                           "x" + std::to_string(images.width);
  io::save_safetensors(options_.model_path(), network_.state_dict(),
                       {{"network", "LeNet"},
                        {"input", size},
                        {"pixel_mean", std::to_string(images_.scale.mean)},
                        {"pixel_std", std::to_string(images_.scale.std)}});
}

int64_t Training::parameters() const {
  int64_t count = 0;
  for (const Tensor& parameter : network_.parameters()) count += parameter.numel();
  return count;
}
