// Tables as boxes and as plain text.
// Whole tables are compared: alignment is what they are for.
#include <entasis/train/table.h>

#include <string>

#include <gtest/gtest.h>

#include <entasis/core/error.h>

namespace entasis::train {
namespace {

Table results() {
  Table table({{"", Align::kLeft}, {"", Align::kRight}}, "digits");
  table.add({"test accuracy", "98.31 %"});
  table.add({"time", "12.4 s"});
  return table;
}

TEST(Table, PlainText) {
  EXPECT_EQ(results().render({80, false, false}),
            "digits\n"
            "test accuracy  98.31 %\n"
            "time            12.4 s\n");
}

TEST(Table, Box) {
  EXPECT_EQ(results().render({80, false, true}),
            "digits\n"
            "╭───────────────┬─────────╮\n"
            "│ test accuracy │ 98.31 % │\n"
            "│ time          │  12.4 s │\n"
            "╰───────────────┴─────────╯\n");
}

TEST(Table, HeadRow) {
  Table table({{"epoch", Align::kRight}, {"note", Align::kLeft}});
  table.add({"1", "first"});
  table.add({"10", "best"});
  EXPECT_EQ(table.render({80, false, true}),
            "╭───────┬───────╮\n"
            "│ epoch │ note  │\n"
            "├───────┼───────┤\n"
            "│     1 │ first │\n"
            "│    10 │ best  │\n"
            "╰───────┴───────╯\n");
  EXPECT_EQ(table.render({80, false, false}),
            "epoch  note\n"
            "-----  -----\n"
            "    1  first\n"
            "   10  best\n");
}

TEST(Table, ColourChangesNothingButColour) {
  std::string text = results().render({80, true, true});
  EXPECT_NE(text.find("\033["), std::string::npos);
  for (size_t at = text.find('\033'); at != std::string::npos; at = text.find('\033')) {
    text.erase(at, text.find('m', at) + 1 - at);
  }
  EXPECT_EQ(text, results().render({80, false, true}));
}

TEST(Table, AlignsWhatIsNotAscii) {
  Table table({{"", Align::kLeft}, {"", Align::kLeft}});
  table.add({"naïve", "x"});       // one column a letter
  table.add({"日本", "x"});        // two columns a sign
  table.add({"e\xcc\x81t", "x"});  // a combining accent
  EXPECT_EQ(table.render({80, false, true}),
            "╭───────┬───╮\n"
            "│ naïve │ x │\n"
            "│ 日本  │ x │\n"
            "│ e\xcc\x81t    │ x │\n"
            "╰───────┴───╯\n");
}

TEST(Table, LongCellsLoseTheirMiddleOnATerminalOnly) {
  const std::string path = "/home/someone/a/long/way/down/runs/digits";
  Table table({{"", Align::kLeft}, {"", Align::kLeft}});
  table.add({"run", path});
  EXPECT_EQ(table.render({30, false, true}),
            "╭─────┬──────────────────────╮\n"
            "│ run │ /home/som…uns/digits │\n"
            "╰─────┴──────────────────────╯\n");
  EXPECT_NE(table.render({30, false, false}).find(path), std::string::npos);
}

TEST(Table, CutsBetweenSigns) {
  Table table({{"", Align::kLeft}});
  table.add({"日本日本日本"});
  // Six columns: two for one sign before the mark, and one sign after it that leaves a column free.
  EXPECT_EQ(table.render({10, false, true}),
            "╭────────╮\n"
            "│ 日…本  │\n"
            "╰────────╯\n");
}

TEST(Table, ControlSignsAndBrokenTextCannotReachTheTerminal) {
  Table table({{"", Align::kLeft}}, "a\033[2Jb");
  table.add({"x\ny\x80\xff"});
  EXPECT_EQ(table.render({80, false, false}), "a?[2Jb\nx?y?\?\n");
}

TEST(Table, RefusesRowsOfAnotherLength) {
  Table table({{"a", Align::kLeft}, {"b", Align::kLeft}});
  EXPECT_THROW(table.add({"1"}), ValueError);
  EXPECT_THROW(Table({}), ValueError);
}

}  // namespace
}  // namespace entasis::train
