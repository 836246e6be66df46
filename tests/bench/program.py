"""Runs the GPU benchmarks at tiny sizes for the tests of this folder."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ["ENTASIS_SOURCE_DIR"])
BIN = Path(os.environ["ENTASIS_BIN_DIR"])
PROGRAM = BIN / "entasis-bench-gpu"
EMULATED = BIN.parent / "lib/emulated"
SKIPPED = 77  # the exit code that CTest shows as "skipped"

sys.path.insert(0, str(ROOT / "bench"))


def table(*options, environment=None):
    """The rows of the table, each a dictionary by the table's head; what was measured of the device."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "gpu.md"
        command = [sys.executable, "-B", str(ROOT / "bench/gpu.py"), "--scale", "tiny", "--quick",
                   "--ours", str(PROGRAM), "--out", str(out), *options]
        result = subprocess.run(command, text=True, capture_output=True, timeout=550,
                                env={**os.environ, **(environment or {})})
        print(result.stdout + result.stderr)
        if result.returncode != 0:
            sys.exit(f"gpu.py ended with {result.returncode}")
        text = out.read_text()
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    return [dict(zip(head, row)) for row in rows if len(row) == len(head)]


def expect(condition, what):
    if not condition:
        sys.exit(f"not so: {what}")
