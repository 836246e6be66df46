// The curve is drawn from metrics.csv, so a resumed run draws the same as an unbroken one.
#include "results.h"

#include <cmath>

#include <entasis/backends/cpu/simd_info.h>
#include <entasis/train/curve.h>
#include <entasis/train/device.h>
#include <entasis/train/format.h>
#include <entasis/train/metrics.h>
#include <entasis/train/process.h>
#include <entasis/train/table.h>
#include <entasis/train/terminal.h>

namespace train = entasis::train;

void write_curve(const Options& options, const Images& images, int64_t steps_per_epoch) {
  const train::Metrics metrics = train::read_metrics(options.metrics_path());
  train::CurveSeries loss{"training loss", {}, metrics.column("loss")};
  train::CurveSeries test_loss{"test loss", {}, {}};
  train::CurveSeries accuracy{"test accuracy", {}, {}};
  for (size_t row = 0; row < metrics.steps.size(); ++row) {
    const double epoch =
        static_cast<double>(metrics.steps[row]) / static_cast<double>(steps_per_epoch);
    loss.x.push_back(epoch);
    const double tested = metrics.column("test_accuracy")[row];
    if (std::isnan(tested)) continue;
    accuracy.x.push_back(epoch);
    accuracy.y.push_back(tested);
    test_loss.x.push_back(epoch);
    test_loss.y.push_back(metrics.column("test_loss")[row]);
  }

  train::Curve curve;
  curve.title = "LeNet on " + images.name;
  if (!accuracy.y.empty()) {
    curve.subtitle = "test accuracy " + train::format_percent(accuracy.y.back()) + " after " +
                     std::to_string(options.epochs) + (options.epochs == 1 ? " epoch" : " epochs");
  }
  curve.losses = {loss, test_loss};
  curve.accuracies = {accuracy};
  train::write_curve(options.curve_path(), curve);
}

std::string heading(const Options& options, const Images& images, int64_t parameters) {
  const entasis::data::ImageDataset& train_images = images.split.train;
  return "LeNet with " + train::format_count(parameters) + " parameters on " + images.name + "; " +
         to_string(options.device) + ", " + std::to_string(options.threads) +
         (options.threads == 1 ? " thread" : " threads") + "\n" +
         train::format_count(train_images.count) + " images of " +
         std::to_string(train_images.height) + "x" + std::to_string(train_images.width) +
         " to train, " + train::format_count(images.split.test.count) + " to test";
}

std::string results_table(const Options& options, const TestResult& result, double seconds) {
  train::Table table({{""}, {""}});
  table.add({"test accuracy", train::format_percent(result.accuracy)});
  table.add({"test loss", train::format_loss(result.loss)});
  table.add({"time", train::format_seconds(seconds)});
  table.add({"peak memory", train::format_bytes(train::peak_memory_bytes())});
  table.add({"device", train::describe_device(options.device)});
  table.add({"SIMD target", entasis::simd_info().in_use});
  table.add({"threads", std::to_string(options.threads)});
  table.add({"results", options.out});
  return table.render(train::table_style(train::detect_terminal(1)));
}
