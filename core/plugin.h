// The plugin door (rule 16): a shared library that brings a backend, kernels or rows to a program
// that may run without it. It exports one C struct under the name `entasis_plugin`:
//
//   extern "C" ENTASIS_API const entasis::Plugin entasis_plugin;
//   const entasis::Plugin entasis_plugin{ENTASIS_BUILD_ID, "toy", &register_toy};
//
// A plugin is bound to one build of the library and built with it: ENTASIS_BUILD_ID, from the build
// tree's entasis_build.h, hashes version, compiler ABI and public headers, and a plugin with
// another id is not loaded.
#pragma once

#include <string>
#include <string_view>

#include <entasis/core/export.h>

namespace entasis {

extern "C" struct Plugin {
  const char* build_id;  // build_id() of the library it was built against
  const char* name;
  // Registers what the plugin brings. No exception may leave it: it returns null, or a message that
  // stays valid.
  const char* (*register_all)();
};

// The running library's id and version.
ENTASIS_API const char* build_id();
ENTASIS_API const char* version();

// Opens a plugin and lets it register. False, with one line to the log that says why, if the file
// cannot be opened, is no plugin, has another build id or fails to register.
ENTASIS_API bool load_plugin(const std::string& path);

// Looks for `lib<name>.so` in the folders of ENTASIS_PLUGIN_PATH (colon-separated), then in the
// library's own folder; never in the working directory. Empty if there is none.
ENTASIS_API std::string find_plugin(std::string_view name);

}  // namespace entasis
