// A strict reader for the one CSV file: digits and commas, nothing else, so that damage is found
// where it stands.
#include <entasis/data/digits.h>

#include <array>
#include <vector>

#include <entasis/core/error.h>
#include <entasis/data/internal/gzip.h>
#include <entasis/data/internal/read_file.h>

namespace entasis::data {
namespace {

constexpr size_t kMaxCsvBytes = size_t{1} << 20;  // the real file has 264,712 bytes
constexpr int64_t kPixels = kDigitsSide * kDigitsSide;
constexpr int64_t kColumns = kPixels + 1;
constexpr int kMaxLabel = 9;
constexpr int kTestEvery = 5;

std::string too_large(std::string_view name) {
  return std::string(name) + ": more than the limit of " + std::to_string(kMaxCsvBytes) + " bytes";
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view name) : rest_(text), name_(name) {}

  bool at_end() const { return rest_.empty(); }

  // Reads one line into `row`.
  void read_row(std::array<uint8_t, kColumns>& row) {
    ++line_;
    const size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);

    int64_t column = 0;
    for (bool more = true; more; ++column) {
      const size_t comma = line.find(',');
      const std::string_view field = line.substr(0, comma);
      more = comma != std::string_view::npos;
      if (more) line.remove_prefix(comma + 1);
      if (column < kColumns) row[static_cast<size_t>(column)] = parse_field(field, column);
    }
    if (column != kColumns) {
      fail("expected " + std::to_string(kColumns) + " values, found " + std::to_string(column));
    }
  }

 private:
  uint8_t parse_field(std::string_view field, int64_t column) const {
    const bool label = column == kPixels;
    const int max = label ? kMaxLabel : kDigitsMaxValue;
    const std::string place = " in column " + std::to_string(column + 1);
    int value = 0;
    for (const char c : field) {
      if (c < '0' || c > '9' || field.size() > 3) {
        fail("expected a whole number" + place + ", found '" + printable(field) + "'");
      }
      value = 10 * value + (c - '0');
    }
    if (field.empty()) fail("expected a whole number" + place + ", found nothing");
    if (value > max) {
      fail(std::string(label ? "label" : "pixel") + " out of range: " + std::to_string(value) +
           place + ", expected 0 to " + std::to_string(max));
    }
    return static_cast<uint8_t>(value);
  }

  static std::string printable(std::string_view field) {
    constexpr size_t kMost = 20;
    std::string text(field.substr(0, kMost));
    for (char& c : text) {
      if (c < ' ' || c > '~') c = '?';
    }
    return text + (field.size() > kMost ? "..." : "");
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw IoError(std::string(name_) + ": line " + std::to_string(line_) + ": " + reason);
  }

  std::string_view rest_;
  std::string_view name_;
  int64_t line_ = 0;
};

ImageDataset empty_dataset() {
  ImageDataset dataset;
  dataset.channels = 1;
  dataset.height = kDigitsSide;
  dataset.width = kDigitsSide;
  dataset.max_value = kDigitsMaxValue;
  return dataset;
}

std::vector<uint8_t> inflate_all(std::span<const uint8_t> bytes, std::string_view name) {
  internal::GzipReader gzip(bytes, name);
  std::vector<uint8_t> text(kMaxCsvBytes + 1);
  text.resize(gzip.read(text));
  if (text.size() > kMaxCsvBytes) throw IoError(too_large(name));
  return text;
}

}  // namespace

ImageSplit parse_digits(std::span<const uint8_t> bytes, std::string_view name) {
  std::vector<uint8_t> inflated;
  if (internal::is_gzip(bytes)) {
    inflated = inflate_all(bytes, name);
    bytes = inflated;
  }
  if (bytes.size() > kMaxCsvBytes) throw IoError(too_large(name));

  Parser parser({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
  ImageSplit split{empty_dataset(), empty_dataset()};
  std::array<int, kMaxLabel + 1> seen{};
  std::array<uint8_t, kColumns> row{};
  int64_t rows = 0;
  for (; !parser.at_end(); ++rows) {
    parser.read_row(row);
    const uint8_t label = row[kPixels];
    ImageDataset& part = ++seen[label] % kTestEvery == 0 ? split.test : split.train;
    part.pixels.insert(part.pixels.end(), row.begin(), row.begin() + kPixels);
    part.labels.push_back(label);
    ++part.count;
  }
  if (rows != kDigitsCount) {
    throw IoError(std::string(name) + ": expected " + std::to_string(kDigitsCount) +
                  " rows, found " + std::to_string(rows));
  }
  return split;
}

ImageSplit load_digits(const std::string& path) {
  return parse_digits(internal::read_file(path, kMaxCsvBytes), path);
}

}  // namespace entasis::data
