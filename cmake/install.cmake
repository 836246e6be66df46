# Installs the library, its public headers, the programs with their data, and the CMake package
# Entasis with the target Entasis::entasis.
include(CMakePackageConfigHelpers)

install(TARGETS entasis EXPORT EntasisTargets
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(TARGET entasis_cuda AND BUILD_SHARED_LIBS)
  # A plugin: found beside the library at run time, never linked.
  install(TARGETS entasis_cuda LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()

get_property(_entasis_programs GLOBAL PROPERTY ENTASIS_PROGRAMS)
if(_entasis_programs)
  install(TARGETS ${_entasis_programs} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  if(EXISTS "${PROJECT_SOURCE_DIR}/examples/data")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/data/"
            DESTINATION "${CMAKE_INSTALL_DATADIR}/entasis/data")
  endif()
endif()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(_entasis_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Entasis")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/EntasisConfig.cmake.in" "${PROJECT_BINARY_DIR}/EntasisConfig.cmake"
  INSTALL_DESTINATION "${_entasis_package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/EntasisConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/EntasisConfig.cmake"
              "${PROJECT_BINARY_DIR}/EntasisConfigVersion.cmake"
        DESTINATION "${_entasis_package_dir}")
install(EXPORT EntasisTargets NAMESPACE Entasis:: DESTINATION "${_entasis_package_dir}")
