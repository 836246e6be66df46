// The header of a safetensors file: parsed and checked against the file's length, before any tensor
// is made.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <entasis/core/dims.h>
#include <entasis/core/dtype.h>
#include <entasis/io/safetensors.h>

namespace entasis::io::internal {

struct TensorEntry {
  std::string name;
  DType dtype = kF32;
  Dims shape;
  uint64_t begin = 0, end = 0;  // in bytes from the start of the data
};

struct SafetensorsHeader {
  std::vector<TensorEntry> entries;  // by rising offsets; together they cover the data
  Metadata metadata;
  uint64_t data_begin = 0;  // in the file
};

// Throws IoError, which begins with `name`.
SafetensorsHeader parse_safetensors_header(std::span<const uint8_t> file, const std::string& name);

// The format's name of a dtype: "F32", "BOOL" …
const char* safetensors_name(DType dtype);

// A name as it stands in messages: quoted, shortened, on one line.
std::string in_quotes(const std::string& name);

}  // namespace entasis::io::internal
