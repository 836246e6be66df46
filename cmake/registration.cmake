# Writes registration.cpp: the list of all rows, kernels and backends, by the names of their files.
# A file that lacks its symbol is a link error; a static archive loses nothing, since everything is
# reached from here. The file's place says what it defines, in namespace entasis:
#
#   ops/<stem>.cpp                  extern const RowList rows_<stem>
#   kernels/cpu/<stem>.cpp          void register_cpu_<stem>(Kernels&)
#   backends/<device>/backend.cpp   void register_<device>_backend()
#
# Files in subfolders and files named *_internal.cpp are helpers and define none of these.
function(entasis_stems folder result)
  file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
  list(FILTER files EXCLUDE REGEX "_internal\\.cpp$")
  set(stems "")
  foreach(path IN LISTS files)
    cmake_path(GET path STEM stem)
    list(APPEND stems "${stem}")
  endforeach()
  set(${result} "${stems}" PARENT_SCOPE)
endfunction()

# One line for each stem, made from `template`, in which # stands for the stem.
function(entasis_lines stems template result)
  set(lines "")
  foreach(stem IN LISTS stems)
    string(REPLACE "#" "${stem}" line "${template}")
    string(APPEND lines "${line}\n")
  endforeach()
  string(STRIP "${lines}" lines)
  set(${result} "${lines}" PARENT_SCOPE)
endfunction()

entasis_stems(ops _row_stems)
entasis_stems(kernels/cpu _kernel_stems)

file(GLOB _backend_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/backends/*/backend.cpp")
list(TRANSFORM _backend_files REPLACE ".*/([^/]+)/backend\\.cpp$" "\\1" OUTPUT_VARIABLE _backends)

# These lines fill the template cmake/registration.cpp.in.
entasis_lines("${_row_stems}" "extern const RowList rows_#;" ENTASIS_ROW_DECLARATIONS)
entasis_lines("${_row_stems}" "      &rows_#," ENTASIS_ROW_POINTERS)
entasis_lines("${_kernel_stems}" "void register_cpu_#(Kernels& kernels);"
              ENTASIS_KERNEL_DECLARATIONS)
entasis_lines("${_kernel_stems}" "  register_cpu_#(kernels);" ENTASIS_KERNEL_CALLS)
entasis_lines("${_backends}" "void register_#_backend();" ENTASIS_BACKEND_DECLARATIONS)
entasis_lines("${_backends}" "  register_#_backend();" ENTASIS_BACKEND_CALLS)

set(ENTASIS_REGISTRATION_SOURCE "${PROJECT_BINARY_DIR}/registration.cpp")
configure_file("${PROJECT_SOURCE_DIR}/cmake/registration.cpp.in" "${ENTASIS_REGISTRATION_SOURCE}"
               @ONLY)
