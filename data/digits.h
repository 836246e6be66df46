// The UCI optical digits: 1,797 images of 8x8 pixels from 0 to 16, a small real data set that ships
// with the examples.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <entasis/core/export.h>
#include <entasis/data/image_dataset.h>

namespace entasis::data {

inline constexpr int64_t kDigitsCount = 1797;
inline constexpr int64_t kDigitsSide = 8;
inline constexpr uint8_t kDigitsMaxValue = 16;

// Parses the contents of digits.csv, plain or gzip: 1,797 rows of 64 pixels and a label, separated
// by commas, without a header row. `name` stands in front of error messages, which name line and
// column. Throws IoError.
//
// The split needs no random number: within each class every fifth image, in the order of the file,
// is a test image. That gives 1,442 training and 355 test images. (Every fifth row of the whole
// file would not do: the first rows run 0, 1, ..., 9, 0, 1, ..., so the classes would be skewed.)
ENTASIS_API ImageSplit parse_digits(std::span<const uint8_t> bytes, std::string_view name);

// Reads and parses the file at `path`. Throws IoError.
ENTASIS_API ImageSplit load_digits(const std::string& path);

}  // namespace entasis::data
