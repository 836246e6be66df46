# Makes entasis_formulas.h, a private header with the texts of kernels/formulas as strings: what a
# compiler of fused kernels pastes together. Written at configuration, again when a text changes.
file(GLOB _entasis_formula_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/formulas/*.inc")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_entasis_formula_files})

set(_entasis_formula_texts "")
foreach(path IN LISTS _entasis_formula_files)
  cmake_path(GET path STEM name)
  file(READ "${path}" text)
  string(APPEND _entasis_formula_texts "    {\"${name}\", R\"formula(${text})formula\"},\n")
endforeach()

file(CONFIGURE OUTPUT "${ENTASIS_INCLUDE_DIR}/entasis_formulas.h" @ONLY CONTENT [=[
// Written by cmake/formulas.cmake. Private: never installed.
#pragma once

namespace entasis {

struct FormulaText {
  const char* name;
  const char* text;
};
inline constexpr FormulaText kFormulaTexts[] = {
@_entasis_formula_texts@};

}  // namespace entasis
]=])
