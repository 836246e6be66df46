# The CUDA backend: the plugin libentasis_cuda.so, or with a static library the archive that
# Entasis::cuda links into programs.
#
#   ENTASIS_CUDA=AUTO   built where a toolkit and a driver are found; for a wheel, which is made to go
#                       elsewhere, the toolkit is enough
#   ENTASIS_CUDA=ON     built; needs a toolkit, but neither driver nor GPU
#   ENTASIS_CUDA=OFF    not built
#
# The toolkit is looked for by CMAKE_CUDA_COMPILER, CUDACXX and PATH, in /usr/local/cuda and in the
# nvidia-* packages of PyPI, where tools/cuda_toolkit.sh puts it. CMAKE_CUDA_ARCHITECTURES is the user's; by default it is CUDAARCHS of
# the environment, else the machine's own GPU, or without one everything from sm_80 to sm_120.
#
# Defines, also where the plugin is not built:
#   ENTASIS_CUDA_SOURCES          the backend's .cpp files and the plugin's entry
#   ENTASIS_CUDA_LIBRARY_SOURCES  those of them that call cuBLASLt and cuDNN
#   ENTASIS_CUDA_KERNELS          the .cu files
#   ENTASIS_CUDA_INCLUDE_DIR      the folder of cuda_runtime.h; NOTFOUND without a toolkit
set(ENTASIS_CUDA AUTO CACHE STRING "Build the CUDA backend: AUTO, ON or OFF")
set_property(CACHE ENTASIS_CUDA PROPERTY STRINGS AUTO ON OFF)
option(ENTASIS_CUDA_LINEINFO "Put source lines into CUDA kernels, for profilers (three times the size)"
       OFF)

file(GLOB_RECURSE ENTASIS_CUDA_SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/backends/cuda/*.cpp")
list(APPEND ENTASIS_CUDA_SOURCES "${ENTASIS_CUDA_REGISTRATION_SOURCE}")
set(ENTASIS_CUDA_LIBRARY_SOURCES ${ENTASIS_CUDA_SOURCES})
list(FILTER ENTASIS_CUDA_LIBRARY_SOURCES INCLUDE REGEX "backends/cuda/(internal/)?(blas|dnn)[^/]*$")
file(GLOB_RECURSE ENTASIS_CUDA_KERNELS CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/cuda/*.cu")

# Where PyPI's packages put the toolkit: site-packages/nvidia/cu13, older ones a folder for each part.
file(GLOB _entasis_wheels
     "${PROJECT_SOURCE_DIR}/build/venv/lib/python3*/site-packages/nvidia/*"
     "/usr/lib/python3/dist-packages/nvidia/*" "/usr/local/lib/python3*/dist-packages/nvidia/*")
set(_entasis_cuda_roots "$ENV{CUDA_HOME}" "$ENV{CUDA_PATH}" /usr/local/cuda ${_entasis_wheels})
find_program(ENTASIS_NVCC nvcc HINTS "$ENV{CUDACXX}" PATHS ${_entasis_cuda_roots} PATH_SUFFIXES bin
             DOC "The CUDA compiler")
if(ENTASIS_NVCC)
  file(REAL_PATH "${ENTASIS_NVCC}" _entasis_nvcc)
  cmake_path(GET _entasis_nvcc PARENT_PATH _entasis_cuda_home)
  cmake_path(GET _entasis_cuda_home PARENT_PATH _entasis_cuda_home)
  list(PREPEND _entasis_cuda_roots "${_entasis_cuda_home}")
endif()
find_path(ENTASIS_CUDA_INCLUDE_DIR cuda_runtime.h PATHS ${_entasis_cuda_roots}
          PATH_SUFFIXES include NO_DEFAULT_PATH DOC "Where CUDA's headers are")
# The library itself is opened when a program first convolves.
find_path(ENTASIS_CUDNN_INCLUDE_DIR cudnn_graph.h PATHS ${_entasis_cuda_roots} /usr/include
          PATH_SUFFIXES include NO_DEFAULT_PATH DOC "Where cuDNN's headers are")
mark_as_advanced(ENTASIS_NVCC ENTASIS_CUDA_INCLUDE_DIR ENTASIS_CUDNN_INCLUDE_DIR)

set(ENTASIS_HAS_CUDA OFF)
if(ENTASIS_CUDA STREQUAL "AUTO")
  if(ENTASIS_NVCC AND ENTASIS_CUDA_INCLUDE_DIR AND ENTASIS_CUDNN_INCLUDE_DIR
     AND (EXISTS /proc/driver/nvidia/version OR EXISTS /dev/dxg OR DEFINED SKBUILD))
    set(ENTASIS_HAS_CUDA ON)
  endif()
elseif(ENTASIS_CUDA)
  if(NOT ENTASIS_NVCC OR NOT ENTASIS_CUDA_INCLUDE_DIR)
    message(FATAL_ERROR "ENTASIS_CUDA=ON needs the CUDA toolkit: in /usr/local/cuda, or nvcc on PATH, "
                        "or CMAKE_CUDA_COMPILER.")
  endif()
  if(NOT ENTASIS_CUDNN_INCLUDE_DIR)
    message(FATAL_ERROR "ENTASIS_CUDA=ON needs cuDNN 9's headers: beside the toolkit's, or from "
                        "PyPI's nvidia-cudnn-cu13.")
  endif()
  set(ENTASIS_HAS_CUDA ON)
endif()
if(NOT ENTASIS_HAS_CUDA)
  return()
endif()

if(NOT DEFINED CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER "${ENTASIS_NVCC}")
endif()
if(NOT DEFINED CMAKE_CUDA_HOST_COMPILER)
  set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  if(DEFINED ENV{CUDAARCHS})  # by itself CMake reads it in the first configuration alone
    set(CMAKE_CUDA_ARCHITECTURES "$ENV{CUDAARCHS}")
  elseif(EXISTS /proc/driver/nvidia/version)
    set(CMAKE_CUDA_ARCHITECTURES native)
  else()
    set(CMAKE_CUDA_ARCHITECTURES 80-real 86-real 89-real 90-real 100-real 120)
  endif()
endif()
if(CCACHE_PROGRAM AND NOT DEFINED CMAKE_CUDA_COMPILER_LAUNCHER)
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()
enable_language(CUDA)

function(entasis_cuda_library result)
  find_library(${result} ${ARGN} PATHS ${_entasis_cuda_roots} PATH_SUFFIXES lib64 lib
               NO_DEFAULT_PATH REQUIRED)
  mark_as_advanced(${result})
endfunction()
entasis_cuda_library(ENTASIS_CUDART_STATIC NAMES libcudart_static.a)
entasis_cuda_library(ENTASIS_CUBLASLT NAMES cublasLt libcublasLt.so.13)

# No kernel may spill registers or keep anything in local memory: ptxas says so (tests/build/spills).
# A file whose comment says why, after the words "Local memory:", may have a stack frame.
set(ENTASIS_PTXAS_GATES -Xptxas=--warn-on-local-memory-usage,--warn-on-spills)
set(_entasis_frame_gates -Xptxas=--warn-on-spills)
if(ENTASIS_WERROR)
  list(APPEND ENTASIS_PTXAS_GATES -Xptxas=-Werror)
  list(APPEND _entasis_frame_gates -Xptxas=-Werror)
endif()
set(_entasis_framed_kernels)
foreach(file IN LISTS ENTASIS_CUDA_KERNELS)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(STRINGS "${file}" says_why REGEX "// .*Local memory:" LIMIT_COUNT 1)
  if(says_why)
    list(APPEND _entasis_framed_kernels "${file}")
  endif()
endforeach()
set(_entasis_plain_kernels ${ENTASIS_CUDA_KERNELS})
list(REMOVE_ITEM _entasis_plain_kernels ${_entasis_framed_kernels})
add_library(entasis_cuda_backend OBJECT ${ENTASIS_CUDA_SOURCES})
target_link_libraries(entasis_cuda_backend PRIVATE entasis_flags)
add_library(entasis_cuda_kernels OBJECT ${_entasis_plain_kernels})
add_library(entasis_cuda_framed_kernels OBJECT ${_entasis_framed_kernels})
# The standard is given as an option: CMake 3.25 does not know that nvcc 13 has it.
# Products and sums are not contracted, so that fused kernels give the bits of single ones; a formula
# that wants a fused multiply-add says so. constexpr functions of the host serve kernels too.
function(entasis_kernel_options target)
  target_compile_options(${target} PRIVATE
    -std=c++20 --fmad=false --expt-relaxed-constexpr --compress-mode=size
    $<$<BOOL:${ENTASIS_CUDA_LINEINFO}>:-lineinfo>
    -Xcompiler=-ffp-contract=off,-Wall,-Wextra,-fno-strict-aliasing
    ${ARGN}
    $<$<BOOL:${ENTASIS_WERROR}>:-Xcompiler=-Werror> $<$<BOOL:${ENTASIS_WERROR}>:--Werror=all-warnings>)
endfunction()
entasis_kernel_options(entasis_cuda_kernels ${ENTASIS_PTXAS_GATES})
entasis_kernel_options(entasis_cuda_framed_kernels ${_entasis_frame_gates})
foreach(part IN ITEMS entasis_cuda_backend entasis_cuda_kernels entasis_cuda_framed_kernels)
  set_target_properties(${part} PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    CUDA_EXTENSIONS ON  # no option for a standard of CMake's choice
    CUDA_VISIBILITY_PRESET hidden)
  target_include_directories(${part} PRIVATE "${ENTASIS_INCLUDE_DIR}")
  target_include_directories(${part} SYSTEM PRIVATE
    "${ENTASIS_CUDA_INCLUDE_DIR}" "${ENTASIS_CUDNN_INCLUDE_DIR}")
  add_dependencies(${part} entasis_build_header)
endforeach()
set(_entasis_cuda_objects
  $<TARGET_OBJECTS:entasis_cuda_backend> $<TARGET_OBJECTS:entasis_cuda_kernels>
  $<TARGET_OBJECTS:entasis_cuda_framed_kernels>)

if(BUILD_SHARED_LIBS)
  add_library(entasis_cuda SHARED ${_entasis_cuda_objects})
  target_link_libraries(entasis_cuda PRIVATE Entasis::entasis)
  target_link_options(entasis_cuda PRIVATE LINKER:-z,defs LINKER:--exclude-libs,ALL
                      LINKER:-z,nodelete)
else()
  target_compile_definitions(entasis_cuda_backend PRIVATE ENTASIS_CUDA_LINKED)
  add_library(entasis_cuda STATIC ${_entasis_cuda_objects})
  target_link_libraries(entasis_cuda PUBLIC Entasis::entasis)
  # Nothing refers to the backend; the linker is told to take it.
  target_link_options(entasis_cuda INTERFACE LINKER:-u,entasis_cuda_plugin)
endif()
add_library(Entasis::cuda ALIAS entasis_cuda)
cmake_path(GET ENTASIS_CUBLASLT PARENT_PATH _entasis_cublas_folder)
set_target_properties(entasis_cuda PROPERTIES
  LINKER_LANGUAGE CXX
  BUILD_RPATH "$ORIGIN;${_entasis_cublas_folder}"
  # Beside the library; CUDA's libraries may come from PyPI's packages beside a Python package.
  INSTALL_RPATH "$ORIGIN;$ORIGIN/../nvidia/cu13/lib;$ORIGIN/../nvidia/cudnn/lib;$ORIGIN/../../nvidia/cu13/lib;$ORIGIN/../../nvidia/cudnn/lib"
  ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib"
  LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
# What holds the backend needs these; cuDNN is opened at run time.
function(entasis_link_cuda_libraries target)
  target_include_directories(${target} SYSTEM PRIVATE
    "${ENTASIS_CUDA_INCLUDE_DIR}" "${ENTASIS_CUDNN_INCLUDE_DIR}")
  target_link_libraries(${target} PRIVATE
    "${ENTASIS_CUDART_STATIC}" "${ENTASIS_CUBLASLT}" Threads::Threads ${CMAKE_DL_LIBS} rt)
endfunction()
entasis_link_cuda_libraries(entasis_cuda)
