// The training loop: network, optimizer, data, and the checkpoint that holds their state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <entasis/data/loader.h>
#include <entasis/io/checkpoint.h>
#include <entasis/models/lenet.h>
#include <entasis/optim/adam.h>
#include <entasis/train/metrics.h>
#include <entasis/train/progress.h>

#include "images.h"
#include "options.h"

struct TestResult {
  double loss = 0;
  double accuracy = 0;  // a fraction
};

class Training {
 public:
  // Makes the network with its initial weights. Both arguments must outlive this.
  Training(const Options& options, const Images& images);

  // Goes to where `checkpoint` was made. Throws ValueError if it does not fit.
  void restore(const entasis::io::Checkpoint& checkpoint);

  // Trains up to the last epoch, with a row of metrics for each step and a checkpoint now and then.
  // Returns false if the user interrupted it; the checkpoint is then up to date. Throws ValueError
  // if the loss stops being a number.
  bool run(entasis::train::MetricsLog& metrics, entasis::train::Progress& progress);

  TestResult test();
  void save_checkpoint(entasis::train::MetricsLog& metrics);
  void save_model() const;

  int64_t parameters() const;
  int64_t step() const { return step_; }
  int64_t steps_per_epoch() const { return train_loader_.batches(); }
  // Counted from 0; the number of epochs when training is over.
  int64_t epoch() const { return train_loader_.epoch(); }

  // The columns of the metrics.
  static const std::vector<std::string>& columns();

 private:
  double train_step(const entasis::data::Batch& batch, double learning_rate);
  double learning_rate() const;
  void check_loss(double loss) const;

  const Options& options_;
  const Images& images_;
  entasis::models::LeNet network_;
  entasis::optim::AdamW optimizer_;
  entasis::data::Loader train_loader_;
  entasis::data::Loader test_loader_;
  int64_t step_ = 0;  // over all epochs
  double last_save_;  // when
};
