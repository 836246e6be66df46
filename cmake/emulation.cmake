# CUDA on the CPU, for tests: kernels and the CUDA backend built by the C++ compiler over the
# emulation in tests/emulation. Needs CUDA's headers only, from a toolkit or PyPI's wheels.
#
#   ENTASIS_EMULATION        whether it can be built
#   ENTASIS_EMULATION_CORE   the sources that are never instrumented

# Some of PyPI's packages keep what the compiler brings in a folder of its own.
find_path(ENTASIS_CUDA_COMPILER_HEADERS crt/host_defines.h PATHS ${_entasis_cuda_roots}
          PATH_SUFFIXES include NO_DEFAULT_PATH)
mark_as_advanced(ENTASIS_CUDA_COMPILER_HEADERS)
if(ENTASIS_CUDA_INCLUDE_DIR AND ENTASIS_CUDA_COMPILER_HEADERS AND NOT ENTASIS_TESTS STREQUAL "gpu")
  set(ENTASIS_EMULATION TRUE)
else()
  set(ENTASIS_EMULATION FALSE)
  return()
endif()

set(_entasis_emulation "${PROJECT_SOURCE_DIR}/tests/emulation")
set(ENTASIS_EMULATION_CORE collectives fiber last_words modules scheduler shared_memory)
list(TRANSFORM ENTASIS_EMULATION_CORE REPLACE "(.+)" "${_entasis_emulation}/\\1.cpp")
file(GLOB _entasis_emulation_runtime CONFIGURE_DEPENDS "${_entasis_emulation}/*.cpp")
list(REMOVE_ITEM _entasis_emulation_runtime ${ENTASIS_EMULATION_CORE}
     "${_entasis_emulation}/order_listener.cpp")

# Kernels ask for unrolled loops, which are for GPUs. With the sanitizers' checks in them clang takes
# many times as long.
set(_entasis_keep_loops "")
if(ENTASIS_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(_entasis_keep_loops -fno-unroll-loops "SHELL:-mllvm -pragma-unroll-threshold=0")
endif()

# How emulated code is compiled: kernels look at the same bytes as numbers of several types.
add_library(entasis_emulation_flags INTERFACE)
target_compile_features(entasis_emulation_flags INTERFACE cxx_std_20)
target_compile_options(entasis_emulation_flags INTERFACE
  -Wall -Wextra -Wno-unknown-pragmas $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>
  # Formulas join masks by & and |; on scalar machines masks are bool.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-bitwise-instead-of-logical> ${_entasis_keep_loops}
  $<$<BOOL:${ENTASIS_WERROR}>:-Werror>
  -ffp-contract=off -fno-strict-aliasing)
target_include_directories(entasis_emulation_flags SYSTEM INTERFACE
  "${ENTASIS_CUDA_INCLUDE_DIR}" "${ENTASIS_CUDA_COMPILER_HEADERS}")
target_include_directories(entasis_emulation_flags INTERFACE
  "${_entasis_emulation}" "${ENTASIS_INCLUDE_DIR}")

# The core switches stacks, so it is never instrumented; see tests/emulation/core.h.
add_library(entasis_emulation_core OBJECT EXCLUDE_FROM_ALL ${ENTASIS_EMULATION_CORE})
target_link_libraries(entasis_emulation_core PRIVATE entasis_emulation_flags)
target_compile_options(entasis_emulation_core PRIVATE -O2)

add_library(entasis_emulation_runtime OBJECT EXCLUDE_FROM_ALL ${_entasis_emulation_runtime})
target_link_libraries(entasis_emulation_runtime PRIVATE entasis_emulation_flags entasis_flags)
set_target_properties(entasis_emulation_core entasis_emulation_runtime PROPERTIES
  POSITION_INDEPENDENT_CODE ON
  CXX_EXTENSIONS OFF)

# Each test case meets another scheduling order in another commit; see tests/emulation/order.h.
execute_process(COMMAND git rev-parse HEAD WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
                OUTPUT_VARIABLE _entasis_commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
file(CONFIGURE OUTPUT "${ENTASIS_INCLUDE_DIR}/entasis_emulation_commit.h" @ONLY CONTENT [=[
// Written by cmake/emulation.cmake at each configuration.
#pragma once

#define ENTASIS_EMULATION_COMMIT "@_entasis_commit@"
]=])

# In how many orders tests that only load emulated kernels run: each case in its own, or all.
option(ENTASIS_EMULATION_ALL_ORDERS "Run emulated tests in six scheduling orders instead of one" OFF)
if(ENTASIS_EMULATION_ALL_ORDERS)
  set(ENTASIS_EMULATION_ORDERS ascending descending 1 2 3 4)
else()
  set(ENTASIS_EMULATION_ORDERS "own")
endif()

# entasis_follow_emulation(<target>) makes a test program tell the emulation, which it links or only
# loads, which test case runs.
function(entasis_follow_emulation target)
  target_sources(${target} PRIVATE
    "${_entasis_emulation}/order_listener.cpp" "${_entasis_emulation}/order.cpp")
  target_include_directories(${target} PRIVATE "${_entasis_emulation}")
endfunction()

# entasis_emulate(<target> [<source>...]) builds the sources, .cu or .cpp, as C++ into the target,
# and with them the emulation. Call it in the folder that made the target: there the .cu files are
# C++. A program, or a library that programs load, holds the emulation once.
function(entasis_emulate target)
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
  target_sources(${target} PRIVATE ${ARGN}
    $<TARGET_OBJECTS:entasis_emulation_core> $<TARGET_OBJECTS:entasis_emulation_runtime>)
  target_link_libraries(${target} PRIVATE entasis_emulation_flags)
endfunction()
