#!/usr/bin/env python3
"""Checks who may include whom, what public headers may include, and the length of files.

usage: check_layers.py [ROOT]

Prints one line `file:line: finding` for each violation and ends with 1 if there is any. The floors
are those of the design: an include goes to the same folder or to a lower floor, never up or
sideways.
"""

import re
import sys
from pathlib import Path

MAX_LINES = 800

# Each folder and the floor it stands on.
FLOORS = [
    ["core"],
    ["backends", "ops"],
    ["kernels", "nn", "optim", "data", "io", "compile", "distributed"],
    ["train", "models"],
    ["serve", "python", "examples"],
    ["tests", "bench"],
]
FLOOR = {folder: level for level, folders in enumerate(FLOORS) for folder in folders}
SEE_ALL = {"tests", "bench"}
UMBRELLA = "entasis.h"  # includes everything up to models; for users, not for the library itself

# Headers that keep to their place: pattern, where it may appear, and how to call it. (Tests of
# vector functions are compiled for each target as the kernels are; the op matrix walks the targets.)
CONFINED = [
    (r"hwy/", r"(kernels/cpu|tests/kernels|tests/matrix)/", "Highway", "kernels/cpu"),
    (
        r"(cuda|cublas|cudnn|cufft|curand|cusolver|cusparse|cutensor|nccl|nvrtc|nvml|nvtx"
        r"|nvToolsExt|cub/|thrust/|cooperative_groups|driver_types|vector_types|math_constants)",
        r"(backends/cuda/|kernels/cuda/|distributed/\w*nccl\w*\.|tests/emulation/|bench/\w+\.cu)",
        "CUDA",
        "backends/cuda, kernels/cuda, the NCCL file of distributed, the emulation of tests and "
        "bench's .cu files",
    ),
    (r"CLI/", r"(examples|tests|bench)/", "CLI11", "programs"),
    (r"(gtest|gmock)/", r"(tests|bench)/", "GoogleTest", "tests"),
]

# What a public header costs all who include it. The last three are private dependencies besides.
FORBIDDEN_IN_PUBLIC = re.compile(
    r"(iostream|functional|memory|regex|filesystem|thread|chrono|ranges|mutex"
    r"|zlib\.h|nlohmann/.*|entasis_build\.h)$"
)

SOURCE_SUFFIXES = {".h", ".cpp", ".inc", ".cu", ".cuh"}
COUNTED_SUFFIXES = SOURCE_SUFFIXES | {".py", ".sh", ".cmake"}
SKIPPED_FOLDERS = {".git", ".cache", "build", "runs", "__pycache__"}
INCLUDE = re.compile(r"\s*#\s*include\s*([<\"])([^>\"]+)[>\"]")


def is_private(path):
    """Headers that are not installed: marked so, or of the CUDA plugin, which nobody links."""
    plugin = path.startswith("backends/cuda/")
    return plugin or path.endswith("_internal.h") or "/internal/" in path


def is_public_header(path):
    if path == UMBRELLA:
        return True
    folder = path.split("/")[0]
    library = folder in FLOOR and FLOOR[folder] <= FLOOR["train"] and folder != "kernels"
    return library and path.endswith(".h") and not is_private(path)


def find_files(root):
    """All files that are checked, as paths relative to root, sorted."""
    found = []
    folders = [root]
    while folders:
        for entry in folders.pop().iterdir():
            if entry.is_dir() and not entry.is_symlink():
                if entry.name not in SKIPPED_FOLDERS:
                    folders.append(entry)
            elif entry.suffix in COUNTED_SUFFIXES or entry.name == "CMakeLists.txt":
                found.append(entry.relative_to(root).as_posix())
    return sorted(found)


def resolve(root, path, quoted, name):
    """The file of this project that an include means, relative to root; None if another's."""
    if name.startswith("entasis/"):
        return name[len("entasis/"):]
    if quoted:
        beside = (root / path).parent / name
        if beside.exists():
            return beside.resolve().relative_to(root).as_posix()
    return None


def check_include(path, target):
    """What is wrong with `path` including `target`, both of this project; None if nothing."""
    here = path.split("/")[0]
    there = target.split("/")[0]
    if is_public_header(path) and is_private(target):
        return f"a public header includes the private {target}"
    if here in SEE_ALL or here not in FLOOR and path != UMBRELLA:
        return None
    if here == "ops" and re.fullmatch(r"kernels/formulas/\w+\.inc", target):
        return None  # pure text, instantiated on tensors: docs/design/formulas.md
    if there == "kernels" and here != "kernels":
        return f"{here} includes {target}: nothing includes kernels"
    if target == UMBRELLA:
        return None if here == "examples" else f"{here} includes {UMBRELLA}, which is for users"
    if path == UMBRELLA:
        ok = there in FLOOR and FLOOR[there] <= FLOOR["train"]
        return None if ok else f"{UMBRELLA} includes {target}, which is no part of the library"
    if here == there:
        return None
    if there not in FLOOR or FLOOR[there] >= FLOOR[here]:
        return f"{here} includes {target}: an include may only go down, {there} is not below {here}"
    return None


def check_file(root, path):
    """Yields (line, finding) of one file."""
    lines = (root / path).read_text(encoding="utf-8").splitlines()
    if len(lines) > MAX_LINES:
        yield len(lines), f"{len(lines)} lines: files are split before {MAX_LINES}"
    if Path(path).suffix not in SOURCE_SUFFIXES:
        return
    # Highway includes some headers once for each target; their guard toggles.
    guarded = "#pragma once" in lines or any("HWY_TARGET_TOGGLE" in line for line in lines)
    if path.endswith(".h") and not guarded:
        yield 1, "no #pragma once"
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match[2]
        for pattern, where, what, places in CONFINED:
            if re.match(pattern, name) and not re.match(where, path):
                yield number, f"<{name}>: {what} headers appear only under {places}"
        if is_public_header(path) and FORBIDDEN_IN_PUBLIC.match(name):
            yield number, f"<{name}> in a public header"
        target = resolve(root, path, match[1] == '"', name)
        finding = target and check_include(path, target)
        if finding:
            yield number, finding


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    files = find_files(root)
    if not files:
        sys.exit(f"check_layers: no files below {root}")
    findings = 0
    for path in files:
        for line, finding in check_file(root, path):
            print(f"{path}:{line}: {finding}")
            findings += 1
    print(f"check_layers: {len(files)} files, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
