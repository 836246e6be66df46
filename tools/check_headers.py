#!/usr/bin/env python3
"""Checks what `#include <entasis/entasis.h>` costs: the lines that the compiler sees.

usage: check_headers.py --include DIR [--compiler g++] [--limit 50000]

DIR is the folder in which entasis/ lies. A line is a non-empty line of `g++ -std=c++20 -E -P`, that
is, after preprocessing and without line markers. Lines are gated, not seconds: they are the same on
every machine. On failure the dearest headers of the umbrella are listed, each with what it costs on
its own.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path


def preprocessed_lines(compiler, include, header):
    source = f"#include <{header}>\n"
    done = subprocess.run(
        [compiler, "-std=c++20", "-E", "-P", "-I", include, "-x", "c++", "-"],
        input=source, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"check_headers: {header} does not preprocess:\n{done.stderr}")
    return sum(1 for line in done.stdout.splitlines() if line.strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--include", required=True)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--limit", type=int, default=50_000)
    arguments = parser.parse_args()

    def count(header):
        return preprocessed_lines(arguments.compiler, arguments.include, header)

    umbrella = "entasis/entasis.h"
    lines = count(umbrella)
    print(f"#include <{umbrella}>: {lines} lines, limit {arguments.limit}")
    if lines <= arguments.limit:
        return 0

    text = Path(arguments.include, umbrella).read_text(encoding="utf-8")
    costs = [(count(header), header) for header in re.findall(r"#include <([^>]+)>", text)]
    for cost, header in sorted(costs, reverse=True)[:15]:
        print(f"{cost:8} {header}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
