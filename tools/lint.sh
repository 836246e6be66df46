#!/usr/bin/env bash
# Runs clang-tidy by .clang-tidy over the library and its programs: lint.sh BUILD_DIR [FILE...].
# BUILD_DIR holds compile_commands.json. Kernels are left out: Highway compiles each file once for
# every target, which clang-tidy would take minutes over.
set -euo pipefail
cd "$(dirname "$0")/.."

build=$1
shift
if [[ $# -eq 0 ]]; then
  mapfile -t files < <(find core backends ops nn optim data io train models examples \
    -name '*.cpp' -not -path 'examples/consumer/*' 2>/dev/null | sort)
  set -- "${files[@]}"
fi
printf '%s\0' "$@" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy -p "$build" --quiet --warnings-as-errors='*' \
    2> >(grep -v 'warnings\? generated' >&2)
