#!/bin/sh
# Sees to a CUDA toolkit to compile with: cuda_toolkit.sh FOLDER. Where none is installed, the parts
# that are needed are fetched from PyPI into the Python environment FOLDER (2 GB). Says nothing and
# costs some milliseconds when a toolkit is there.
set -eu

folder=$1
if command -v nvcc >/dev/null || test -x /usr/local/cuda/bin/nvcc || test -n "${CUDACXX:-}" ||
    ls "$folder"/lib/python3*/site-packages/nvidia/*/bin/nvcc >/dev/null 2>&1; then
  exit 0
fi
echo "Fetching the CUDA toolkit's parts from PyPI (once)"
test -x "$folder/bin/python" || python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
  "nvidia-cuda-nvcc>=13,<14" "nvidia-cuda-runtime>=13,<14" "nvidia-cublas>=13,<14" \
  "nvidia-cuda-cccl>=13,<14" nvidia-cudnn-cu13
