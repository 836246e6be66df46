// Files of named tensors in the safetensors format (github.com/huggingface/safetensors): eight
// bytes with the length of a JSON header, the header, then the elements, little-endian and
// row-major.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include <entasis/core/named_tensors.h>

namespace entasis::io {

using Metadata = std::map<std::string, std::string>;

struct Safetensors {
  NamedTensors tensors;  // on the CPU, in the order of their data
  Metadata metadata;
};

// The longest header that is read or written, as in the format's reference implementation.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

enum class LoadMode : uint8_t {
  kCopy,  // tensors own their memory
  kMap,   // tensors look into the mapped file, which stays mapped while one of them lives; writing
          // to them changes private pages, never the file. Those that the file holds at an address
          // unfit for their dtype are copies. The file must not be shortened meanwhile
};

// Reads a file and checks all of it: the header's length and JSON, names that appear twice, dtypes,
// shapes of at most 8 dimensions, shape × element size = bytes, data that is covered by the tensors
// without holes and overlaps, BOOL elements of 0 or 1. Throws IoError naming the file, the tensor
// and what was found.
ENTASIS_API Safetensors load_safetensors(const std::string& path, LoadMode mode = LoadMode::kCopy);

// The same from memory; `name` stands for the file in errors. The tensors are copies.
ENTASIS_API Safetensors parse_safetensors(std::span<const uint8_t> bytes, const std::string& name);

// Writes a file, atomically: `path` shows the old contents until the new ones are on disk. Tensors
// are stored by falling element size and then by name, so that each is aligned and the same
// contents give the same bytes; tensors of other devices or layouts are brought to the CPU and into
// row-major order. Throws ValueError for an undefined tensor, a name that is not UTF-8 or is
// "__metadata__", a header over the limit; IoError if the file cannot be written.
ENTASIS_API void save_safetensors(const std::string& path, const NamedTensors& tensors,
                                  const Metadata& metadata = {}, Location at = {});

}  // namespace entasis::io
