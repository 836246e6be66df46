# Builds and runs examples/consumer as a user would, WAY = package | subdirectory, LINKAGE = shared
# | static. The package comes from an install into a fresh folder: of the build under test where it
# has the linkage asked for, else of a second build, whose objects come out of ccache because they
# are compiled by the same commands.
set(work "${BUILD_DIR}/consumer/${WAY}_${LINKAGE}")
set(prefix "${work}/prefix")
if(LINKAGE STREQUAL "shared")
  set(shared ON)
else()
  set(shared OFF)
endif()

function(run)
  execute_process(COMMAND ${ARGN}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${result}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# The flags of the build under test, so that ccache knows its objects.
set(same_build
  -G "${GENERATOR}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
  "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DENTASIS_WERROR=${WERROR}"
  "-DENTASIS_INCLUDE_DIR=${INCLUDE_DIR}" "-DBUILD_SHARED_LIBS=${shared}")

# Configured and built afresh; only what is compiled from the checkout may stay from the last run.
file(REMOVE_RECURSE "${prefix}" "${work}/build/CMakeCache.txt")
if(WAY STREQUAL "subdirectory")
  set(way_options "-DENTASIS_CHECKOUT=${SOURCE_DIR}" ${same_build})
else()
  if(shared AND BUILD_IS_SHARED OR NOT shared AND NOT BUILD_IS_SHARED)
    set(installed_build "${BUILD_DIR}")
  else()
    set(installed_build "${work}/entasis")
    run("${CMAKE_COMMAND}" -S "${SOURCE_DIR}" -B "${installed_build}" ${same_build}
        -DENTASIS_BUILD_TESTS=OFF -DENTASIS_BUILD_PROGRAMS=OFF -DENTASIS_BUILD_BENCH=OFF)
    run("${CMAKE_COMMAND}" --build "${installed_build}" --parallel 2)
  endif()
  run("${CMAKE_COMMAND}" --install "${installed_build}" --prefix "${prefix}" --strip)
  set(way_options -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
                  "-DCMAKE_PREFIX_PATH=${prefix}")
endif()

run("${CMAKE_COMMAND}" -S "${SOURCE_DIR}/examples/consumer" -B "${work}/build" ${way_options}
    "-DCMAKE_PROJECT_consumer_INCLUDE=${CMAKE_CURRENT_LIST_DIR}/list_rows.cmake"
    "-DLIST_ROWS_SOURCE=${CMAKE_CURRENT_LIST_DIR}/list_rows.cpp")
run("${CMAKE_COMMAND}" --build "${work}/build" --parallel 2)

# LD_LIBRARY_PATH could hide a wrong RPATH.
run("${CMAKE_COMMAND}" -E env --unset=LD_LIBRARY_PATH "${work}/build/consumer")
if(NOT output MATCHES "1[^0-9]+1[^0-9]+1[^0-9]+1[^0-9]+1[^0-9]+1")
  message(FATAL_ERROR "The consumer should print a tensor of six ones, but prints:\n${output}")
endif()
message(STATUS "consumer prints:\n${output}")

# No op and no kernel gets lost on the way, least of all from a static archive.
run("${LIST_ROWS}")
set(expected "${output}")
run("${CMAKE_COMMAND}" -E env --unset=LD_LIBRARY_PATH "${work}/build/list_rows")
if(NOT output STREQUAL expected OR NOT output MATCHES "row .*op .*kernel")
  message(FATAL_ERROR "The consumer sees these rows and ops:\n${output}\nexpected:\n${expected}")
endif()

# What needs a newer CPU than the loader's own says so to the loader.
if(NOT shared AND CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL "x86_64")
  run(readelf -n "${work}/build/consumer")
  if(NOT output MATCHES "x86-64-v2")
    message(FATAL_ERROR "A program with the static library is not marked as needing x86-64-v2.")
  endif()
endif()

# Installed programs find the library beside them wherever the tree is moved to.
if(WAY STREQUAL "package" AND shared AND EXISTS "${prefix}/bin/entasis-info")
  file(REMOVE_RECURSE "${work}/moved")
  file(RENAME "${prefix}" "${work}/moved")
  run("${CMAKE_COMMAND}" -E env --unset=LD_LIBRARY_PATH "${work}/moved/bin/entasis-info")
  message(STATUS "entasis-info prints:\n${output}")
  file(REMOVE_RECURSE "${work}/moved")
endif()
