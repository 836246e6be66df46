# Programs: each examples/<name>.cpp, and each folder examples/<name>/ with sources and without a
# CMakeLists.txt of its own, becomes the program entasis-<name> (with - for _) in bin/. CLI11 is
# theirs alone.
entasis_require(CLI11 libcli11-dev CONFIG)

add_custom_target(entasis-programs)

function(entasis_add_program name)
  string(REPLACE "_" "-" target "entasis-${name}")
  add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE entasis_flags Entasis::entasis CLI11::CLI11)
  # Where the data that ships with the examples lies: in the checkout, or, installed, at this path
  # from the folder of the program.
  file(RELATIVE_PATH installed_data "${CMAKE_INSTALL_FULL_BINDIR}"
       "${CMAKE_INSTALL_FULL_DATADIR}/entasis/data")
  target_compile_definitions(${target} PRIVATE
    "ENTASIS_EXAMPLES_DATA=\"${PROJECT_SOURCE_DIR}/examples/data\""
    "ENTASIS_INSTALLED_DATA=\"${installed_data}\"")
  # From bin/ to the library, in the build tree and installed: both trees can be moved.
  file(RELATIVE_PATH to_lib "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(rpath "$ORIGIN/../lib" "$ORIGIN/${to_lib}")
  list(REMOVE_DUPLICATES rpath)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin"
    INSTALL_RPATH "${rpath}"
    BUILD_WITH_INSTALL_RPATH ON)
  add_dependencies(entasis-programs ${target})
  if(NOT name STREQUAL "taste")  # the README's example: to be read, not to be installed
    set_property(GLOBAL APPEND PROPERTY ENTASIS_PROGRAMS ${target})
  endif()
endfunction()

file(GLOB _entasis_program_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*.cpp")
foreach(path IN LISTS _entasis_program_files)
  cmake_path(GET path STEM name)
  entasis_add_program(${name} "${path}")
endforeach()

file(GLOB _entasis_program_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*/*.cpp")
set(_entasis_program_folders "")
foreach(path IN LISTS _entasis_program_files)
  cmake_path(GET path PARENT_PATH folder)
  list(APPEND _entasis_program_folders "${folder}")
endforeach()
list(REMOVE_DUPLICATES _entasis_program_folders)
foreach(folder IN LISTS _entasis_program_folders)
  if(NOT EXISTS "${folder}/CMakeLists.txt")
    cmake_path(GET folder FILENAME name)
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp")
    entasis_add_program(${name} ${sources})
  endif()
endforeach()
