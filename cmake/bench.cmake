# Benchmarks: bench/*.cpp become one program, entasis-bench, which is not installed. With a
# CMakeLists.txt of its own the folder takes care of itself and makes a target of that name.
if(EXISTS "${PROJECT_SOURCE_DIR}/bench/CMakeLists.txt")
  add_subdirectory(bench)
else()
  file(GLOB _entasis_bench_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bench/*.cpp")
  if(_entasis_bench_files)
    entasis_require(CLI11 libcli11-dev CONFIG)
    add_executable(entasis-bench ${_entasis_bench_files})
    target_link_libraries(entasis-bench PRIVATE entasis_flags Entasis::entasis CLI11::CLI11)
    set_target_properties(entasis-bench PROPERTIES
      CXX_EXTENSIONS OFF
      RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  endif()
endif()
