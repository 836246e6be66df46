// The IDX parser on good files and on each kind of bad one, plain and gzip, and MNIST's loader.
// Real MNIST is read where ENTASIS_TEST_DATA or ../shared/data has it.
#include <entasis/data/idx.h>

#include <array>
#include <numeric>

#include <gtest/gtest.h>

#include <entasis/core/error.h>

#include "gzip_for_test.h"

namespace entasis::data {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes header(uint8_t code, const std::vector<uint32_t>& shape) {
  Bytes bytes{0, 0, code, static_cast<uint8_t>(shape.size())};
  for (const uint32_t size : shape) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<uint8_t>(size >> shift));
  }
  return bytes;
}

// An array of the given shape whose values count up.
Bytes idx(const std::vector<uint32_t>& shape) {
  Bytes bytes = header(0x08, shape);
  uint32_t product = 1;
  for (const uint32_t size : shape) product *= size;
  for (uint32_t i = 0; i < product; ++i) bytes.push_back(static_cast<uint8_t>(i));
  return bytes;
}

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Expects the same complaint about the bytes themselves and about their gzip form.
void expect_bad(const Bytes& bytes, const std::string& message) {
  EXPECT_IO_ERROR(parse_idx(bytes, "some/file"), "some/file: " + message);
  EXPECT_IO_ERROR(parse_idx(gzip(bytes), "some/file"), "some/file: " + message);
}

TEST(Idx, ReadsOneToFourDimensions) {
  for (const std::vector<uint32_t>& shape :
       {std::vector<uint32_t>{7}, {3, 4}, {2, 3, 5}, {2, 3, 2, 4}}) {
    const Bytes bytes = idx(shape);
    for (const Bytes& form : {bytes, gzip(bytes)}) {
      const IdxArray array = parse_idx(form, "file");
      EXPECT_EQ(array.shape, std::vector<int64_t>(shape.begin(), shape.end()));
      EXPECT_EQ(array.values,
                Bytes(bytes.begin() + 4 + 4 * static_cast<long>(shape.size()), bytes.end()));
    }
  }
}

TEST(Idx, ReadsBigEndianSizes) {
  EXPECT_EQ(parse_idx(idx({0x010203}), "file").shape, std::vector<int64_t>{0x010203});
}

TEST(Idx, ReadsEmptyArray) {
  const IdxArray array = parse_idx(idx({0, 28, 28}), "file");
  EXPECT_EQ(array.shape, (std::vector<int64_t>{0, 28, 28}));
  EXPECT_TRUE(array.values.empty());
}

TEST(Idx, JoinsGzipMembers) {
  const Bytes bytes = idx({300});
  const auto middle = bytes.begin() + 100;
  const Bytes members =
      joined(gzip(Bytes(bytes.begin(), middle)), gzip(Bytes(middle, bytes.end())));
  EXPECT_EQ(parse_idx(members, "file").values, parse_idx(bytes, "file").values);
}

TEST(Idx, RefusesWrongMagic) {
  expect_bad({0x50, 0x4b, 0x03, 0x04, 0, 0, 0, 0},
             "not an IDX file: expected a magic number 00 00 08 0n, found 50 4b 03 04");
  expect_bad({0, 1, 8, 1, 0, 0, 0, 0}, "not an IDX file");
}

TEST(Idx, RefusesOtherElementTypesByName) {
  const std::array<std::pair<uint8_t, const char*>, 5> types{
      {{0x09, "i8"}, {0x0b, "i16"}, {0x0c, "i32"}, {0x0d, "f32"}, {0x0e, "f64"}}};
  for (const auto& [code, name] : types) {
    expect_bad(header(code, {1}), "IDX elements of type " + std::string(name) + " (code 0x");
  }
  expect_bad(header(0x0a, {1}),
             "IDX elements of an unknown type (code 0x0a) are not supported, expected u8");
}

TEST(Idx, RefusesNumbersOfDimensions) {
  expect_bad(header(0x08, {}), "IDX array has 0 dimensions, expected 1 to 4");
  expect_bad(header(0x08, {1, 1, 1, 1, 1}), "IDX array has 5 dimensions, expected 1 to 4");
}

TEST(Idx, RefusesCutOffHeader) {
  expect_bad({}, "IDX header is cut off: expected 4 bytes, found 0");
  expect_bad({0, 0, 8}, "IDX header is cut off: expected 4 bytes, found 3");
  expect_bad({0, 0, 8, 2, 0, 0, 0, 1, 0}, "IDX header is cut off: expected 12 bytes, found 9");
}

TEST(Idx, RefusesCutOffData) {
  Bytes bytes = idx({2, 3});
  bytes.pop_back();
  expect_bad(bytes, "file is cut off: IDX sizes [2, 3] need 18 bytes, found 17");
}

TEST(Idx, RefusesTrailingBytes) {
  Bytes bytes = idx({2, 3});
  bytes.push_back(0);
  EXPECT_IO_ERROR(parse_idx(bytes, "f"),
                  "f: trailing bytes after the data: IDX sizes [2, 3] need 18 bytes, found 19");
  EXPECT_IO_ERROR(parse_idx(gzip(bytes), "f"),
                  "f: trailing bytes after the data: IDX sizes [2, 3] need 18 bytes, found more");
}

TEST(Idx, RefusesAbsurdSizes) {
  expect_bad(header(0x08, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}),
             "IDX sizes [4294967295, 4294967295, 4294967295, 4294967295] are over the limit");
  expect_bad(header(0x08, {65536, 65537}),
             "IDX sizes [65536, 65537] are over the limit of 4294967296 bytes");
  // The product is 0, but no such file makes sense.
  expect_bad(header(0x08, {0, 0xffffffff, 0xffffffff}),
             "IDX sizes [0, 4294967295, 4294967295] are over the limit");
}

TEST(Idx, TakesNoMemoryOnAGzipFilesWord) {
  // 60 bytes that claim 2 GiB: refused before anything is allocated.
  EXPECT_IO_ERROR(parse_idx(gzip(header(0x08, {0x80000000})), "f"),
                  "need 2147483656 bytes, found at most ");
}

TEST(Idx, StopsAtAGzipBomb) {
  // A small array followed by 64 MiB of zeros in a small file.
  Bytes bytes = idx({10});
  bytes.resize(bytes.size() + (size_t{1} << 26));
  EXPECT_IO_ERROR(parse_idx(gzip(bytes), "f"), "trailing bytes after the data");
}

TEST(Idx, RefusesDamagedGzip) {
  const Bytes good = gzip(idx({1000}));
  for (size_t size = 2; size < good.size(); ++size) {
    EXPECT_THROW(parse_idx(std::span(good).first(size), "f"), IoError) << size;
  }
  EXPECT_IO_ERROR(parse_idx(std::span(good).first(good.size() - 1), "f"),
                  "f: gzip data is cut off after 1008 inflated bytes");
  Bytes wrong_checksum = good;
  wrong_checksum[wrong_checksum.size() - 8] ^= 1;
  EXPECT_IO_ERROR(parse_idx(wrong_checksum, "f"), "f: damaged gzip data after 1008 inflated bytes");
  EXPECT_IO_ERROR(parse_idx(joined(good, {1, 2, 3}), "f"),
                  "f: 3 trailing bytes after the gzip data");
}

TEST(Idx, DamagedBytesNeverGetPast) {
  // A flipped bit in the deflate data or the checksum is found, or it was one that means nothing
  // (the padding after the last code) and the values are unchanged.
  const Bytes good = gzip(idx({50}));
  const IdxArray expected = parse_idx(good, "f");
  int found = 0;
  for (size_t i = 10; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[i] ^= static_cast<uint8_t>(1 << bit);
      try {
        EXPECT_EQ(parse_idx(bad, "f").values, expected.values) << "byte " << i << ", bit " << bit;
      } catch (const IoError&) {
        ++found;
      }
    }
  }
  EXPECT_GE(found, static_cast<int>(8 * (good.size() - 11)));
}

TEST(Idx, ReadsFilesByContentNotByName) {
  const TemporaryFolder folder;
  write_file(folder / "plain.gz", idx({5}));
  write_file(folder / "zipped", gzip(idx({5})));
  EXPECT_EQ(read_idx(folder / "plain.gz").values, read_idx(folder / "zipped").values);
}

TEST(Idx, NamesMissingFilesAndFolders) {
  const TemporaryFolder folder;
  EXPECT_IO_ERROR(read_idx(folder / "none"), "/none: cannot read: No such file or directory");
  EXPECT_IO_ERROR(read_idx(folder.path()), ": is a folder, expected a file");
  EXPECT_IO_ERROR(read_idx("/dev/null"), "/dev/null: is not a regular file");
}

// Four small files in MNIST's shape, to be spoilt one at a time.
class Mnist : public ::testing::Test {
 protected:
  void SetUp() override {
    write_file(folder_ / "train-images-idx3-ubyte", idx({6, 4, 5}));
    write_file(folder_ / "train-labels-idx1-ubyte", idx({6}));
    write_file(folder_ / "t10k-images-idx3-ubyte", idx({3, 4, 5}));
    write_file(folder_ / "t10k-labels-idx1-ubyte", idx({3}));
  }

  void expect_bad(const std::string& message) {
    EXPECT_IO_ERROR(load_mnist(folder_.path()), message);
  }

  TemporaryFolder folder_;
};

TEST_F(Mnist, Loads) {
  const ImageSplit split = load_mnist(folder_.path());
  EXPECT_EQ(split.train.count, 6);
  EXPECT_EQ(split.train.channels, 1);
  EXPECT_EQ(split.train.height, 4);
  EXPECT_EQ(split.train.width, 5);
  EXPECT_EQ(split.train.max_value, 255);
  EXPECT_EQ(split.train.pixels.size(), 120U);
  EXPECT_EQ(split.train.labels, (Bytes{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(split.test.count, 3);
  EXPECT_EQ(split.test.labels, (Bytes{0, 1, 2}));
}

TEST_F(Mnist, FindsOtherSpellings) {
  std::filesystem::remove(folder_ / "train-images-idx3-ubyte");
  std::filesystem::remove(folder_ / "t10k-labels-idx1-ubyte");
  write_file(folder_ / "train-images.idx3-ubyte", idx({6, 4, 5}));
  write_file(folder_ / "t10k-labels.idx1-ubyte.gz", gzip(idx({3})));
  EXPECT_EQ(load_mnist(folder_.path()).test.labels, (Bytes{0, 1, 2}));
}

TEST_F(Mnist, NamesWhatIsMissing) {
  std::filesystem::remove(folder_ / "t10k-images-idx3-ubyte");
  expect_bad(": no file t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz");
  EXPECT_IO_ERROR(load_mnist(folder_ / "none"), "/none: no such folder");
  EXPECT_IO_ERROR(load_mnist(folder_ / "train-images-idx3-ubyte"), ": is not a folder");
}

TEST_F(Mnist, RefusesLabelOutOfRange) {
  Bytes labels = idx({6});
  labels[8 + 5] = 17;
  write_file(folder_ / "train-labels-idx1-ubyte", labels);
  expect_bad("label out of range: 17 at position 5 in " + (folder_ / "train-labels-idx1-ubyte"));
}

TEST_F(Mnist, RefusesDifferentCounts) {
  write_file(folder_ / "train-labels-idx1-ubyte", idx({7}));
  expect_bad("train-labels-idx1-ubyte: 7 labels for 6 images in ");
}

TEST_F(Mnist, RefusesWrongRanks) {
  write_file(folder_ / "t10k-images-idx3-ubyte", idx({3, 20}));
  expect_bad("expected images [count, height, width], found shape [3, 20]");
  write_file(folder_ / "t10k-images-idx3-ubyte", idx({3, 4, 5}));
  write_file(folder_ / "t10k-labels-idx1-ubyte", idx({3, 1}));
  expect_bad("expected labels [count], found shape [3, 1]");
}

TEST_F(Mnist, RefusesDifferentImageSizes) {
  write_file(folder_ / "t10k-images-idx3-ubyte", idx({3, 5, 5}));
  expect_bad("training images are 4x5, test images 5x5");
}

TEST_F(Mnist, RefusesNoImages) {
  write_file(folder_ / "t10k-images-idx3-ubyte", idx({0, 4, 5}));
  write_file(folder_ / "t10k-labels-idx1-ubyte", idx({0}));
  expect_bad("t10k-images-idx3-ubyte: no images: shape [0, 4, 5]");
}

TEST(RealMnist, Loads) {
  const std::string data = test_data_folder();
  if (data.empty()) GTEST_SKIP() << "no real data: set ENTASIS_TEST_DATA";
  const ImageSplit split = load_mnist(data + "/mnist");
  EXPECT_EQ(split.train.count, 60000);
  EXPECT_EQ(split.test.count, 10000);
  EXPECT_EQ(split.train.height, 28);
  EXPECT_EQ(split.train.width, 28);
  // Well-known facts: the first labels, and the mean pixel 0.1307 that everyone normalises with.
  EXPECT_EQ(Bytes(split.train.labels.begin(), split.train.labels.begin() + 5),
            (Bytes{5, 0, 4, 1, 9}));
  EXPECT_EQ(Bytes(split.test.labels.begin(), split.test.labels.begin() + 5),
            (Bytes{7, 2, 1, 0, 4}));
  const auto sum =
      std::accumulate(split.train.pixels.begin(), split.train.pixels.end(), int64_t{0});
  EXPECT_NEAR(static_cast<double>(sum) / (255.0 * 60000 * 784), 0.1307, 5e-5);
}

}  // namespace
}  // namespace entasis::data
