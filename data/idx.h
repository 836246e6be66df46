// IDX files, the format of MNIST and its kin: a big-endian header (element type, sizes), then the
// values. Plain and gzip files are told apart by their first bytes, never by their name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <entasis/core/export.h>
#include <entasis/data/image_dataset.h>

namespace entasis::data {

// The values in row-major order; their number is the product of `shape`, which has 1 to 4 entries.
struct IdxArray {
  std::vector<int64_t> shape;
  std::vector<uint8_t> values;
};

// The largest IDX file that is accepted, uncompressed: 4 GiB. (The largest known file of this
// family, EMNIST's training images, has 0.5 GiB.)
inline constexpr uint64_t kMaxIdxBytes = uint64_t{1} << 32;

// Parses the contents of an IDX file with elements of type u8. `name` stands in front of error
// messages. Throws IoError if the data is not exactly one valid IDX array; memory never grows
// beyond what the bytes at hand can honestly fill. Format: Y. LeCun, C. Cortes, C. Burges, "The
// MNIST database of handwritten digits".
ENTASIS_API IdxArray parse_idx(std::span<const uint8_t> bytes, std::string_view name);

// Reads and parses the file at `path`. Throws IoError.
ENTASIS_API IdxArray read_idx(const std::string& path);

// Reads the four files of MNIST (or of a data set in its shape, such as Fashion-MNIST) from a
// folder:
//
//   train-images-idx3-ubyte   train-labels-idx1-ubyte
//   t10k-images-idx3-ubyte    t10k-labels-idx1-ubyte
//
// each with or without ".gz", and with '-' or '.' before "idx". Images are [count, height, width]
// and come back with one channel; labels are 0 to 9. Throws IoError if a file is missing or
// malformed, if images and labels differ in number, or if the test images differ in size from the
// training images.
ENTASIS_API ImageSplit load_mnist(const std::string& folder);

}  // namespace entasis::data
