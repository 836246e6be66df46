#include <entasis/core/plugin.h>

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <entasis_build.h>
#include <entasis/core/log.h>

namespace entasis {
namespace {

bool refuse(const std::string& path, const std::string& why) {
  log(LogLevel::kWarning, "plugin " + path + " is not loaded: " + why);
  return false;
}

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

bool load_plugin(const std::string& path) {
  // Never closed: its kernels stay registered for the rest of the process.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return refuse(path, dlerror());
  const auto* plugin = static_cast<const Plugin*>(dlsym(library, "entasis_plugin"));
  if (plugin == nullptr) return refuse(path, "it does not export entasis_plugin");
  if (std::strcmp(plugin->build_id, build_id()) != 0) {
    return refuse(path, std::string("it was built for library ") + plugin->build_id +
                            ", this one is " + build_id());
  }
  if (const char* error = plugin->register_all()) return refuse(path, error);
  return true;
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
