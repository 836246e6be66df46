// Finds and reads the images.
#include "images.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include <entasis/core/error.h>
#include <entasis/data/digits.h>
#include <entasis/data/idx.h>

namespace fs = std::filesystem;
namespace data = entasis::data;

namespace {

// Beside an installed program, else in the checkout that this one was built from.
std::string find_digits() {
  constexpr const char* kFile = "digits.csv.gz";
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path installed =
      (program.parent_path() / ENTASIS_INSTALLED_DATA / kFile).lexically_normal();
  const fs::path checkout = fs::path(ENTASIS_EXAMPLES_DATA) / kFile;
  for (const fs::path& path : {installed, checkout}) {
    if (fs::exists(path, error)) return path.string();
  }
  throw entasis::IoError("the digits that ship with Entasis are missing: neither " +
                         installed.string() + " nor " + checkout.string() +
                         " is there; --data names a folder with MNIST's files");
}

// FNV-1a, 64 bits (G. Fowler, L. Noll, K.-P. Vo): not against malice, only against a mix-up.
class Checksum {
 public:
  void add(const std::vector<uint8_t>& bytes) {
    for (const uint8_t byte : bytes) hash_ = (hash_ ^ byte) * 0x100000001b3u;
  }
  std::string text() const {
    std::array<char, 16> hex{};
    return {hex.data(), std::to_chars(hex.data(), hex.data() + hex.size(), hash_, 16).ptr};
  }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace

Images load_images(const std::string& folder) {
  Images images;
  if (folder.empty()) {
    images.name = "the UCI digits";
    images.path = find_digits();
    images.split = data::load_digits(images.path);
  } else {
    images.split = data::load_mnist(folder);
    images.path = fs::canonical(folder).string();
    images.name = fs::path(images.path).filename().string();
  }
  images.scale = data::measure_pixels(images.split.train);
  Checksum checksum;
  for (const data::ImageDataset* part : {&images.split.train, &images.split.test}) {
    checksum.add(part->pixels);
    checksum.add(part->labels);
  }
  images.checksum = checksum.text();
  return images;
}
