// The UCI digits: the shipped file, the split, and each kind of damage.
// Damaged files are made here, in memory, both plain and as gzip data.
#include <entasis/data/digits.h>

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include <entasis/core/error.h>

#include "gzip_for_test.h"

namespace entasis::data {
namespace {

std::string shipped_file() {
  return std::string(ENTASIS_SOURCE_DIR) + "/examples/data/digits.csv.gz";
}

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// One row: `first` as its first pixel, 0 elsewhere, and a label.
std::string row(const std::string& first, const std::string& label) {
  std::string text = first;
  for (int i = 1; i < 64; ++i) text += ",0";
  return text + "," + label + "\n";
}

// A whole file of rows whose labels run 0, 1, ..., 9, 0, ... and whose first pixel is row % 17.
std::string file() {
  std::string text;
  for (int i = 0; i < kDigitsCount; ++i)
    text += row(std::to_string(i % 17), std::to_string(i % 10));
  return text;
}

void expect_bad(const std::string& text, const std::string& message) {
  EXPECT_IO_ERROR(parse_digits(bytes_of(text), "d.csv"), "d.csv: " + message);
  EXPECT_IO_ERROR(parse_digits(gzip(bytes_of(text)), "d.csv"), "d.csv: " + message);
}

TEST(Digits, LoadsTheShippedFile) {
  const ImageSplit split = load_digits(shipped_file());
  EXPECT_EQ(split.train.count, 1442);
  EXPECT_EQ(split.test.count, 355);
  for (const ImageDataset* part : {&split.train, &split.test}) {
    EXPECT_EQ(part->channels, 1);
    EXPECT_EQ(part->height, 8);
    EXPECT_EQ(part->width, 8);
    EXPECT_EQ(part->max_value, 16);
    EXPECT_EQ(part->pixels.size(), static_cast<size_t>(part->count) * 64);
    EXPECT_EQ(part->labels.size(), static_cast<size_t>(part->count));
    EXPECT_EQ(*std::max_element(part->pixels.begin(), part->pixels.end()), 16);
    for (int label = 0; label < 10; ++label) {
      const auto share =
          static_cast<double>(std::count(part->labels.begin(), part->labels.end(), label));
      EXPECT_NEAR(share / static_cast<double>(part->count), 0.1, 0.005) << label;
    }
  }
  // The first image of the file is a zero and begins 0, 0, 5, 13.
  EXPECT_EQ(split.train.labels[0], 0);
  EXPECT_EQ(split.train.pixels[2], 5);
  EXPECT_EQ(split.train.pixels[3], 13);
  const auto sum = [](const ImageDataset& part) {
    return std::accumulate(part.pixels.begin(), part.pixels.end(), int64_t{0});
  };
  EXPECT_EQ(sum(split.train) + sum(split.test), 561718);
}

TEST(Digits, EveryFifthImageOfAClassIsATestImage) {
  const ImageSplit split = parse_digits(bytes_of(file()), "d.csv");
  // Labels repeat every 10 rows, so the fifth row of class 0 is row 40, of class 1 row 41, ...
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(split.test.labels[static_cast<size_t>(i)], i);
    EXPECT_EQ(split.test.pixels[static_cast<size_t>(64 * i)], (40 + i) % 17);
  }
}

TEST(Digits, AcceptsCarriageReturnsAndNoFinalNewline) {
  std::string text;
  for (const char c : file()) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  text.resize(text.size() - 2);
  EXPECT_EQ(parse_digits(bytes_of(text), "d").train.pixels,
            parse_digits(bytes_of(file()), "d").train.pixels);
}

TEST(Digits, RefusesValuesOutOfRange) {
  expect_bad(row("16", "9") + row("17", "0"),
             "line 2: pixel out of range: 17 in column 1, expected 0 to 16");
  expect_bad(row("0", "10"), "line 1: label out of range: 10 in column 65, expected 0 to 9");
  expect_bad(row("256", "0"), "line 1: pixel out of range: 256 in column 1, expected 0 to 16");
}

TEST(Digits, RefusesWhatIsNotANumber) {
  expect_bad(row("x", "0"), "line 1: expected a whole number in column 1, found 'x'");
  expect_bad(row("-1", "0"), "line 1: expected a whole number in column 1, found '-1'");
  expect_bad(row("1.5", "0"), "line 1: expected a whole number in column 1, found '1.5'");
  expect_bad(row("", "0"), "line 1: expected a whole number in column 1, found nothing");
  expect_bad(row("99999999999999999999999", "0"),
             "line 1: expected a whole number in column 1, found '99999999999999999999...'");
  expect_bad(row("\x01\xff", "0"), "line 1: expected a whole number in column 1, found '?\?'");
}

TEST(Digits, RefusesWrongNumbersOfColumnsAndRows) {
  expect_bad("1,2,3\n", "line 1: expected 65 values, found 3");
  expect_bad("\n", "line 1: expected a whole number in column 1, found nothing");
  std::string wide = row("0", "0");
  wide.insert(wide.size() - 1, ",0");
  expect_bad(wide, "line 1: expected 65 values, found 66");
  expect_bad("", "expected 1797 rows, found 0");
  expect_bad(row("0", "0"), "expected 1797 rows, found 1");
  expect_bad(file() + row("0", "0"), "expected 1797 rows, found 1798");
}

TEST(Digits, RefusesACutOffFile) {
  const std::string text = file();
  expect_bad(text.substr(0, text.size() - 2), "line 1797: expected a whole number in column 65");
  const std::vector<uint8_t> zipped = gzip(bytes_of(text));
  EXPECT_IO_ERROR(parse_digits(std::span(zipped).first(zipped.size() / 2), "d.csv.gz"),
                  "d.csv.gz: gzip data is cut off");
}

TEST(Digits, StopsAtAGzipBomb) {
  const std::string text(size_t{1} << 26, '0');
  EXPECT_IO_ERROR(parse_digits(gzip(bytes_of(text)), "d.csv"), "more than the limit of 1048576");
  EXPECT_IO_ERROR(parse_digits(bytes_of(text), "d.csv"), "more than the limit of 1048576");
}

TEST(Digits, NamesAMissingFile) {
  EXPECT_IO_ERROR(load_digits("/nowhere/digits.csv.gz"),
                  "/nowhere/digits.csv.gz: cannot read: No such file or directory");
}

}  // namespace
}  // namespace entasis::data
