# Fuzz targets: tests/fuzz/<name>_fuzz.cpp defines LLVMFuzzerTestOneInput. Each becomes the program
# fuzz_<name> and a CTest test that runs it for ENTASIS_FUZZ_SECONDS, from the seeds in
# tests/fuzz/corpus/<name>/ if there are any. What it learns and what it finds stay in the build
# tree.
set(ENTASIS_FUZZ_SECONDS 60 CACHE STRING "How long each fuzz target runs as a test")

file(GLOB _entasis_fuzz_files CONFIGURE_DEPENDS "fuzz/*_fuzz.cpp")
foreach(path IN LISTS _entasis_fuzz_files)
  cmake_path(GET path STEM stem)
  string(REGEX REPLACE "_fuzz$" "" name "${stem}")
  add_executable(fuzz_${name} "${path}")
  target_link_libraries(fuzz_${name} PRIVATE entasis_flags entasis_internal ZLIB::ZLIB)
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(fuzz_${name} PROPERTIES
    CXX_EXTENSIONS OFF
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")

  set(learned "${PROJECT_BINARY_DIR}/fuzz/${name}")
  file(MAKE_DIRECTORY "${learned}")
  set(seeds "")
  if(IS_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}")
    set(seeds "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}")
  endif()
  add_test(NAME ${ENTASIS_TEST_PREFIX}fuzz.${name}
           COMMAND fuzz_${name} -max_total_time=${ENTASIS_FUZZ_SECONDS} -print_final_stats=1
                   -artifact_prefix=${PROJECT_BINARY_DIR}/fuzz/ "${learned}" ${seeds})
  math(EXPR timeout "${ENTASIS_FUZZ_SECONDS} + 120")
  # COST: the longest tests start first.
  set_tests_properties(${ENTASIS_TEST_PREFIX}fuzz.${name} PROPERTIES
    LABELS fuzz TIMEOUT ${timeout} COST 1000)
endforeach()
