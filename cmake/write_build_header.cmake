# The script behind build_header.cmake: writes OUTPUT, and only if its text would change, so that
# nothing is compiled again for nothing.
execute_process(
  COMMAND "${COMPILER}" -std=c++20 -x c++ -dM -E -include version /dev/null
  OUTPUT_VARIABLE macros
  COMMAND_ERROR_IS_FATAL ANY)
set(abi "")
foreach(macro IN ITEMS __GXX_ABI_VERSION _GLIBCXX_USE_CXX11_ABI _GLIBCXX_RELEASE __VERSION__)
  string(REGEX MATCH "#define ${macro} [^\n]*" definition "${macros}")
  string(APPEND abi "${definition}\n")
endforeach()

set(text "${VERSION}\n${COMPILER_ID}\n${abi}")
file(STRINGS "${HEADER_LIST}" headers)
foreach(header IN LISTS headers)
  file(SHA256 "${SOURCE_DIR}/${header}" hash)
  string(APPEND text "${header} ${hash}\n")
endforeach()
string(SHA256 id "${text}")

file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [=[
// Written by cmake/write_build_header.cmake. Private: never installed.
#pragma once

#define ENTASIS_VERSION "@VERSION@"
#define ENTASIS_BUILD_ID "@id@"
]=])
