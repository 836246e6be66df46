#!/usr/bin/env python3
"""The GPU benchmarks against PyTorch, at tiny sizes on the CPU: both sides know the same workloads by the
same names. ENTASIS_TORCH_PYTHON names an interpreter that has PyTorch."""

import json
import os
import shutil
import subprocess
import sys

from program import PROGRAM, ROOT, SKIPPED, expect, table


def interpreter():
    """One that has PyTorch, or None."""
    for python in (os.environ.get("ENTASIS_TORCH_PYTHON"), sys.executable,
                   ROOT / "build/venv/bin/python"):
        if python and shutil.which(python) and subprocess.run(
                [python, "-c", "import torch"], capture_output=True, check=False).returncode == 0:
            return str(python)
    return None


def ops(*command):
    answer = subprocess.run([*command, "--device", "cpu"], input="list\n", text=True,
                            capture_output=True, check=True).stdout
    return {op.removesuffix("_captured") for op in json.loads(answer)["ops"]}


def main():
    python = interpreter() if PROGRAM.exists() else None
    if python is None:
        print("no PyTorch, or the benchmarks are not built")
        return SKIPPED
    os.environ["OMP_NUM_THREADS"] = "1"  # PyTorch's threads do badly on a busy machine
    ours, peers = ops(PROGRAM), ops(python, ROOT / "bench/gpu_peer.py")
    expect(ours == peers, f"both sides have the same workloads: {sorted(ours ^ peers)}")
    for row in table("--device", "cpu", "--python", python, "--no-compile"):
        # What is captured needs a device with graphs.
        good = "captured" in row["row"] or row["eager"].startswith(tuple("0123456789"))
        expect(good, f"{row['row']}: {row['eager']}")
        expect("captured" in row["row"] or float(row["ratio"]) > 0, f"{row['row']}: has a ratio")
    compiled = table("--device", "cpu", "--python", python, "--rows", "^sum/f32")
    expect(any(row["compile"].startswith(tuple("0123456789")) for row in compiled
               if row["row"].startswith("sum")), "torch.compile is measured")
    return 0


if __name__ == "__main__":
    sys.exit(main())
