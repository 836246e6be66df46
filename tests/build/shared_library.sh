#!/usr/bin/env bash
# Checks a shared library as it is shipped: shared_library.sh FILE MEGABYTES.
#   - stripped it is no larger than the limit; a megabyte is 1,000,000 bytes
#   - it links Highway, zlib and the compiler's run time, nothing else (rule 17)
#   - it is marked with the instruction set it needs, so that the loader refuses older CPUs by one
#     line, and as one that stays loaded
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

if readelf -h "$library" | grep -q X86-64 && ! readelf -n "$library" | grep -q 'x86-64-v2'; then
  echo "it is not marked as needing x86-64-v2"
  exit 1
fi
readelf -d "$library" | grep -q NODELETE || { echo "it is not marked NODELETE"; exit 1; }
