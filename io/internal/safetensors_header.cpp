// The JSON is read by events (SAX), not into a tree: a nested bomb ends at its third level, a name
// that appears twice is seen, and memory is taken only for what the format allows.
#include <entasis/io/internal/safetensors_header.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include <nlohmann/json.hpp>

#include <entasis/core/error.h>

namespace entasis::io::internal {
namespace {

constexpr uint64_t kLengthBytes = 8;

struct FormatName {
  const char* name;
  DType dtype;
};
constexpr FormatName kFormatNames[] = {
    {"F64", kF64}, {"F32", kF32}, {"F16", kF16},   {"BF16", kBF16}, {"I64", kI64},
    {"I32", kI32}, {"I16", kI16}, {"I8", kI8},     {"U64", kU64},   {"U32", kU32},
    {"U16", kU16}, {"U8", kU8},   {"BOOL", kBool},
};

std::string interval(uint64_t begin, uint64_t end) {
  return "[" + std::to_string(begin) + ", " + std::to_string(end) + "]";
}

// Receives the parser's events and fills a header. The parser passes exceptions through.
class HeaderReader {
 public:
  using Json = nlohmann::json;

  HeaderReader(SafetensorsHeader& header, const std::string& file) : header_(header), file_(file) {}

  bool null() { return unexpected("null"); }
  bool boolean(bool) { return unexpected("a boolean"); }
  bool number_integer(Json::number_integer_t) { return unexpected("a negative number"); }
  bool number_unsigned(Json::number_unsigned_t value) { return number(value); }
  bool number_float(Json::number_float_t, const std::string&) {
    return unexpected("a number that is not a 64-bit integer");
  }
  bool binary(Json::binary_t&) { return unexpected("binary data"); }

  bool string(std::string& value) {
    if (place_ == Place::kMetadata) {
      header_.metadata.emplace(key_, std::move(value));
    } else if (place_ == Place::kTensor && field_ == Field::kDType) {
      entry().dtype = parse_dtype(value);
    } else {
      return unexpected("a string");
    }
    return true;
  }

  bool start_object(size_t) {
    if (place_ == Place::kOutside) {
      place_ = Place::kTop;
    } else if (place_ == Place::kTop) {
      place_ = key_ == "__metadata__" ? Place::kMetadata : Place::kTensor;
      if (place_ == Place::kTensor) {
        header_.entries.emplace_back().name = key_;
        std::fill(std::begin(seen_), std::end(seen_), false);
      }
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool key(std::string& value) {
    key_ = std::move(value);
    if (place_ == Place::kTop) {
      if (!names_.insert(key_).second) fail("the name " + in_quotes(key_) + " appears twice");
    } else if (place_ == Place::kMetadata) {
      if (header_.metadata.count(key_)) fail("the metadata " + in_quotes(key_) + " appears twice");
    } else {
      field_ = key_ == "dtype"          ? Field::kDType
               : key_ == "shape"        ? Field::kShape
               : key_ == "data_offsets" ? Field::kOffsets
                                        : Field::kNone;
      if (field_ == Field::kNone) fail_tensor("unknown key " + in_quotes(key_));
      if (seen_[int(field_)]) fail_tensor("'" + key_ + "' appears twice");
      seen_[int(field_)] = true;
    }
    return true;
  }

  bool end_object() {
    if (place_ == Place::kTensor) {
      for (const Field field : {Field::kDType, Field::kShape, Field::kOffsets}) {
        if (!seen_[int(field)]) fail_tensor("'" + std::string(name_of(field)) + "' is missing");
      }
    }
    place_ = place_ == Place::kTop ? Place::kOutside : Place::kTop;
    return true;
  }

  bool start_array(size_t) {
    if (place_ != Place::kTensor || field_ == Field::kDType) return unexpected("an array");
    place_ = field_ == Field::kShape ? Place::kShape : Place::kOffsets;
    offsets_ = 0;
    return true;
  }

  bool end_array() {
    if (place_ == Place::kOffsets && offsets_ != 2) {
      fail_tensor("'data_offsets' has " + std::to_string(offsets_) + " numbers, expected 2");
    }
    place_ = Place::kTensor;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const Json::exception&) {
    fail("the header is not valid JSON, at its byte " + std::to_string(position));
  }

 private:
  enum class Place : uint8_t { kOutside, kTop, kMetadata, kTensor, kShape, kOffsets };
  enum class Field : uint8_t { kDType, kShape, kOffsets, kNone };

  static const char* name_of(Field field) {
    constexpr const char* kNames[] = {"dtype", "shape", "data_offsets"};
    return kNames[int(field)];
  }

  bool number(uint64_t value) {
    if (place_ == Place::kShape) {
      if (value > uint64_t{INT64_MAX}) fail_tensor("size " + std::to_string(value) + " in 'shape'");
      if (entry().shape.size() == kMaxDims) {
        fail_tensor("'shape' has more than " + std::to_string(kMaxDims) + " dimensions");
      }
      entry().shape.push_back(int64_t(value));
    } else if (place_ == Place::kOffsets) {
      if (offsets_ < 2) (offsets_ == 0 ? entry().begin : entry().end) = value;
      ++offsets_;
    } else {
      return unexpected("a number");
    }
    return true;
  }

  DType parse_dtype(const std::string& name) {
    for (const FormatName& known : kFormatNames) {
      if (name == known.name) return known.dtype;
    }
    std::string list;
    for (const FormatName& known : kFormatNames) list += std::string(" ") + known.name;
    fail_tensor("dtype " + in_quotes(name) + " is none of" + list);
  }

  // Each place knows what may stand there, so that one message serves all events.
  [[noreturn]] bool unexpected(const char* found) {
    const std::string but = std::string(", found ") + found;
    switch (place_) {
      case Place::kOutside:
        fail("the header must be an object" + but);
      case Place::kTop:
        fail(in_quotes(key_) + " must be an object" + but);
      case Place::kMetadata:
        fail("the metadata " + in_quotes(key_) + " must be a string" + but);
      case Place::kTensor:
        fail_tensor("'" + key_ + "' must be " +
                    (field_ == Field::kDType ? "a string" : "an array of integers") + but);
      default:
        fail_tensor("'" + key_ + "' must hold integers" + but);
    }
  }

  [[noreturn]] void fail(const std::string& what) const { throw IoError(file_ + ": " + what); }
  [[noreturn]] void fail_tensor(const std::string& what) {
    fail("tensor " + in_quotes(entry().name) + ": " + what);
  }
  TensorEntry& entry() { return header_.entries.back(); }

  SafetensorsHeader& header_;
  const std::string& file_;
  Place place_ = Place::kOutside;
  Field field_ = Field::kNone;
  std::string key_;
  std::set<std::string> names_;
  bool seen_[3] = {};
  int offsets_ = 0;
};

// Shape, dtype and offsets of one tensor against each other and the data's length.
void check_entry(const TensorEntry& entry, uint64_t data_bytes, const std::string& file) {
  auto fail = [&](const std::string& what) {
    throw IoError(file + ": tensor " + in_quotes(entry.name) + ": " + what);
  };
  const std::string offsets = "data_offsets " + interval(entry.begin, entry.end);
  if (entry.begin > entry.end) fail(offsets + " run backwards");
  if (entry.end > data_bytes) {
    fail(offsets + " end behind the data of " + std::to_string(data_bytes) + " bytes");
  }
  const std::string shape =
      "shape " + to_string(entry.shape) + " of " + safetensors_name(entry.dtype);
  int64_t needed = 0;
  bool fits = true;
  try {
    fits = !__builtin_mul_overflow(count_elements(entry.shape), int64_t(size_of(entry.dtype)),
                                   &needed);
  } catch (const ShapeError&) {
    fits = false;
  }
  if (!fits) fail(shape + " needs more than 2^63 bytes");
  if (uint64_t(needed) != entry.end - entry.begin) {
    fail(shape + " needs " + std::to_string(needed) + " bytes, " + offsets + " hold " +
         std::to_string(entry.end - entry.begin));
  }
}

// Sorts the tensors by their offsets; each must begin where the one before it ends.
void check_cover(std::vector<TensorEntry>& entries, uint64_t data_bytes, const std::string& file) {
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t covered = 0;
  const TensorEntry* previous = nullptr;
  for (const TensorEntry& entry : entries) {
    const std::string start = file + ": tensor " + in_quotes(entry.name) + ": data_offsets " +
                              interval(entry.begin, entry.end);
    if (entry.begin < covered) {
      throw IoError(start + " overlap those of tensor " + in_quotes(previous->name) + ", " +
                    interval(previous->begin, previous->end));
    }
    if (entry.begin > covered) {
      throw IoError(start + " leave a hole: no tensor holds bytes " + std::to_string(covered) +
                    " to " + std::to_string(entry.begin) + " of the data");
    }
    covered = entry.end;
    previous = &entry;
  }
  if (covered != data_bytes) {
    throw IoError(file + ": no tensor holds the last " + std::to_string(data_bytes - covered) +
                  " bytes");
  }
}

}  // namespace

const char* safetensors_name(DType dtype) {
  for (const FormatName& known : kFormatNames) {
    if (dtype == known.dtype) return known.name;
  }
  throw_unsupported_dtype(dtype);
}

std::string in_quotes(const std::string& name) {
  constexpr size_t kShown = 120;
  std::string text = name.substr(0, kShown);
  for (char& c : text) {
    if (uint8_t(c) < 0x20 || uint8_t(c) == 0x7f) c = '?';
  }
  return "'" + text + (name.size() > kShown ? "…'" : "'");
}

SafetensorsHeader parse_safetensors_header(std::span<const uint8_t> file, const std::string& name) {
  if (file.size() < kLengthBytes) {
    throw IoError(name + ": not a safetensors file: it has " + std::to_string(file.size()) +
                  " bytes, its header's length alone takes 8");
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= uint64_t{file[i]} << (8 * i);
  if (length > kMaxSafetensorsHeader) {
    throw IoError(name + ": header length " + std::to_string(length) + " is over the limit of " +
                  std::to_string(kMaxSafetensorsHeader) + " bytes");
  }
  if (length > file.size() - kLengthBytes) {
    throw IoError(name + ": header length " + std::to_string(length) + " is over the " +
                  std::to_string(file.size() - kLengthBytes) + " bytes that follow");
  }
  const auto text = file.subspan(kLengthBytes, size_t(length));
  if (text.empty() || text[0] != '{') {
    char found[8] = "nothing";
    if (!text.empty()) std::snprintf(found, sizeof found, "0x%02x", text[0]);
    throw IoError(name + ": the header must begin with '{', found " + found);
  }

  // The parser takes a zero byte for the end, and would not look at what follows.
  if (const auto zero = std::find(text.begin(), text.end(), 0); zero != text.end()) {
    throw IoError(name + ": the header is not valid JSON, at its byte " +
                  std::to_string(zero - text.begin() + 1));
  }

  SafetensorsHeader header;
  HeaderReader reader(header, name);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  header.data_begin = kLengthBytes + length;
  const uint64_t data_bytes = file.size() - header.data_begin;
  for (const TensorEntry& entry : header.entries) check_entry(entry, data_bytes, name);
  check_cover(header.entries, data_bytes, name);
  return header;
}

}  // namespace entasis::io::internal
