// Built without sanitizers, as it serves the scheduler; runs on the host's stack only.
#include "modules.h"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace entasis::emulation {
namespace {

// The file of a loaded module, mapped to be read.
class ElfFile {
 public:
  explicit ElfFile(const dl_phdr_info& module) : base_(module.dlpi_addr) {
    const bool program = module.dlpi_name[0] == '\0';
    const int file = open(program ? "/proc/self/exe" : module.dlpi_name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;  // the kernel's vdso has none
    struct stat status;
    if (fstat(file, &status) == 0 && status.st_size > 0) {
      void* const memory =
          mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
      if (memory != MAP_FAILED) {
        data_ = static_cast<const unsigned char*>(memory);
        size_ = static_cast<size_t>(status.st_size);
      }
    }
    close(file);
    if (size_ > sizeof(ElfW(Ehdr)) && std::memcmp(data_, ELFMAG, SELFMAG) == 0) {
      const auto* const header = at<ElfW(Ehdr)>(0);
      sections_ = at<ElfW(Shdr)>(header->e_shoff);
      count_ = header->e_shnum;
      names_ = count_ > 0 ? at<char>(sections_[header->e_shstrndx].sh_offset) : nullptr;
    }
  }
  ~ElfFile() {
    if (data_ != nullptr) munmap(const_cast<unsigned char*>(data_), size_);
  }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  template <class T>
  const T* at(size_t offset) const {
    return reinterpret_cast<const T*>(data_ + offset);
  }
  const ElfW(Shdr) * begin() const { return sections_; }
  const ElfW(Shdr) * end() const { return sections_ + count_; }
  const char* name(const ElfW(Shdr) & section) const { return names_ + section.sh_name; }
  const ElfW(Shdr) & section(size_t index) const { return sections_[index]; }
  uintptr_t base() const { return base_; }

 private:
  uintptr_t base_;
  const unsigned char* data_ = nullptr;
  size_t size_ = 0;
  const ElfW(Shdr) * sections_ = nullptr;
  size_t count_ = 0;
  const char* names_ = nullptr;
};

// Calls `visit(const dl_phdr_info&)` for each loaded module.
template <class Visit>
void for_each_module(Visit visit) {
  dl_iterate_phdr(
      [](dl_phdr_info* module, size_t, void* data) {
        (*static_cast<Visit*>(data))(*module);
        return 0;
      },
      &visit);
}

}  // namespace

size_t shared_sections(const MemoryRange** ranges) {
  static std::vector<MemoryRange>& found = *new std::vector<MemoryRange>;
  static unsigned long long seen = 0;
  unsigned long long changes = 0;
  for_each_module(
      [&](const dl_phdr_info& module) { changes = module.dlpi_adds + module.dlpi_subs; });
  if (changes != seen) {
    seen = changes;
    found.clear();
    for_each_module([](const dl_phdr_info& module) {
      const ElfFile file(module);
      for (const ElfW(Shdr) & section : file) {
        if (std::strcmp(file.name(section), ENTASIS_EMULATION_SHARED_SECTION) != 0) continue;
        auto* const begin = reinterpret_cast<unsigned char*>(file.base() + section.sh_addr);
        found.push_back({begin, begin + section.sh_size});
      }
    });
  }
  *ranges = found.data();
  return found.size();
}

const char* function_name(const void* address) {
  static std::string& name = *new std::string;
  name = "a kernel";
  const auto target = reinterpret_cast<uintptr_t>(address);
  for_each_module([&](const dl_phdr_info& module) {
    bool inside = false;
    for (int i = 0; i < module.dlpi_phnum; ++i) {
      const auto& segment = module.dlpi_phdr[i];
      const uintptr_t begin = module.dlpi_addr + segment.p_vaddr;
      inside |= segment.p_type == PT_LOAD && target - begin < segment.p_memsz;
    }
    if (!inside) return;
    const ElfFile file(module);
    for (const ElfW(Shdr) & section : file) {
      if (section.sh_type != SHT_SYMTAB) continue;
      const char* const strings = file.at<char>(file.section(section.sh_link).sh_offset);
      const auto* const symbols = file.at<ElfW(Sym)>(section.sh_offset);
      for (size_t i = 0; i < section.sh_size / sizeof(ElfW(Sym)); ++i) {
        const auto& symbol = symbols[i];
        if ((symbol.st_info & 0xf) == STT_FUNC && file.base() + symbol.st_value == target) {
          name = strings + symbol.st_name;
        }
      }
    }
  });
  int status = 0;
  char* const readable = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  if (status == 0) name = readable;
  std::free(readable);
  return name.c_str();
}

}  // namespace entasis::emulation
