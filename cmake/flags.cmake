# Compiler and linker flags of everything built here, as one interface target, `entasis_flags`. It
# is linked privately, so users of the library inherit none of it.
add_library(entasis_flags INTERFACE)
target_compile_features(entasis_flags INTERFACE cxx_std_20)

# -ffp-contract=off: the same formula gives the same bits whichever compiler or loop it stands in.
target_compile_options(entasis_flags INTERFACE -Wall -Wextra -ffp-contract=off)
if(ENTASIS_X86)
  # The floor of the library. Faster instruction sets are chosen at run time by Highway's dispatch.
  target_compile_options(entasis_flags INTERFACE -march=x86-64-v2)
  # Marks what is linked, so that on an older CPU the loader says in one line what is missing.
  set(ENTASIS_LINK_FLOOR LINKER:-z,x86-64-v2)
  target_link_options(entasis_flags INTERFACE ${ENTASIS_LINK_FLOOR})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 warns of an overlap inside of "literal" + std::string that cannot be (GCC bug 105651).
  target_compile_options(entasis_flags INTERFACE -Wno-restrict)
endif()
if(ENTASIS_WERROR)
  target_compile_options(entasis_flags INTERFACE -Werror)
endif()

if(ENTASIS_SANITIZE)
  set(_entasis_sanitizers "-fsanitize=${ENTASIS_SANITIZE}")
  target_compile_options(entasis_flags INTERFACE
    ${_entasis_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(entasis_flags INTERFACE ${_entasis_sanitizers})
  # Read by kernels/cpu/internal/simd_targets.h: fewer SIMD targets, or these builds take too long.
  target_compile_definitions(entasis_flags INTERFACE ENTASIS_SANITIZER_TARGETS=1)
endif()

if(ENTASIS_FUZZ AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "ENTASIS_FUZZ needs clang (libFuzzer); this is ${CMAKE_CXX_COMPILER_ID}.")
endif()
