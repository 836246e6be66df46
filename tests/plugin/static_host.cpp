// A program with the library and the toy linked in: no plugin, the same checks.
#include <cstdio>

#include "checks.h"
#include "toy.h"

int main() {
  if (const char* problem = toy::register_all()) {
    std::puts(problem);
    return 1;
  }
  if (const char* problem = check_toy()) {
    std::puts(problem);
    return 1;
  }
  return 0;
}
