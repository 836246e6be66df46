#!/usr/bin/env bash
# Checks that a shared library, stripped, is no larger than a limit: library_size.sh FILE MEGABYTES.
# A megabyte is 1,000,000 bytes. And that it links Highway, zlib and the compiler's run time, nothing
# else (rule 17).
set -euo pipefail

library=$1
limit=$(($2 * 1000000))
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$library"
size=$(stat -c %s "$stripped")
echo "$(basename "$library"): $size bytes stripped, limit $limit"
test "$size" -le "$limit"

needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for name in $needed; do
  case $name in
    libhwy.so.* | libz.so.* | libstdc++.so.* | libgcc_s.so.* | libm.so.* | libc.so.* | libdl.so.* | \
    libpthread.so.* | ld-linux*) ;;
    *) echo "it needs $name, which is not to be"; exit 1 ;;
  esac
done
