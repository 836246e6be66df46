// libFuzzer target for the safetensors parser. Each input goes in as it is and once more behind the
// length that fits it, so that the fuzzer need not guess one to reach the JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <entasis/core/error.h>
#include <entasis/io/safetensors.h>

namespace {

// Any exception but IoError escapes and is a finding. What parses must hold exactly the file's
// data.
void check(std::span<const uint8_t> bytes) {
  uint64_t header = 0;
  entasis::io::Safetensors file;
  try {
    file = entasis::io::parse_safetensors(bytes, "fuzz");
  } catch (const entasis::IoError&) {
    return;
  }
  for (size_t i = 0; i < 8; ++i) header |= uint64_t{bytes[i]} << (8 * i);
  uint64_t data = 0;
  for (const auto& [name, tensor] : file.tensors) {
    data += uint64_t(tensor.numel()) * uint64_t(entasis::size_of(tensor.dtype()));
  }
  if (8 + header + data != bytes.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  check({data, size});

  // The first byte says how many of the last are data.
  if (size == 0) return 0;
  const size_t tail = data[0] < size - 1 ? data[0] : 0;
  const size_t header = size - 1 - tail;
  std::vector<uint8_t> framed(8);
  for (size_t i = 0; i < 8; ++i) framed[i] = uint8_t(uint64_t{header} >> (8 * i));
  framed.insert(framed.end(), data + 1, data + size);
  check(framed);
  return 0;
}
