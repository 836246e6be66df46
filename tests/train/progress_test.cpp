// The progress line: what it says at each width, and what is left on screen.
// Time comes from a fake clock, and a small interpreter of escape codes stands in for the terminal.
#include <entasis/train/progress.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>
#include <gtest/gtest.h>

#include <entasis/core/error.h>

namespace entasis::train {
namespace {

double now = 0;
double fake_clock() { return now; }

// Takes escape sequences out and counts code points: every sign in these lines is one column wide.
int columns(const std::string& line) {
  int count = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\033') {
      i = line.find('m', i);
    } else if ((static_cast<unsigned char>(line[i]) & 0xC0U) != 0x80) {
      ++count;
    }
  }
  return count;
}

ProgressState middle() {
  ProgressState state;
  state.epoch = 3;
  state.epochs = 20;
  state.step = 14;
  state.steps = 23;
  state.samples_per_second = 12345;
  state.seconds_left = 72;
  state.has_loss = true;
  state.loss = 0.1234;
  return state;
}

TEST(RenderProgress, WholeLine) {
  EXPECT_EQ(render_progress(middle(), {100, false, false}),
            "epoch  3/20  [===============>         ]   60 %  step 14/23  12,345 samples/s  loss "
            "0.1234  ETA 1:12");
  EXPECT_EQ(render_progress(middle(), {100, false, true}),
            "epoch  3/20  ━━━━━━━━━━━━━━━━───────────   60 %  step 14/23  12,345 samples/s  loss "
            "0.1234  ETA 1:12");
}

TEST(RenderProgress, NarrowLinesKeepWhatMatters) {
  EXPECT_EQ(render_progress(middle(), {60, false, false}),
            "epoch  3/20   60 %  12,345 samples/s  loss 0.1234  ETA 1:12");
  EXPECT_EQ(render_progress(middle(), {35, false, false}), "epoch  3/20  loss 0.1234  ETA 1:12");
  EXPECT_EQ(render_progress(middle(), {24, false, false}), "epoch  3/20  loss 0.1234");
  EXPECT_EQ(render_progress(middle(), {5, false, false}), "epoch");
}

TEST(RenderProgress, NeverWiderThanTheTerminal) {
  ProgressState huge = middle();
  huge.epochs = 1000000000;
  huge.steps = 1000000000000;
  huge.samples_per_second = 1e12;
  huge.seconds_left = 1e12;
  huge.loss = -1e300;
  for (const ProgressState& state : {ProgressState{}, middle(), huge}) {
    for (int width = 0; width < 200; ++width) {
      for (const bool colour : {false, true}) {
        for (const bool unicode : {false, true}) {
          const std::string line = render_progress(state, {width, colour, unicode});
          ASSERT_LE(columns(line), width) << line;
        }
      }
    }
  }
}

TEST(RenderProgress, ColourChangesNothingButColour) {
  std::string line = render_progress(middle(), {100, true, true});
  EXPECT_NE(line.find("\033["), std::string::npos);
  for (size_t at = line.find('\033'); at != std::string::npos; at = line.find('\033')) {
    line.erase(at, line.find('m', at) + 1 - at);
  }
  EXPECT_EQ(line, render_progress(middle(), {100, false, true}));
}

TEST(RenderProgress, LeavesOutWhatIsNotKnown) {
  ProgressState state;
  state.epochs = 5;
  state.steps = 10;
  EXPECT_EQ(render_progress(state, {50, false, false}),
            "epoch 1/5  [>                 ]    0 %  step  0/10");
}

TEST(RenderProgress, NanIsRed) {
  ProgressState state = middle();
  state.loss = NAN;
  EXPECT_NE(render_progress(state, {100, true, true}).find("\033[31mloss nan"), std::string::npos);
}

TEST(RenderProgress, FullBarOnlyAtTheEnd) {
  ProgressState state;
  state.steps = 1000;
  state.step = 999;
  EXPECT_NE(render_progress(state, {60, false, false}).find(">]   99 %"), std::string::npos);
  state.step = 1000;
  EXPECT_NE(render_progress(state, {60, false, false}).find("==]  100 %"), std::string::npos);
}

TEST(RenderEpoch, Lines) {
  EpochSummary summary{3, 20, 1.234, 12345, 0.1234, true, 0.0912, 0.9746};
  EXPECT_EQ(render_epoch(summary, {100, false, false}),
            "epoch  3/20  loss 0.1234  test loss 0.0912  test accuracy  97.46 %  1.23 s  12,345 "
            "samples/s");
  EXPECT_EQ(render_epoch(summary, {60, false, false}),
            "epoch  3/20  loss 0.1234  test accuracy  97.46 %  1.23 s");
  summary.tested = false;
  EXPECT_EQ(render_epoch(summary, {100, false, false}),
            "epoch  3/20  loss 0.1234  1.23 s  12,345 samples/s");
}

// A file that stands in for the terminal, and what such a terminal would show in the end.
class Screen {
 public:
  Screen() : file_(std::tmpfile()) {}
  ~Screen() { std::fclose(file_); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  int fd() const { return ::fileno(file_); }

  std::string raw() const {
    std::string text(static_cast<size_t>(::lseek(fd(), 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(fd(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return text;
  }

  // Understands \r, \n and "erase to the end of the line"; for text without colours.
  std::vector<std::string> lines() const {
    std::vector<std::string> lines{""};
    size_t column = 0;
    const std::string text = raw();
    for (size_t i = 0; i < text.size(); ++i) {
      std::string& line = lines.back();
      if (text[i] == '\r') {
        column = 0;
      } else if (text[i] == '\n') {
        lines.emplace_back();
        column = 0;
      } else if (text.compare(i, 3, "\033[K") == 0) {
        line.resize(column);
        i += 2;
      } else {
        line.resize(std::max(line.size(), column + 1));
        line[column++] = text[i];
      }
    }
    return lines;
  }

 private:
  std::FILE* file_;
};

ProgressOptions options(const Screen& screen, bool interactive) {
  Terminal terminal;
  terminal.fd = screen.fd();
  terminal.interactive = interactive;
  terminal.width = 80;
  now = 100;
  return {.epochs = 2, .steps_per_epoch = 10, .terminal = terminal, .clock = fake_clock};
}

void run_epoch(Progress& progress, int64_t epoch, double seconds_a_step) {
  progress.begin_epoch(epoch);
  for (int i = 0; i < 10; ++i) {
    now += seconds_a_step;
    progress.step(64);
    if (progress.due()) progress.show(0.5);
  }
}

TEST(Progress, TerminalEndsWithTheSummariesAlone) {
  const Screen screen;
  {
    Progress progress(options(screen, true));
    run_epoch(progress, 1, 0.5);
    EXPECT_EQ(screen.lines().size(), 1U);
    EXPECT_NE(screen.lines()[0].find("epoch 1/2  ["), std::string::npos);
    progress.end_epoch(0.5, 0.4, 0.9);
    run_epoch(progress, 2, 0.5);
    progress.end_epoch(0.25);
  }
  const std::vector<std::string> expected{
      "epoch 1/2  loss 0.5000  test loss 0.4000  test accuracy  90.00 %  5.00 s",
      "epoch 2/2  loss 0.2500  5.00 s  128 samples/s", ""};
  EXPECT_EQ(screen.lines(), expected);
}

TEST(Progress, AnExceptionLeavesNoGarbage) {
  const Screen screen;
  EXPECT_THROW(
      {
        Progress progress(options(screen, true));
        run_epoch(progress, 1, 0.5);
        throw std::runtime_error("out of data");
      },
      std::runtime_error);
  EXPECT_EQ(screen.lines(), std::vector<std::string>{""});
}

TEST(Progress, MessagesStandAboveTheLine) {
  const Screen screen;
  Progress progress(options(screen, true));
  run_epoch(progress, 1, 0.5);
  progress.message("saved");
  progress.show(0.5);
  const std::vector<std::string> lines = screen.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "saved");
  EXPECT_NE(lines[1].find("loss 0.5000"), std::string::npos);
}

TEST(Progress, RedrawsTenTimesASecondAtMost) {
  const Screen screen;
  Progress progress(options(screen, true));
  progress.begin_epoch(1);
  int drawn = 0;
  for (int i = 0; i < 1000; ++i) {  // one second
    now += 0.001;
    progress.step(1);
    if (progress.due()) {
      progress.show(0.5);
      ++drawn;
    }
  }
  EXPECT_GE(drawn, 8);
  EXPECT_LE(drawn, 10);
}

TEST(Progress, PlainLinesOncePerEpoch) {
  const Screen screen;
  {
    Progress progress(options(screen, false));
    run_epoch(progress, 1, 0.5);
    progress.end_epoch(0.5, 0.4, 0.9);
  }
  EXPECT_EQ(screen.raw(),
            "epoch 1/2  loss 0.5000  test loss 0.4000  test accuracy  90.00 %  5.00 s  128 "
            "samples/s\n");
}

TEST(Progress, PlainLinesInLongEpochs) {
  const Screen screen;
  Progress progress(options(screen, false));
  run_epoch(progress, 1, 10);  // 100 seconds: lines at 30, 60 and 90
  const std::string text = screen.raw();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_NE(text.find("step  3/10  6.4 samples/s  loss 0.5000  ETA 2:50"), std::string::npos)
      << text;
}

TEST(Progress, CountsTestingTimeInTheEstimateButNotInTheRate) {
  const Screen screen;
  Progress progress(options(screen, true));
  run_epoch(progress, 1, 1);
  now += 10;  // testing takes as long as training
  progress.end_epoch(0.5, 0.4, 0.9);
  progress.begin_epoch(2);
  now += 1;
  progress.step(64);
  EXPECT_NEAR(progress.state().samples_per_second, 64, 1e-9);
  EXPECT_NEAR(progress.state().seconds_left, 21.0 / 11 * 9, 1e-9);
  EXPECT_DOUBLE_EQ(progress.seconds(), 21);
}

TEST(Progress, ResumesInMidEpoch) {
  const Screen screen;
  Progress progress(options(screen, true));
  progress.begin_epoch(2, 6);
  now += 1;
  progress.step(64);
  EXPECT_EQ(progress.state().epoch, 2);
  EXPECT_EQ(progress.state().step, 7);
  EXPECT_NEAR(progress.state().seconds_left, 3, 1e-9);
}

TEST(Progress, RefusesNonsense) {
  EXPECT_THROW(Progress({.epochs = 0, .steps_per_epoch = 1, .terminal = {}}), ValueError);
  EXPECT_THROW(Progress({.epochs = 1, .steps_per_epoch = 0, .terminal = {}}), ValueError);
}

}  // namespace
}  // namespace entasis::train
