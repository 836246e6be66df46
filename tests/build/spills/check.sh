#!/usr/bin/env bash
# check.sh NVCC FLAG...: with the flags that kernels are compiled with, ptxas refuses what spills
# registers or lies in local memory, and takes what does not.
set -u
folder=$(dirname "$0")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0
for source in "$folder"/*.cu; do
  name=$(basename "$source" .cu)
  "$@" -arch=sm_90 -c "$source" -o "$out/$name.o" >"$out/$name.txt" 2>&1
  refused=$?
  if [[ $name == clean ]]; then
    if [[ $refused -ne 0 ]]; then
      echo "$name.cu was refused:" && cat "$out/$name.txt"
      failed=1
    fi
  elif [[ $refused -eq 0 ]] || ! grep -qi 'local memory\|spill' "$out/$name.txt"; then
    echo "$name.cu was not refused for its memory:" && cat "$out/$name.txt"
    failed=1
  fi
done
exit $failed
