// A module that brings the library with it, as a scripting language loads one: RTLD_LOCAL.
#include <string>

#include <entasis/core/plugin.h>

#include "checks.h"

extern "C" ENTASIS_API const char* load_and_check(const char* plugin);
const char* load_and_check(const char* plugin) {
  return entasis::load_plugin(plugin) ? check_toy() : "the plugin was not loaded";
}
