# Finds the sources and headers of the library by their place in the tree. A new file is seen at the
# next build (CONFIGURE_DEPENDS).
#
#   ENTASIS_SOURCES          every .cpp of the library
#   ENTASIS_PUBLIC_HEADERS   headers that are installed, relative to the checkout: neither ending in
#                            _internal.h nor lying in a folder internal/
set(ENTASIS_FOLDERS core backends/cpu ops kernels/cpu nn optim data io train models)

set(_entasis_source_globs "")
set(_entasis_header_globs entasis.h)
foreach(folder IN LISTS ENTASIS_FOLDERS)
  list(APPEND _entasis_source_globs "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
  if(NOT folder MATCHES "^kernels")  # Kernels are reached through ops, never included.
    list(APPEND _entasis_header_globs "${folder}/*.h")
  endif()
endforeach()

file(GLOB_RECURSE ENTASIS_SOURCES CONFIGURE_DEPENDS ${_entasis_source_globs})

list(TRANSFORM _entasis_header_globs PREPEND "${PROJECT_SOURCE_DIR}/")
file(GLOB_RECURSE ENTASIS_PUBLIC_HEADERS CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
     ${_entasis_header_globs})
# GLOB_RECURSE looks for entasis.h in every folder; only the one at the top counts.
list(FILTER ENTASIS_PUBLIC_HEADERS EXCLUDE REGEX "(^|/)internal/|_internal\\.h$|/entasis\\.h$")

if(NOT ENTASIS_SOURCES)
  message(FATAL_ERROR "No sources found below ${PROJECT_SOURCE_DIR}.")
endif()

# The <entasis/...> prefix: one symbolic link to the checkout.
file(MAKE_DIRECTORY "${ENTASIS_INCLUDE_DIR}")
set(_entasis_link_target "")
if(IS_SYMLINK "${ENTASIS_INCLUDE_DIR}/entasis")
  file(READ_SYMLINK "${ENTASIS_INCLUDE_DIR}/entasis" _entasis_link_target)
endif()
if(NOT _entasis_link_target STREQUAL PROJECT_SOURCE_DIR)
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}" "${ENTASIS_INCLUDE_DIR}/entasis" SYMBOLIC)
endif()
