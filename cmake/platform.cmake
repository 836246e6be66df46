# What Entasis builds on: Linux on x86-64 or aarch64, with g++ 12, clang 14 or newer. Everything
# else stops here with one line.
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  message(FATAL_ERROR "Entasis is not supported on ${CMAKE_SYSTEM_NAME} yet, only on Linux.")
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  set(ENTASIS_X86 TRUE)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(ENTASIS_X86 FALSE)
else()
  message(FATAL_ERROR "Entasis needs x86-64 or aarch64; this is ${CMAKE_SYSTEM_PROCESSOR}.")
endif()

set(_entasis_oldest_GNU 12)
set(_entasis_oldest_Clang 14)
if(NOT DEFINED _entasis_oldest_${CMAKE_CXX_COMPILER_ID}
   OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS _entasis_oldest_${CMAKE_CXX_COMPILER_ID})
  message(FATAL_ERROR "Entasis needs g++ 12 or clang 14 or newer; this is "
                      "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}.")
endif()

# There are no C++ modules here to look for.
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
  endif()
  find_program(CCACHE_PROGRAM ccache)
  mark_as_advanced(CCACHE_PROGRAM)
  if(CCACHE_PROGRAM AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  endif()
endif()
