// The safetensors file behind a checkpoint. Metadata is text by key; a key's first word says what
// it belongs to: "cursor.epoch", "generator.cpu", "optimizer.lr", "number.…", "text.…".
#include <entasis/io/checkpoint.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <entasis/core/error.h>
#include <entasis/io/internal/safetensors_header.h>
#include <entasis/io/safetensors.h>

namespace entasis::io {
namespace {

using internal::in_quotes;

constexpr const char* kFormat = "entasis checkpoint 1";
// What every checkpoint has.
constexpr std::string_view kFixedKeys[] = {"format", "cursor.epoch", "cursor.step",
                                           "cursor.position", "cursor.seed"};

// The shortest text that reads back to the same number.
template <class T>
std::string text_of(T value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

// Reads the metadata of one file.
class Reader {
 public:
  Reader(const std::string& path, const Metadata& metadata) : path_(path), metadata_(metadata) {}

  const std::string& text(const std::string& key) const {
    const auto found = metadata_.find(key);
    if (found == metadata_.end()) fail("entry " + in_quotes(key) + " is missing");
    return found->second;
  }

  template <class T>
  T number(const std::string& key, std::string_view text) const {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      fail("entry " + in_quotes(key) + " is " + in_quotes(std::string(text)) +
           ", expected a number");
    }
    return value;
  }
  template <class T>
  T number(const std::string& key) const {
    return number<T>(key, text(key));
  }

  // "seed offset"
  Generator::State generator(const std::string& key) const {
    const std::string_view both = text(key);
    const size_t space = both.find(' ');
    if (space == std::string_view::npos) {
      fail("entry " + in_quotes(key) + " is " + in_quotes(std::string(both)) +
           ", expected two numbers");
    }
    return {number<uint64_t>(key, both.substr(0, space)),
            number<uint64_t>(key, both.substr(space + 1))};
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw IoError(path_ + ": checkpoint: " + what);
  }

 private:
  const std::string& path_;
  const Metadata& metadata_;
};

// The rest of `name` behind `prefix`; false if it does not begin so.
bool strip(std::string& name, std::string_view prefix) {
  if (name.compare(0, prefix.size(), prefix) != 0) return false;
  name.erase(0, prefix.size());
  return true;
}

Metadata metadata_of(const Checkpoint& checkpoint) {
  const DataCursor& cursor = checkpoint.cursor;
  Metadata metadata = {{"format", kFormat},
                       {"cursor.epoch", text_of(cursor.epoch)},
                       {"cursor.step", text_of(cursor.step)},
                       {"cursor.position", text_of(cursor.position)},
                       {"cursor.seed", text_of(cursor.seed)}};
  for (const auto& [name, state] : checkpoint.generators) {
    metadata["generator." + name] = text_of(state.seed) + " " + text_of(state.offset);
  }
  for (const auto& [name, value] : checkpoint.optimizer.numbers) {
    metadata["optimizer." + name] = text_of(value);
  }
  for (const auto& [name, value] : checkpoint.numbers) metadata["number." + name] = text_of(value);
  for (const auto& [name, value] : checkpoint.texts) metadata["text." + name] = value;
  return metadata;
}

}  // namespace

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint, Location at) {
  NamedTensors tensors;
  for (const auto& [name, tensor] : checkpoint.model) tensors.add("model." + name, tensor, at);
  for (const auto& [name, tensor] : checkpoint.optimizer.tensors) {
    tensors.add("optimizer." + name, tensor, at);
  }
  save_safetensors(path, tensors, metadata_of(checkpoint), at);
}

Checkpoint load_checkpoint(const std::string& path) {
  const Safetensors file = load_safetensors(path);
  const Reader reader(path, file.metadata);
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end()) reader.fail("this is a safetensors file of another kind");
  if (format->second != kFormat) {
    reader.fail("the format is " + in_quotes(format->second) + ", expected " + in_quotes(kFormat));
  }

  Checkpoint checkpoint;
  DataCursor& cursor = checkpoint.cursor;
  cursor.epoch = reader.number<int64_t>("cursor.epoch");
  cursor.step = reader.number<int64_t>("cursor.step");
  cursor.position = reader.number<int64_t>("cursor.position");
  cursor.seed = reader.number<uint64_t>("cursor.seed");
  for (const auto& [key, text] : file.metadata) {
    std::string name = key;
    if (strip(name, "generator.")) {
      checkpoint.generators.emplace(name, reader.generator(key));
    } else if (strip(name, "optimizer.")) {
      checkpoint.optimizer.numbers.emplace(name, reader.number<double>(key));
    } else if (strip(name, "number.")) {
      checkpoint.numbers.emplace(name, reader.number<double>(key));
    } else if (strip(name, "text.")) {
      checkpoint.texts.emplace(name, text);
    } else if (std::find(std::begin(kFixedKeys), std::end(kFixedKeys), key) ==
               std::end(kFixedKeys)) {
      reader.fail("unknown entry " + in_quotes(key));
    }
  }
  for (const auto& [key, tensor] : file.tensors) {
    std::string name = key;
    if (strip(name, "model.")) {
      checkpoint.model.add(name, tensor);
    } else if (strip(name, "optimizer.")) {
      checkpoint.optimizer.tensors.add(name, tensor);
    } else {
      reader.fail("unknown tensor " + in_quotes(key));
    }
  }
  return checkpoint;
}

}  // namespace entasis::io
