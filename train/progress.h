// The line that shows how training goes. On a terminal it is rewritten in place about ten times a
// second; elsewhere there is a plain line at the end of each epoch, and one every half minute in
// between. What a line says is a pure function of the state, so that it can be tested.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <entasis/core/export.h>
#include <entasis/train/terminal.h>

namespace entasis::train {

struct ProgressState {
  int64_t epoch = 1;  // counted from 1
  int64_t epochs = 1;
  int64_t step = 0;  // done in this epoch
  int64_t steps = 1;
  double samples_per_second = 0;  // 0: not known yet
  double seconds_left = -1;       // of the whole run; negative: not known yet
  bool has_loss = false;
  double loss = 0;  // running mean; NaN is shown as such, in red
};

struct EpochSummary {
  int64_t epoch = 1;
  int64_t epochs = 1;
  double seconds = 0;
  double samples_per_second = 0;  // of the training steps alone; 0: not known
  double train_loss = 0;
  bool tested = false;  // whether the next two hold anything
  double test_loss = 0;
  double test_accuracy = 0;  // a fraction
};

struct LineStyle {
  int width = 80;  // no line is wider
  bool colour = false;
  bool unicode = false;
};

// One line without a line break. What does not fit is left out, the least important first; epoch
// and loss stay to the last.
ENTASIS_API std::string render_progress(const ProgressState& state, const LineStyle& style);
ENTASIS_API std::string render_epoch(const EpochSummary& summary, const LineStyle& style);

struct ProgressOptions {
  int64_t epochs = 1;
  int64_t steps_per_epoch = 1;
  Terminal terminal;            // usually detect_terminal(2)
  double (*clock)() = nullptr;  // seconds; nullptr: monotonic_seconds
};

// Keeps the figures and the screen.
//
//   Progress progress({.epochs = 20, .steps_per_epoch = 23, .terminal = detect_terminal(2)});
//   for (epoch = 1 ...) {
//     progress.begin_epoch(epoch);
//     for (step ...) {
//       progress.step(batch_size);
//       if (progress.due()) progress.show(running_loss());   // reads the device only when needed
//     }
//     progress.end_epoch(train_loss, test_loss, test_accuracy);
//   }
//
// The destructor, thus an exception too, wipes the line away. Throws ValueError on counts below 1.
class ENTASIS_API Progress {
 public:
  explicit Progress(const ProgressOptions& options);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `first_step`: how many steps of this epoch a resumed run has behind it.
  void begin_epoch(int64_t epoch, int64_t first_step = 0);
  void step(int64_t samples);

  // Whether it is time for show(): after a tenth of a second on a terminal, half a minute
  // elsewhere.
  bool due() const;
  void show(double running_loss);

  void end_epoch(double train_loss);
  void end_epoch(double train_loss, double test_loss, double test_accuracy);

  // Prints a line of its own above the progress line.
  void message(std::string_view text);

  // Takes the progress line off the screen, until the next show().
  void clear();

  const ProgressState& state() const { return state_; }
  double seconds() const;  // since the start

 private:
  void finish_epoch(EpochSummary summary);
  LineStyle style() const;

  ProgressOptions options_;
  ProgressState state_;
  double start_;
  double epoch_start_;
  double last_step_;
  double last_show_;
  int64_t steps_done_ = 0;     // by this process
  int64_t epoch_samples_ = 0;  // by this process in this epoch
  double epoch_step_seconds_ = 0;
  double recent_samples_ = 0;  // fading sums, for the rate
  double recent_seconds_ = 0;
  bool on_screen_ = false;
};

}  // namespace entasis::train
