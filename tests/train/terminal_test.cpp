// What is decided about a terminal from the environment, and Ctrl-C.
// Signals are raised in this process; the one that kills is raised in a child.
#include <entasis/train/terminal.h>

#include <array>
#include <csignal>
#include <string>

#include <unistd.h>
#include <gtest/gtest.h>

#include <entasis/core/error.h>
#include <entasis/train/interrupt.h>
#include <entasis/train/progress.h>

namespace entasis::train {
namespace {

TEST(Terminal, PlainWhenNotATerminal) {
  const Terminal terminal = decide_terminal(1, false, {.term = "xterm-256color"});
  EXPECT_FALSE(terminal.interactive);
  EXPECT_FALSE(terminal.colour);
  EXPECT_FALSE(terminal.unicode);
}

TEST(Terminal, EverythingOnAnOrdinaryTerminal) {
  const Terminal terminal = decide_terminal(2, true, {.term = "xterm", .lang = "en_GB.UTF-8"});
  EXPECT_EQ(terminal.fd, 2);
  EXPECT_TRUE(terminal.interactive);
  EXPECT_TRUE(terminal.colour);
  EXPECT_TRUE(terminal.unicode);
}

TEST(Terminal, DumbTerminal) {
  const Terminal terminal = decide_terminal(2, true, {.term = "dumb"});
  EXPECT_FALSE(terminal.interactive);
  EXPECT_FALSE(terminal.colour);
}

TEST(Terminal, NoColor) {
  EXPECT_FALSE(decide_terminal(2, true, {.term = "xterm", .no_color = "1"}).colour);
  EXPECT_TRUE(decide_terminal(2, true, {.term = "xterm", .no_color = "1"}).interactive);
  EXPECT_TRUE(decide_terminal(2, true, {.term = "xterm", .no_color = ""}).colour);
}

TEST(Terminal, LocaleDecidesOnUnicode) {
  const auto unicode = [](TerminalEnvironment environment) {
    environment.term = "xterm";
    return decide_terminal(2, true, environment).unicode;
  };
  EXPECT_TRUE(unicode({}));
  EXPECT_TRUE(unicode({.lang = "C.utf8"}));
  EXPECT_FALSE(unicode({.lang = "C"}));
  EXPECT_FALSE(unicode({.lc_all = "POSIX", .lang = "de_DE.UTF-8"}));
  EXPECT_TRUE(unicode({.lc_all = "", .lc_ctype = "en_US.UTF-8", .lang = "C"}));
}

TEST(Terminal, WidthIsTheGivenOneOrEighty) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  Terminal terminal;
  terminal.fd = ends[1];
  EXPECT_EQ(terminal_width(terminal), 80);
  terminal.width = 33;
  EXPECT_EQ(terminal_width(terminal), 33);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Interrupt, FirstSignalIsARequest) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const InterruptGuard guard;
    EXPECT_FALSE(InterruptGuard::requested());
    std::raise(signal);
    EXPECT_TRUE(InterruptGuard::requested());
    EXPECT_EQ(InterruptGuard::signal(), signal);
  }
  EXPECT_FALSE(InterruptGuard::requested());
}

TEST(Interrupt, HandlersAreRestored) {
  auto* const before = std::signal(SIGINT, SIG_IGN);
  {
    const InterruptGuard guard;
    std::raise(SIGINT);  // ignored before, ignored now
    EXPECT_FALSE(InterruptGuard::requested());
  }
  EXPECT_EQ(std::signal(SIGINT, before), SIG_IGN);
}

TEST(Interrupt, OnlyOneGuard) {
  const InterruptGuard guard;
  EXPECT_THROW(InterruptGuard(), ValueError);
}

TEST(InterruptDeathTest, SecondSignalEndsTheProcessAndWipesTheLine) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto interrupted_twice = [] {
    const InterruptGuard guard;
    Terminal terminal;
    terminal.fd = 2;
    terminal.interactive = true;
    Progress progress({.epochs = 1, .steps_per_epoch = 2, .terminal = terminal});
    progress.begin_epoch(1);
    progress.step(1);
    progress.show(0.5);
    std::raise(SIGINT);
    std::raise(SIGINT);
  };
  EXPECT_EXIT(interrupted_twice(), ::testing::KilledBySignal(SIGINT),
              "loss 0.5000.*\033\\[K\r\033\\[K$");
}

}  // namespace
}  // namespace entasis::train
