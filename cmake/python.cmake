# The Python package: the extension module from python/src, beside links to python/entasis, in
# python/ of the build tree. ENTASIS_PYTHON=AUTO builds it where Python's headers and nanobind are
# found, ON insists, OFF leaves it out.
set(ENTASIS_PYTHON AUTO CACHE STRING "Build the Python package: AUTO, ON or OFF")
set_property(CACHE ENTASIS_PYTHON PROPERTY STRINGS AUTO ON OFF)
if(NOT ENTASIS_PYTHON)
  return()
endif()

# nanobind comes from PyPI and lies where its Python finds it: in the environment that
# tools/python_env.sh makes, if there is one.
if(NOT DEFINED Python_EXECUTABLE AND EXISTS "${PROJECT_SOURCE_DIR}/build/venv/bin/python")
  set(Python_EXECUTABLE "${PROJECT_SOURCE_DIR}/build/venv/bin/python")
endif()
# scikit-build-core asks for the stable ABI where there is one (pyproject.toml).
find_package(Python 3.11 QUIET COMPONENTS Interpreter Development.Module ${SKBUILD_SABI_COMPONENT})
if(Python_Development.Module_FOUND)
  execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir
    OUTPUT_VARIABLE _entasis_nanobind OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(_entasis_nanobind)
    find_package(nanobind QUIET CONFIG PATHS "${_entasis_nanobind}" NO_DEFAULT_PATH)
  endif()
endif()
if(NOT nanobind_FOUND)
  if(NOT ENTASIS_PYTHON STREQUAL "AUTO")
    message(FATAL_ERROR "The Python package needs Python 3.11 or newer with its headers "
                        "(apt-get install python3-dev) and nanobind (pip install nanobind)")
  endif()
  return()
endif()

set(ENTASIS_PYTHON_DIR "${PROJECT_BINARY_DIR}/python")
file(GLOB _entasis_python_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/python/src/*.cpp")
nanobind_add_module(entasis_python NB_STATIC STABLE_ABI NOMINSIZE NOSTRIP NB_DOMAIN entasis
                    ${_entasis_python_sources})
target_link_libraries(entasis_python PRIVATE entasis_flags Entasis::entasis)
target_include_directories(entasis_python PRIVATE "${ENTASIS_INCLUDE_DIR}")
set_target_properties(entasis_python PROPERTIES
  OUTPUT_NAME _entasis
  CXX_EXTENSIONS OFF
  LIBRARY_OUTPUT_DIRECTORY "${ENTASIS_PYTHON_DIR}/entasis"
  # In the build tree the library lies in lib/; in a wheel beside the module.
  BUILD_RPATH_USE_ORIGIN ON
  INSTALL_RPATH "$ORIGIN")

file(GLOB_RECURSE _entasis_python_files CONFIGURE_DEPENDS
     RELATIVE "${PROJECT_SOURCE_DIR}/python" "${PROJECT_SOURCE_DIR}/python/entasis/*.py")
foreach(file IN LISTS _entasis_python_files)
  cmake_path(GET file PARENT_PATH folder)
  file(MAKE_DIRECTORY "${ENTASIS_PYTHON_DIR}/${folder}")
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/python/${file}" "${ENTASIS_PYTHON_DIR}/${file}" SYMBOLIC)
endforeach()

# The type stubs, from what the built module says of itself.
list(TRANSFORM _entasis_python_files PREPEND "${PROJECT_SOURCE_DIR}/python/")
set(_entasis_stubs "${ENTASIS_PYTHON_DIR}/entasis/_entasis.pyi")
add_custom_command(
  OUTPUT "${_entasis_stubs}"
  COMMAND "${CMAKE_COMMAND}" -E env "PYTHONPATH=${ENTASIS_PYTHON_DIR}"
          "${Python_EXECUTABLE}" -B "${PROJECT_SOURCE_DIR}/tools/python_stubs.py"
          "${ENTASIS_PYTHON_DIR}/entasis"
  DEPENDS entasis_python "${PROJECT_SOURCE_DIR}/tools/python_stubs.py" ${_entasis_python_files}
  COMMENT "Writing the type stubs of the Python package"
  VERBATIM)
add_custom_target(entasis_python_stubs ALL DEPENDS "${_entasis_stubs}")
