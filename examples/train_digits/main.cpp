// entasis-train-digits: from nothing to a trained network in a few seconds, on the digits that ship
// with Entasis or on MNIST. The training loop is in training.cpp.
#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/io/atomic_file.h>
#include <entasis/train/interrupt.h>
#include <entasis/train/terminal.h>

#include "command_line.h"
#include "images.h"
#include "options.h"
#include "results.h"
#include "training.h"

namespace fs = std::filesystem;
namespace train = entasis::train;
using entasis::io::Checkpoint;

namespace {

constexpr int kBadInput = 2;
constexpr int kSignalled = 128;  // plus the number of the signal

Checkpoint load_checkpoint(const CommandLine& line) {
  Options place;
  place.out = output_folder(line);
  std::error_code error;
  if (!fs::exists(place.checkpoint_path(), error)) {
    throw entasis::IoError("--resume: there is no " + place.checkpoint_path() + " to go on with");
  }
  return entasis::io::load_checkpoint(place.checkpoint_path());
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw entasis::IoError(path + ": cannot make this folder: " + error.message());
}

// Begins or goes on with the log; a new run first removes what an older one left in the folder, so
// that it never holds the files of two runs.
train::MetricsLog open_metrics(const Options& options, const Training& training, bool resume) {
  const std::string path = options.metrics_path();
  if (resume) return train::MetricsLog::resume(path, Training::columns(), training.step());
  for (const std::string& old :
       {options.checkpoint_path(), options.model_path(), options.curve_path()}) {
    std::error_code error;
    fs::remove(old, error);
    if (error) throw entasis::IoError(old + ": cannot remove: " + error.message());
  }
  return train::MetricsLog::create(path, Training::columns());
}

// `text` as one word of a shell's command line.
std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+,:@%=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

int run(const CommandLine& line, const char* program) {
  const Checkpoint checkpoint = line.resume ? load_checkpoint(line) : Checkpoint();
  const Options options = line.resume ? complete_options(line, checkpoint) : complete_options(line);
  const Images images = load_images(options.data);

  // From here on Ctrl-C is a request; nothing has been written yet.
  const train::InterruptGuard guard;
  entasis::manual_seed(options.seed);
  Training training(options, images);
  if (line.resume) training.restore(checkpoint);
  if (options.batch_size > images.split.train.count) {
    throw entasis::ValueError("--batch-size is " + std::to_string(options.batch_size) +
                              ", but there are only " + std::to_string(images.split.train.count) +
                              " images to train on");
  }

  make_folder(options.out);
  entasis::io::write_file_atomic(options.options_path(), options_as_json(options, images.path));
  train::MetricsLog metrics = open_metrics(options, training, line.resume);

  train::Progress progress({.epochs = options.epochs,
                            .steps_per_epoch = training.steps_per_epoch(),
                            .terminal = train::detect_terminal(2)});
  progress.message(heading(options, images, training.parameters()));
  if (line.resume && !has_same_bits(checkpoint)) {
    progress.message(
        "The checkpoint is of another build or processor: from here on the last bits "
        "may differ");
  }
  if (!training.run(metrics, progress)) {
    progress.message("Stopped in epoch " + std::to_string(training.epoch() + 1) + " of " +
                     std::to_string(options.epochs) + " after step " +
                     std::to_string(training.step()) + ", and saved. To go on:\n  " +
                     shell_word(program) + " --resume " + shell_word(options.out));
    return kSignalled + train::InterruptGuard::signal();
  }
  training.save_model();
  write_curve(options, images, training.steps_per_epoch());
  train::write_text(1, results_table(options, training.test(), progress.seconds()));
  return 0;
}

// Bad input is told in one line, whatever the message was made of.
int fail(std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  train::write_text(2, "entasis-train-digits: " + message + "\n");
  return kBadInput;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const CommandLine line = parse_command_line(argc, argv);
    if (!line.help.empty()) {
      train::write_text(1, line.help);
      return 0;
    }
    return run(line, argv[0]);
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
