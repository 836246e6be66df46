// Defaults of the sanitizers, linked into every test program, so that a run by hand behaves as one
// by CTest. Without a sanitizer nothing calls these functions.

extern "C" {

__attribute__((visibility("default"))) const char* __asan_default_options() {
  return "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1";
}

__attribute__((visibility("default"))) const char* __ubsan_default_options() {
  return "print_stacktrace=1";
}

__attribute__((visibility("default"))) const char* __tsan_default_options() {
  // By default programs with threads, emulated kernels among them, sleep a second at their exit.
  return "halt_on_error=1:second_deadlock_stack=1:atexit_sleep_ms=50";
}

}  // extern "C"
