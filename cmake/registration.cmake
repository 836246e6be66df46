# Writes registration.cpp: the list of all rows, kernels and backends, by the names of their files.
# A file that lacks its symbol is a link error; a static archive loses nothing, since everything is
# reached from here. The file's place says what it defines, in namespace entasis:
#
#   ops/<stem>.cpp             extern const RowList rows_<stem>
#   kernels/cpu/<stem>.cpp     void register_cpu_<stem>(Kernels&)
#   kernels/cuda/<stem>.cu     void register_cuda_<stem>(Kernels&), called by the CUDA plugin
#   backends/cpu/backend.cpp   void register_cpu_backend()
#
# Files in subfolders and files named *_internal.cpp are helpers and define none of these.
function(entasis_stems folder result)
  file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp"
       "${PROJECT_SOURCE_DIR}/${folder}/*.cu")
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

# These lines fill the template cmake/registration.cpp.in.
entasis_lines("${_row_stems}" "extern const RowList rows_#;" ENTASIS_ROW_DECLARATIONS)
entasis_lines("${_row_stems}" "      &rows_#," ENTASIS_ROW_POINTERS)
entasis_lines("${_kernel_stems}" "void register_cpu_#(Kernels& kernels);"
              ENTASIS_KERNEL_DECLARATIONS)
entasis_lines("${_kernel_stems}" "  register_cpu_#(kernels);" ENTASIS_KERNEL_CALLS)

set(ENTASIS_REGISTRATION_SOURCE "${PROJECT_BINARY_DIR}/registration.cpp")
configure_file("${PROJECT_SOURCE_DIR}/cmake/registration.cpp.in" "${ENTASIS_REGISTRATION_SOURCE}"
               @ONLY)

# The same for the CUDA plugin: cmake/registration_cuda.cpp.in.
entasis_stems(kernels/cuda _cuda_stems)
entasis_lines("${_cuda_stems}" "void register_cuda_#(Kernels& kernels);"
              ENTASIS_CUDA_KERNEL_DECLARATIONS)
entasis_lines("${_cuda_stems}" "  register_cuda_#(kernels);" ENTASIS_CUDA_KERNEL_CALLS)
set(ENTASIS_CUDA_REGISTRATION_SOURCE "${PROJECT_BINARY_DIR}/registration_cuda.cpp")
configure_file("${PROJECT_SOURCE_DIR}/cmake/registration_cuda.cpp.in"
               "${ENTASIS_CUDA_REGISTRATION_SOURCE}" @ONLY)
