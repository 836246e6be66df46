#include <entasis/core/plugin.h>

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <entasis_build.h>
#include <entasis/core/log.h>
#include <entasis/core/plugin_internal.h>

namespace entasis {
// Linked into static programs that take Entasis::cuda; null everywhere else.
extern "C" [[gnu::weak]] const Plugin entasis_cuda_plugin;

namespace {

std::string library_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&build_id), &info) == 0 || !info.dli_fname) return {};
  const std::string path = info.dli_fname;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

const char* build_id() { return ENTASIS_BUILD_ID; }
const char* version() { return ENTASIS_VERSION; }

namespace {

std::string register_plugin(const Plugin& plugin) {
  if (std::strcmp(plugin.build_id, build_id()) != 0) {
    return std::string("it was built for library ") + plugin.build_id + ", this one is " +
           build_id();
  }
  const char* error = plugin.register_all();
  return error ? error : "";
}

// Opens and registers; returns what went wrong, or nothing.
std::string open_plugin(const std::string& path) {
  // Never closed: its kernels stay registered for the rest of the process.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return dlerror();
  const auto* plugin = static_cast<const Plugin*>(dlsym(library, "entasis_plugin"));
  return plugin ? register_plugin(*plugin) : "it does not export entasis_plugin";
}

std::string register_cuda() {
  if (&entasis_cuda_plugin != nullptr) return register_plugin(entasis_cuda_plugin);
  const std::string path = find_plugin("entasis_cuda");
  if (path.empty())
    return "this installation of Entasis has no CUDA backend (no libentasis_cuda.so)";
  std::string error = open_plugin(path);
  return error.empty() ? error : "the CUDA backend " + path + " is not loaded: " + error;
}

}  // namespace

bool load_plugin(const std::string& path) {
  const std::string error = open_plugin(path);
  if (error.empty()) return true;
  log(LogLevel::kWarning, "plugin " + path + " is not loaded: " + error);
  return false;
}

const std::string& load_cuda() {
  static const auto* why = new std::string(register_cuda());
  return *why;
}

std::string find_plugin(std::string_view name) {
  const std::string file = "/lib" + std::string(name) + ".so";
  auto existing = [&](const std::string& folder) {
    const std::string path = folder + file;
    return !folder.empty() && access(path.c_str(), R_OK) == 0 ? path : std::string();
  };
  if (const char* list = std::getenv("ENTASIS_PLUGIN_PATH")) {
    const std::string_view folders = list;
    for (size_t start = 0; start <= folders.size();) {
      const size_t end = std::min(folders.find(':', start), folders.size());
      if (std::string path = existing(std::string(folders.substr(start, end - start)));
          !path.empty()) {
        return path;
      }
      start = end + 1;
    }
  }
  return existing(library_folder());
}

}  // namespace entasis
