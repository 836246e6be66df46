// The IDX parser and the loader of MNIST's four files. Every size is checked before memory is taken
// for it: a plain file must have exactly the declared length, and a gzip file must be long enough
// to hold the declared length at deflate's best ratio.
#include <entasis/data/idx.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include <sys/stat.h>

#include <entasis/core/error.h>
#include <entasis/data/internal/gzip.h>
#include <entasis/data/internal/read_file.h>

namespace entasis::data {
namespace {

using internal::GzipReader;
using internal::is_gzip;

constexpr uint8_t kCodeU8 = 0x08;
constexpr size_t kMagicBytes = 4;
constexpr size_t kMaxDims = 4;
constexpr size_t kInflateStep = size_t{1} << 24;  // how far memory may run ahead of real data
constexpr int kClasses = 10;

std::string hex(uint8_t byte) {
  std::array<char, 3> text{};
  std::snprintf(text.data(), text.size(), "%02x", byte);
  return text.data();
}

// The name of a type that the format knows, or nullptr.
const char* type_name(uint8_t code) {
  switch (code) {
    case kCodeU8:
      return "u8";
    case 0x09:
      return "i8";
    case 0x0b:
      return "i16";
    case 0x0c:
      return "i32";
    case 0x0d:
      return "f32";
    case 0x0e:
      return "f64";
    default:
      return nullptr;
  }
}

std::string to_string(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

// Where the bytes come from: a plain span or a gzip reader.
class Source {
 public:
  Source(std::span<const uint8_t> bytes) : plain_(bytes) {}
  Source(GzipReader& gzip) : gzip_(&gzip) {}

  // Fills `to` as far as the data goes and returns the number of bytes written.
  size_t read(std::span<uint8_t> to) {
    if (gzip_ != nullptr) return gzip_->read(to);
    const size_t size = std::min(to.size(), plain_.size());
    std::copy_n(plain_.begin(), size, to.begin());
    plain_ = plain_.subspan(size);
    return size;
  }

 private:
  std::span<const uint8_t> plain_;
  GzipReader* gzip_ = nullptr;
};

[[noreturn]] void fail_short_header(const std::string& name, size_t expected, size_t found) {
  throw IoError(name + ": IDX header is cut off: expected " + std::to_string(expected) +
                " bytes, found " + std::to_string(found));
}

// Reads the magic number: two zero bytes, the element type, the number of dimensions. Returns the
// last.
size_t read_magic(Source& source, const std::string& name) {
  std::array<uint8_t, kMagicBytes> magic{};
  const size_t found = source.read(magic);
  if (found < magic.size()) fail_short_header(name, magic.size(), found);
  const auto [zero0, zero1, code, dims] = magic;
  if (zero0 != 0 || zero1 != 0) {
    throw IoError(name + ": not an IDX file: expected a magic number 00 00 08 0n, found " +
                  hex(zero0) + " " + hex(zero1) + " " + hex(code) + " " + hex(dims));
  }
  if (code != kCodeU8) {
    const char* type = type_name(code);
    throw IoError(name + ": IDX elements of " +
                  (type != nullptr ? "type " + std::string(type) : "an unknown type") +
                  " (code 0x" + hex(code) + ") are not supported, expected u8 (code 0x08)");
  }
  if (dims < 1 || dims > kMaxDims) {
    throw IoError(name + ": IDX array has " + std::to_string(dims) + " dimensions, expected 1 to " +
                  std::to_string(kMaxDims));
  }
  return dims;
}

std::vector<int64_t> read_shape(Source& source, size_t dims, const std::string& name) {
  std::array<uint8_t, 4 * kMaxDims> bytes{};
  const size_t found = source.read(std::span(bytes).first(4 * dims));
  if (found < 4 * dims) fail_short_header(name, kMagicBytes + 4 * dims, kMagicBytes + found);
  std::vector<int64_t> shape(dims);
  for (size_t i = 0; i < dims; ++i) {
    const uint8_t* b = bytes.data() + 4 * i;
    shape[i] = int64_t{b[0]} << 24 | int64_t{b[1]} << 16 | int64_t{b[2]} << 8 | int64_t{b[3]};
  }
  return shape;
}

// The number of values. Both the product and each partial product stay under the limit, so that
// nothing overflows and a zero cannot hide an absurd size.
uint64_t checked_product(const std::vector<int64_t>& shape, const std::string& name) {
  uint64_t product = 1;
  for (const int64_t size : shape) {
    uint64_t next = 0;
    if (__builtin_mul_overflow(product, static_cast<uint64_t>(std::max<int64_t>(size, 1)), &next) ||
        next > kMaxIdxBytes) {
      throw IoError(name + ": IDX sizes " + to_string(shape) + " are over the limit of " +
                    std::to_string(kMaxIdxBytes) + " bytes");
    }
    product = next;
  }
  return std::find(shape.begin(), shape.end(), 0) == shape.end() ? product : 0;
}

IdxArray parse(Source source, uint64_t most_bytes, bool compressed, const std::string& name) {
  const size_t dims = read_magic(source, name);
  IdxArray array;
  array.shape = read_shape(source, dims, name);
  const uint64_t size = checked_product(array.shape, name);
  const uint64_t header = kMagicBytes + 4 * dims;
  const std::string need = "IDX sizes " + to_string(array.shape) + " need " +
                           std::to_string(header + size) + " bytes, found ";

  if (header + size > most_bytes) {
    throw IoError(name + ": file is cut off: " + need + (compressed ? "at most " : "") +
                  std::to_string(most_bytes) + (compressed ? " in this much gzip data" : ""));
  }
  array.values.reserve(size);
  while (array.values.size() < size) {
    const size_t before = array.values.size();
    const size_t step = std::min<size_t>(size - before, kInflateStep);
    array.values.resize(before + step);
    const size_t got = source.read(std::span(array.values).subspan(before, step));
    if (got < step) {
      throw IoError(name + ": file is cut off: " + need + std::to_string(header + before + got));
    }
  }
  uint8_t extra = 0;
  if (source.read(std::span(&extra, 1)) != 0) {
    throw IoError(name + ": trailing bytes after the data: " + need +
                  (compressed ? "more" : std::to_string(most_bytes)));
  }
  return array;
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

// Finds "<folder>/<stem>-idx<dims>-ubyte" in one of its four spellings.
std::string find_file(const std::string& folder, const std::string& stem, int dims) {
  const std::string rest = "idx" + std::to_string(dims) + "-ubyte";
  for (const char* separator : {"-", "."}) {
    for (const char* suffix : {"", ".gz"}) {
      std::string path = folder + "/" + stem + separator + rest + suffix;
      if (exists(path)) return path;
    }
  }
  throw IoError(folder + ": no file " + stem + "-" + rest + " or " + stem + "-" + rest + ".gz");
}

ImageDataset load_part(const std::string& folder, const std::string& part) {
  const std::string images_path = find_file(folder, part + "-images", 3);
  const std::string labels_path = find_file(folder, part + "-labels", 1);
  IdxArray images = read_idx(images_path);
  IdxArray labels = read_idx(labels_path);
  if (images.shape.size() != 3) {
    throw IoError(images_path + ": expected images [count, height, width], found shape " +
                  to_string(images.shape));
  }
  if (labels.shape.size() != 1) {
    throw IoError(labels_path + ": expected labels [count], found shape " +
                  to_string(labels.shape));
  }
  if (images.shape[0] != labels.shape[0]) {
    throw IoError(labels_path + ": " + std::to_string(labels.shape[0]) + " labels for " +
                  std::to_string(images.shape[0]) + " images in " + images_path);
  }
  if (images.values.empty()) {
    throw IoError(images_path + ": no images: shape " + to_string(images.shape));
  }
  for (size_t i = 0; i < labels.values.size(); ++i) {
    if (labels.values[i] >= kClasses) {
      throw IoError("label out of range: " + std::to_string(labels.values[i]) + " at position " +
                    std::to_string(i) + " in " + labels_path);
    }
  }
  ImageDataset dataset;
  dataset.count = images.shape[0];
  dataset.channels = 1;
  dataset.height = images.shape[1];
  dataset.width = images.shape[2];
  dataset.pixels = std::move(images.values);
  dataset.labels = std::move(labels.values);
  return dataset;
}

}  // namespace

IdxArray parse_idx(std::span<const uint8_t> bytes, std::string_view name) {
  const std::string file(name);
  if (!is_gzip(bytes)) return parse(Source(bytes), bytes.size(), false, file);
  GzipReader gzip(bytes, name);
  return parse(Source(gzip), bytes.size() * internal::kMaxDeflateRatio, true, file);
}

IdxArray read_idx(const std::string& path) {
  return parse_idx(internal::read_file(path, kMaxIdxBytes + kMagicBytes + 4 * kMaxDims), path);
}

ImageSplit load_mnist(const std::string& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) throw IoError(folder + ": no such folder");
  if (!S_ISDIR(info.st_mode)) throw IoError(folder + ": is not a folder");
  ImageSplit split{load_part(folder, "train"), load_part(folder, "t10k")};
  const ImageDataset& train = split.train;
  const ImageDataset& test = split.test;
  if (train.height != test.height || train.width != test.width) {
    throw IoError(folder + ": training images are " + std::to_string(train.height) + "x" +
                  std::to_string(train.width) + ", test images " + std::to_string(test.height) +
                  "x" + std::to_string(test.width));
  }
  return split;
}

}  // namespace entasis::data
