// Reading through a private mapping of the file, and writing. What a header may say is checked in
// internal/safetensors_header.cpp.
#include <entasis/io/safetensors.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <entasis/core/error.h>
#include <entasis/core/ref.h>
#include <entasis/io/atomic_file.h>
#include <entasis/io/internal/safetensors_header.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>

namespace entasis::io {
namespace {

using internal::in_quotes;
using internal::TensorEntry;

static_assert(std::endian::native == std::endian::little, "elements are stored little-endian");

// A file in memory, counted: each tensor that looks into it holds one reference. Pages that are
// written become private copies.
class Mapping final : public Counted {
 public:
  explicit Mapping(const std::string& path);
  ~Mapping() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  void release() {
    if (drop()) delete this;
  }

  uint8_t* data() const { return static_cast<uint8_t*>(data_); }
  std::span<const uint8_t> bytes() const { return {data(), size_}; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

Mapping::Mapping(const std::string& path) {
  auto fail = [&path](int error) {
    throw IoError(path + ": cannot read: " + std::system_category().message(error));
  };
  struct File {
    int fd;
    ~File() {
      if (fd >= 0) ::close(fd);
    }
  };
  // O_NONBLOCK: opening a pipe without a writer must not hang.
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) fail(errno);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) fail(errno);
  if (S_ISDIR(info.st_mode)) throw IoError(path + ": is a folder, expected a file");
  if (!S_ISREG(info.st_mode)) throw IoError(path + ": is not a regular file");
  if (info.st_size == 0) return;  // nothing to map
  size_ = size_t(info.st_size);
  void* data = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) fail(errno);
  data_ = data;
}

// Any other byte would be no value of a C++ bool.
void check_bool(const uint8_t* data, const TensorEntry& entry, const std::string& file) {
  const uint8_t* end = data + (entry.end - entry.begin);
  const uint8_t* bad = std::find_if(data, end, [](uint8_t byte) { return byte > 1; });
  if (bad != end) {
    throw IoError(file + ": tensor " + in_quotes(entry.name) + ": element " +
                  std::to_string(bad - data) + " of a BOOL tensor is " + std::to_string(*bad) +
                  ", expected 0 or 1");
  }
}

Tensor copy_of(const uint8_t* data, const TensorEntry& entry) {
  Tensor tensor = empty_strided(Spec::dense(entry.dtype, entry.shape), kCPU);
  if (entry.end > entry.begin) std::memcpy(tensor.raw(), data, entry.end - entry.begin);
  return tensor;
}

Tensor view_of(uint8_t* data, const TensorEntry& entry, const Ref<Mapping>& mapping) {
  const bool aligned = reinterpret_cast<uintptr_t>(data) % size_t(size_of(entry.dtype)) == 0;
  if (!aligned || entry.begin == entry.end) return copy_of(data, entry);
  auto release = [](void* context, void*) { static_cast<Mapping*>(context)->release(); };
  Ref<Mapping> held = mapping;
  Tensor tensor = from_blob(data, entry.dtype, entry.shape, {}, release, held.get());
  held.detach();  // now the tensor's
  return tensor;
}

// `make` turns an entry and the position of its data in the file into a tensor.
template <class Make>
Safetensors read(std::span<const uint8_t> bytes, const std::string& name, Make make) {
  internal::SafetensorsHeader header = internal::parse_safetensors_header(bytes, name);
  Safetensors file;
  file.metadata = std::move(header.metadata);
  for (TensorEntry& entry : header.entries) {
    const size_t position = size_t(header.data_begin + entry.begin);
    if (entry.dtype == kBool) check_bool(bytes.data() + position, entry, name);
    Tensor tensor = make(entry, position);
    file.tensors.add(std::move(entry.name), std::move(tensor));
  }
  return file;
}

// ---- Writing

struct Part {
  const std::string* name;
  Tensor tensor;  // on the CPU, row-major
  uint64_t bytes() const { return uint64_t(tensor.numel()) * uint64_t(size_of(tensor.dtype())); }
};

std::vector<Part> parts_in_order(const NamedTensors& tensors, Location at) {
  std::vector<Part> parts;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) {
      throw ValueError("save_safetensors: tensor " + in_quotes(name) + " is undefined", at);
    }
    if (name == "__metadata__") {
      throw ValueError("save_safetensors: no tensor may be named '__metadata__'", at);
    }
    parts.push_back({&name, contiguous(to_device(tensor.detach(), kCPU))});
  }
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    const int size_a = size_of(a.tensor.dtype()), size_b = size_of(b.tensor.dtype());
    return size_a != size_b ? size_a > size_b : *a.name < *b.name;
  });
  return parts;
}

// `text` as a JSON string, with its quotes.
std::string json_string(const std::string& text, Location at) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw ValueError("save_safetensors: " + in_quotes(text) + " is not valid UTF-8", at);
  }
}

std::string header_json(const std::vector<Part>& parts, const Metadata& metadata, Location at) {
  std::string json = "{";
  if (!metadata.empty()) {
    const char* separator = "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      json += separator + json_string(key, at) + ":" + json_string(value, at);
      separator = ",";
    }
    json += "}";
  }
  uint64_t offset = 0;
  for (const Part& part : parts) {
    const uint64_t end = offset + part.bytes();
    json += (json.size() > 1 ? "," : "") + json_string(*part.name, at) + ":{\"dtype\":\"" +
            internal::safetensors_name(part.tensor.dtype()) +
            "\",\"shape\":" + to_string(part.tensor.shape()) + ",\"data_offsets\":[" +
            std::to_string(offset) + "," + std::to_string(end) + "]}";
    offset = end;
  }
  return json + "}";
}

// Length and JSON, filled up with spaces so that the data begins at a multiple of 8.
std::string header_of(const std::vector<Part>& parts, const Metadata& metadata, Location at) {
  std::string json = header_json(parts, metadata, at);
  json.resize((json.size() + 7) / 8 * 8, ' ');
  if (json.size() > kMaxSafetensorsHeader) {
    throw ValueError("save_safetensors: the header would have " + std::to_string(json.size()) +
                         " bytes, the limit is " + std::to_string(kMaxSafetensorsHeader),
                     at);
  }
  std::string length;
  for (int i = 0; i < 8; ++i) length += char(json.size() >> (8 * i));
  return length + json;
}

}  // namespace

Safetensors load_safetensors(const std::string& path, LoadMode mode) {
  const Ref<Mapping> mapping = Ref<Mapping>::adopt(new Mapping(path));
  return read(mapping->bytes(), path, [&](const TensorEntry& entry, size_t position) {
    uint8_t* data = mapping->data() + position;
    return mode == LoadMode::kMap ? view_of(data, entry, mapping) : copy_of(data, entry);
  });
}

Safetensors parse_safetensors(std::span<const uint8_t> bytes, const std::string& name) {
  return read(bytes, name, [&](const TensorEntry& entry, size_t position) {
    return copy_of(bytes.data() + position, entry);
  });
}

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const Metadata& metadata, Location at) {
  const std::vector<Part> parts = parts_in_order(tensors, at);
  const std::string header = header_of(parts, metadata, at);
  AtomicFile file(path);
  file.write(header);
  for (const Part& part : parts) file.write(part.tensor.raw(), size_t(part.bytes()));
  file.commit();
}

}  // namespace entasis::io
