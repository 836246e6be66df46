// Progress: pieces of text with a rank each; the pieces of the highest rank go first when the line
// is too narrow, and the bar takes the columns that are left over.
#include <entasis/train/progress.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <entasis/core/error.h>
#include <entasis/train/format.h>
#include <entasis/train/internal/live_line.h>
#include <entasis/train/internal/text.h>
#include <entasis/train/process.h>

namespace entasis::train {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kPlainLineSeconds = 30;
constexpr double kRateMemorySeconds = 3;  // how long a step counts in the displayed rate
constexpr int kMinBar = 8;
constexpr int kMaxBar = 40;

constexpr const char* kDim = "\033[2m";
constexpr const char* kBold = "\033[1m";
constexpr const char* kRed = "\033[31m";
constexpr const char* kGreen = "\033[32m";
constexpr const char* kCyan = "\033[36m";
constexpr const char* kReset = "\033[0m";

struct Piece {
  std::string text;
  const char* colour;  // "" for none
  int rank;            // 0 stays; the higher the sooner it goes
};

using Pieces = std::vector<Piece>;

std::string padded(const std::string& text, int width) {
  const int missing = width - internal::display_width(text);
  return std::string(static_cast<size_t>(std::max(missing, 0)), ' ') + text;
}

std::string epoch_text(int64_t epoch, int64_t epochs) {
  const std::string total = std::to_string(epochs);
  return "epoch " + padded(std::to_string(epoch), static_cast<int>(total.size())) + "/" + total;
}

int width_of(const Pieces& pieces) {
  int width = 0;
  for (const Piece& piece : pieces) {
    width += internal::display_width(piece.text) + (width > 0 ? 2 : 0);
  }
  return width;
}

// Leaves out pieces until the rest fits. Only pieces of rank 0 may remain too wide.
void drop_until_fits(Pieces& pieces, int width) {
  while (width_of(pieces) > width) {
    const auto last =
        std::max_element(pieces.begin(), pieces.end(),
                         [](const Piece& a, const Piece& b) { return a.rank < b.rank; });
    if (last == pieces.end() || last->rank == 0) return;
    pieces.erase(last);
  }
}

std::string painted(std::string_view text, const char* colour, bool use_colour) {
  if (!use_colour || colour[0] == '\0' || text.empty()) return std::string(text);
  return std::string(colour) + std::string(text) + kReset;
}

std::string joined(const Pieces& pieces, const LineStyle& style) {
  if (width_of(pieces) > style.width) {  // nothing is left to drop: cut, without colours
    std::string text;
    for (const Piece& piece : pieces) text += (text.empty() ? "" : "  ") + piece.text;
    while (internal::display_width(text) > style.width && !text.empty()) text.pop_back();
    return text;
  }
  std::string line;
  for (const Piece& piece : pieces) {
    line += (line.empty() ? "" : "  ") + painted(piece.text, piece.colour, style.colour);
  }
  return line;
}

double fraction_done(const ProgressState& state) {
  if (state.steps <= 0) return 0;
  const double fraction = static_cast<double>(state.step) / static_cast<double>(state.steps);
  return std::clamp(fraction, 0.0, 1.0);
}

// A bar of `width` columns. Unicode: half columns count, and the rest is a thin line.
std::string bar(double fraction, int width, const LineStyle& style) {
  const auto repeat = [](const char* part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
  };
  if (!style.unicode) {
    const int inside = width - 2;
    const int full = static_cast<int>(fraction * inside);
    const bool head = full < inside;
    return painted("[" + repeat("=", full) + (head ? ">" : ""), kCyan, style.colour) +
           repeat(" ", inside - full - (head ? 1 : 0)) + painted("]", kCyan, style.colour);
  }
  const int halves = static_cast<int>(fraction * 2 * width);
  const int full = halves / 2;
  const bool half = halves % 2 == 1;
  return painted(repeat("━", full) + (half ? "╸" : ""), kCyan, style.colour) +
         painted(repeat("─", width - full - (half ? 1 : 0)), kDim, style.colour);
}

const char* loss_colour(double loss) { return std::isfinite(loss) ? "" : kRed; }

}  // namespace

std::string render_progress(const ProgressState& state, const LineStyle& style) {
  const double fraction = fraction_done(state);
  // Down to a whole per cent, so that 100 % means done.
  const auto percent = static_cast<int64_t>(100 * fraction);
  const std::string steps = std::to_string(state.steps);
  Pieces pieces{
      {epoch_text(state.epoch, state.epochs), kBold, 0},
      {padded(std::to_string(percent), 3) + " %", "", 3},
      {"step " + padded(std::to_string(state.step), static_cast<int>(steps.size())) + "/" + steps,
       kDim, 4}};
  if (state.samples_per_second > 0) {
    pieces.push_back({format_rate(state.samples_per_second) + " samples/s", kDim, 2});
  }
  if (state.has_loss) {
    pieces.push_back({"loss " + format_loss(state.loss), loss_colour(state.loss), 0});
  }
  if (state.seconds_left >= 0) {
    pieces.push_back({"ETA " + format_clock(state.seconds_left), "", 1});
  }
  // The count of steps says the same as the bar, less well: it is the only piece that yields to it.
  const auto steps_piece = pieces.begin() + 2;
  if (width_of(pieces) + 2 + kMinBar > style.width) pieces.erase(steps_piece);
  drop_until_fits(pieces, style.width);

  const int left_over = style.width - width_of(pieces) - 2;
  std::string line = joined(pieces, style);
  if (left_over < kMinBar) return line;
  const std::string first = painted(pieces.front().text, pieces.front().colour, style.colour);
  return first + "  " + bar(fraction, std::min(left_over, kMaxBar), style) +
         line.substr(first.size());
}

std::string render_epoch(const EpochSummary& summary, const LineStyle& style) {
  Pieces pieces{{epoch_text(summary.epoch, summary.epochs), kBold, 0},
                {"loss " + format_loss(summary.train_loss), loss_colour(summary.train_loss), 0}};
  if (summary.tested) {
    pieces.push_back(
        {"test loss " + format_loss(summary.test_loss), loss_colour(summary.test_loss), 3});
    pieces.push_back(
        {"test accuracy " + padded(format_percent(summary.test_accuracy), 8), kGreen, 1});
  }
  pieces.push_back({format_seconds(summary.seconds), kDim, 2});
  if (summary.samples_per_second > 0) {
    pieces.push_back({format_rate(summary.samples_per_second) + " samples/s", kDim, 4});
  }
  drop_until_fits(pieces, style.width);
  return joined(pieces, style);
}

Progress::Progress(const ProgressOptions& options) : options_(options) {
  if (options.epochs < 1 || options.steps_per_epoch < 1) {
    throw ValueError("Progress: epochs and steps_per_epoch must be at least 1, got " +
                     std::to_string(options.epochs) + " and " +
                     std::to_string(options.steps_per_epoch));
  }
  if (options_.clock == nullptr) options_.clock = monotonic_seconds;
  state_.epochs = options.epochs;
  state_.steps = options.steps_per_epoch;
  start_ = epoch_start_ = last_step_ = last_show_ = options_.clock();
}

Progress::~Progress() { clear(); }

double Progress::seconds() const { return options_.clock() - start_; }

LineStyle Progress::style() const {
  const Terminal& terminal = options_.terminal;
  // A log file has no width. On a terminal the last column stays free: some wrap when it is filled.
  constexpr int kNoLimit = 1000;
  const int width = terminal.interactive ? std::max(terminal_width(terminal) - 1, 1) : kNoLimit;
  return {width, terminal.colour, terminal.unicode};
}

void Progress::begin_epoch(int64_t epoch, int64_t first_step) {
  state_.epoch = epoch;
  state_.step = first_step;
  epoch_samples_ = 0;
  epoch_step_seconds_ = 0;
  epoch_start_ = last_step_ = options_.clock();
}

void Progress::step(int64_t samples) {
  const double now = options_.clock();
  const double took = now - last_step_;
  last_step_ = now;
  ++state_.step;
  ++steps_done_;
  epoch_samples_ += samples;
  epoch_step_seconds_ += took;

  const double fade = std::exp(-took / kRateMemorySeconds);
  recent_samples_ = fade * recent_samples_ + static_cast<double>(samples);
  recent_seconds_ = fade * recent_seconds_ + took;
  if (recent_seconds_ > 0) state_.samples_per_second = recent_samples_ / recent_seconds_;

  // Over the whole run, so that the time spent on testing has its share.
  const int64_t steps_left = (state_.epochs - state_.epoch) * state_.steps +
                             std::max<int64_t>(state_.steps - state_.step, 0);
  state_.seconds_left =
      (now - start_) / static_cast<double>(steps_done_) * static_cast<double>(steps_left);
}

bool Progress::due() const {
  const double pause = options_.terminal.interactive ? kRedrawSeconds : kPlainLineSeconds;
  return options_.clock() - last_show_ >= pause;
}

void Progress::show(double running_loss) {
  state_.has_loss = true;
  state_.loss = running_loss;
  last_show_ = options_.clock();
  const int fd = options_.terminal.fd;
  const std::string line = render_progress(state_, style());
  if (!options_.terminal.interactive) {
    write_text(fd, line + "\n");
    return;
  }
  internal::set_live_line(fd);
  on_screen_ = true;
  // Erasing after writing, not before, keeps the line from flickering.
  write_text(fd, "\r" + line + "\033[K");
}

void Progress::end_epoch(double train_loss) {
  EpochSummary summary;
  summary.train_loss = train_loss;
  finish_epoch(summary);
}

void Progress::end_epoch(double train_loss, double test_loss, double test_accuracy) {
  EpochSummary summary;
  summary.train_loss = train_loss;
  summary.tested = true;
  summary.test_loss = test_loss;
  summary.test_accuracy = test_accuracy;
  finish_epoch(summary);
}

void Progress::finish_epoch(EpochSummary summary) {
  last_show_ = options_.clock();
  summary.epoch = state_.epoch;
  summary.epochs = state_.epochs;
  summary.seconds = last_show_ - epoch_start_;
  if (epoch_step_seconds_ > 0) {
    summary.samples_per_second = static_cast<double>(epoch_samples_) / epoch_step_seconds_;
  }
  message(render_epoch(summary, style()));
}

void Progress::message(std::string_view text) {
  clear();
  write_text(options_.terminal.fd, std::string(text) + "\n");
}

void Progress::clear() {
  if (!on_screen_) return;
  on_screen_ = false;
  internal::set_live_line(-1);
  write_text(options_.terminal.fd, internal::kClearLine);
}

}  // namespace entasis::train
