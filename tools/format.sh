#!/usr/bin/env bash
# Formats all C++ sources with clang-format 16, or with --check only says which lines would change.
# Formulas (.inc) are included: they are C++ too.
set -euo pipefail
cd "$(dirname "$0")/.."

options=(-i)
if [[ ${1:-} == --check ]]; then
  options=(--dry-run --Werror)
fi

find . \( -path ./build -o -path ./runs -o -path './.*' \) -prune -o -type f \
  \( -name '*.h' -o -name '*.cpp' -o -name '*.inc' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
  xargs -0 --no-run-if-empty -n 16 -P "$(nproc)" clang-format-16 --style=file "${options[@]}"
