# Makes from kernels/formulas, again whenever a text there changes:
#
#   entasis_formulas.h    the texts as strings, by name: what a compiler of fused kernels pastes
#                         together. Private.
#   entasis_formulas.inc  all texts, to be pasted where a machine has declared its primitives, and
#                         for each a type: FormulaAt<i>::of(x...) calls formula i of that header.
#
# So a kernel finds the formula of an op by the op's name, and no list of formulas is kept by hand.

# Functions that every machine brings along (dual.inc lists all) and that are an op's whole formula.
set(ENTASIS_PRIMITIVES
  abs maximum minimum floor ceil round trunc
  exp exp2 expm1 log log2 log10 log1p sqrt rsqrt pow
  sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
  sigmoid erf erf_gaussian erfc erfinv lgamma
  atan2 copysign fmod gcd hypot bitwise_left_shift bitwise_right_shift)

file(GLOB _entasis_formula_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/formulas/*.inc")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_entasis_formula_files})

set(_entasis_names ${ENTASIS_PRIMITIVES})
set(_entasis_formula_texts "")
set(_entasis_includes "")
foreach(name IN LISTS ENTASIS_PRIMITIVES)
  string(APPEND _entasis_formula_texts "    {\"${name}\", \"\"},\n")
endforeach()
foreach(path IN LISTS _entasis_formula_files)
  cmake_path(GET path STEM name)
  file(READ "${path}" text)
  string(APPEND _entasis_formula_texts "    {\"${name}\", R\"formula(${text})formula\"},\n")
  list(APPEND _entasis_names "${name}")
  if(NOT name MATCHES "^(primitives|dual)$")
    string(APPEND _entasis_includes "#include <entasis/kernels/formulas/${name}.inc>\n")
  endif()
endforeach()

set(_entasis_formula_types "")
set(_entasis_index 0)
foreach(name IN LISTS _entasis_names)
  if(NOT name MATCHES "^(primitives|dual)$")
    string(APPEND _entasis_formula_types "
template <>
struct FormulaAt<${_entasis_index}> {
  template <class... V>
  static FORMULA auto of(V... x) {
    return ${name}(x...);
  }
};
")
  endif()
  math(EXPR _entasis_index "${_entasis_index} + 1")
endforeach()

file(CONFIGURE OUTPUT "${ENTASIS_INCLUDE_DIR}/entasis_formulas.h" @ONLY CONTENT [=[
// Written by cmake/formulas.cmake. Private: never installed.
#pragma once

namespace entasis {

struct FormulaText {
  const char* name;
  const char* text;  // empty for a primitive
};
inline constexpr FormulaText kFormulaTexts[] = {
@_entasis_formula_texts@};

}  // namespace entasis
]=])

file(CONFIGURE OUTPUT "${ENTASIS_INCLUDE_DIR}/entasis_formulas.inc" @ONLY CONTENT [=[
// Written by cmake/formulas.cmake. Private: never installed.
#include <entasis/kernels/formulas/primitives.inc>

#include <entasis/kernels/formulas/dual.inc>

@_entasis_includes@
template <int index>
struct FormulaAt;
@_entasis_formula_types@
// The function that computes an op, or the slope that its backward op multiplies by.
template <class Op>
struct FormulaOf : FormulaAt<formula_index(formula_name<Op>())> {};
template <class Op>
  requires(!has_formula(BackwardOf<Op>::name))
struct FormulaOf<BackwardOf<Op>> : SlopeOf<FormulaOf<Op>> {};
]=])
