// Built without sanitizers (see core.h) and without calls that they watch: this runs while one of
// them reports.
#include "last_words.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

// Null where no sanitizer is linked.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace entasis::emulation {
namespace {

char words[128];
unsigned size;

}  // namespace

void note_order(const char* order) {
  if (size == 0 && __sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(print_order);
  }
  const int written =
      snprintf(words, sizeof words, "CUDA emulation: ENTASIS_EMULATION_ORDER=%s\n", order);
  size = written > 0 ? static_cast<unsigned>(written) : 0;
}

void print_order() { syscall(SYS_write, STDERR_FILENO, words, size); }

}  // namespace entasis::emulation
