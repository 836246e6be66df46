#!/usr/bin/env bash
# Checks that a shared library, stripped, is no larger than a limit: library_size.sh FILE MEGABYTES.
# A megabyte is 1,000,000 bytes.
set -euo pipefail

library=$1
limit=$(($2 * 1000000))
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$library"
size=$(stat -c %s "$stripped")
echo "$(basename "$library"): $size bytes stripped, limit $limit"
test "$size" -le "$limit"
