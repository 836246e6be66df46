// A program that knows nothing of the library: opens a module (first argument) with RTLD_LOCAL and
// lets it load the plugin (second argument).
#include <dlfcn.h>

#include <cstdio>

int main(int, char** arguments) {
  void* module = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    std::puts(dlerror());
    return 1;
  }
  using Check = const char* (*)(const char*);
  const auto check = reinterpret_cast<Check>(dlsym(module, "load_and_check"));
  if (const char* problem = check(arguments[2])) {
    std::puts(problem);
    return 1;
  }
  return 0;
}
