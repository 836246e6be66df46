# Makes entasis_build.h, a private header with ENTASIS_VERSION and ENTASIS_BUILD_ID. The id tells
# apart builds whose objects do not fit together; a plugin with another id is not loaded. It hashes
# the version, the compiler with its ABI and the text of the public headers, whenever one changes.
set(ENTASIS_BUILD_HEADER "${ENTASIS_INCLUDE_DIR}/entasis_build.h")
set(_entasis_header_list "${PROJECT_BINARY_DIR}/public_headers.txt")
list(JOIN ENTASIS_PUBLIC_HEADERS "\n" _entasis_header_lines)
file(CONFIGURE OUTPUT "${_entasis_header_list}" CONTENT "${_entasis_header_lines}\n")

list(TRANSFORM ENTASIS_PUBLIC_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/"
     OUTPUT_VARIABLE _entasis_header_paths)
set(_entasis_build_stamp "${PROJECT_BINARY_DIR}/entasis_build.stamp")
add_custom_command(
  OUTPUT "${_entasis_build_stamp}"
  BYPRODUCTS "${ENTASIS_BUILD_HEADER}"
  COMMAND "${CMAKE_COMMAND}"
          "-DOUTPUT=${ENTASIS_BUILD_HEADER}"
          "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}"
          "-DHEADER_LIST=${_entasis_header_list}"
          "-DVERSION=${PROJECT_VERSION}"
          "-DCOMPILER=${CMAKE_CXX_COMPILER}"
          "-DCOMPILER_ID=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
          -P "${PROJECT_SOURCE_DIR}/cmake/write_build_header.cmake"
  COMMAND "${CMAKE_COMMAND}" -E touch "${_entasis_build_stamp}"
  DEPENDS ${_entasis_header_paths} "${_entasis_header_list}"
          "${PROJECT_SOURCE_DIR}/cmake/write_build_header.cmake"
  COMMENT "Computing the build id"
  VERBATIM)
add_custom_target(entasis_build_header DEPENDS "${_entasis_build_stamp}")
