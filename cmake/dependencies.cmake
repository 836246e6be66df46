# What the library links: Highway and zlib, and nlohmann-json's headers; all private. Each missing
# one is named together with its Debian package.
function(entasis_require package debian_package)
  find_package(${package} ${ARGN} QUIET GLOBAL)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "Entasis needs ${package}: apt-get install ${debian_package}")
  endif()
endfunction()

find_package(Threads REQUIRED)
entasis_require(hwy libhwy-dev CONFIG)
entasis_require(ZLIB zlib1g-dev)
entasis_require(nlohmann_json nlohmann-json3-dev CONFIG)
