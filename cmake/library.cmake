# The library. Its sources are compiled once, as objects; from them are made
#
#   entasis            the library, shared or static by BUILD_SHARED_LIBS; Entasis::entasis
#   entasis_internal   a static archive for tests that look inside: in the shared library everything
#                      without ENTASIS_API is hidden
add_library(entasis_objects OBJECT ${ENTASIS_SOURCES} "${ENTASIS_REGISTRATION_SOURCE}")
set_target_properties(entasis_objects PROPERTIES
  POSITION_INDEPENDENT_CODE ON
  CXX_EXTENSIONS OFF
  CXX_VISIBILITY_PRESET hidden)
target_include_directories(entasis_objects PRIVATE "${ENTASIS_INCLUDE_DIR}")
target_link_libraries(entasis_objects PRIVATE
  entasis_flags hwy::hwy ZLIB::ZLIB nlohmann_json::nlohmann_json Threads::Threads)
add_dependencies(entasis_objects entasis_build_header)

if(ENTASIS_FUZZ)
  # Only the parsers are instrumented for coverage: they are what the fuzz targets explore, and the
  # other objects serve the sanitizer tests unchanged.
  set(_entasis_parsers ${ENTASIS_SOURCES})
  list(FILTER _entasis_parsers INCLUDE REGEX "^${PROJECT_SOURCE_DIR}/(io|data)/")
  set_source_files_properties(${_entasis_parsers} PROPERTIES
    COMPILE_OPTIONS -fsanitize=fuzzer-no-link)
endif()

# Private dependencies are named again here for the linker: the objects are passed as files.
function(entasis_link_dependencies target)
  target_link_libraries(${target} PRIVATE
    $<BUILD_INTERFACE:entasis_flags> hwy::hwy ZLIB::ZLIB Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

add_library(entasis $<TARGET_OBJECTS:entasis_objects>)
add_library(Entasis::entasis ALIAS entasis)
set(_entasis_prefixed_headers ${ENTASIS_PUBLIC_HEADERS})
list(TRANSFORM _entasis_prefixed_headers PREPEND "${ENTASIS_INCLUDE_DIR}/entasis/")
target_sources(entasis PUBLIC FILE_SET HEADERS
  BASE_DIRS "${ENTASIS_INCLUDE_DIR}"
  FILES ${_entasis_prefixed_headers})
target_compile_features(entasis PUBLIC cxx_std_20)
entasis_link_dependencies(entasis)
set_target_properties(entasis PROPERTIES
  LINKER_LANGUAGE CXX
  VERSION "${PROJECT_VERSION}"
  # No ABI promise before 1.0: each minor version is a library of its own.
  SOVERSION "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}"
  VERIFY_INTERFACE_HEADER_SETS ON
  INSTALL_RPATH "$ORIGIN"
  BUILD_WITH_INSTALL_RPATH ON
  ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib"
  LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
if(BUILD_SHARED_LIBS AND NOT ENTASIS_SANITIZE)
  # A missing kernel or row list fails here, by name, not in the first program. (Sanitizers resolve
  # their run-time library from the program, so there the check is off.)
  target_link_options(entasis PRIVATE LINKER:-z,defs LINKER:--exclude-libs,ALL)
endif()
if(BUILD_SHARED_LIBS)
  # Threads of the pool and tensors on other threads may outlive a dlclose().
  target_link_options(entasis PRIVATE LINKER:-z,nodelete)
else()
  # A program that holds the kernels needs what they need.
  target_link_options(entasis INTERFACE ${ENTASIS_LINK_FLOOR})
endif()

add_library(entasis_internal STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:entasis_objects>)
set_target_properties(entasis_internal PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(entasis_internal PUBLIC cxx_std_20)
target_include_directories(entasis_internal PUBLIC "${ENTASIS_INCLUDE_DIR}")
entasis_link_dependencies(entasis_internal)
add_dependencies(entasis_internal entasis_build_header)
