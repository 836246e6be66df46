"""Runs entasis-train-digits for the tests of this folder, and reads what it leaves behind."""

import gzip
import json
import os
import re
import signal
import struct
import subprocess
import time
from pathlib import Path

BIN = Path(os.environ["ENTASIS_BIN_DIR"])
PROGRAM = BIN / "entasis-train-digits"
SKIPPED = 77  # the exit code that CTest shows as "skipped"


def run(*arguments, program=PROGRAM, cwd=None, **kwargs):
    """Runs the program to its end; stdout and stderr are text."""
    command = [str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=580, **kwargs)


def start(*arguments, cwd=None):
    return subprocess.Popen([str(PROGRAM), *map(str, arguments)], cwd=cwd, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def rows(folder):
    """The rows of metrics.csv so far, without the head."""
    path = Path(folder) / "metrics.csv"
    return path.read_text().splitlines()[1:] if path.exists() else []


def stop_after(process, folder, steps, how=signal.SIGINT):
    """Sends a signal once the metrics hold so many rows; returns (exit code, stderr)."""
    while len(rows(folder)) < steps and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(how)
    _, stderr = process.communicate(timeout=300)
    return process.returncode, stderr


def safetensors_header(path):
    data = Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + length])


def accuracy(stdout):
    """The test accuracy of the table, in per cent."""
    return float(re.search(r"test accuracy\W+([\d.]+) %", stdout)[1])


def idx(shape, values, magic=None):
    """The bytes of an IDX file."""
    head = bytes([0, 0, 8, len(shape)]) if magic is None else magic
    return head + b"".join(struct.pack(">I", size) for size in shape) + bytes(values)


def write_mnist(folder, train=30, test=20, side=8, compress=False, **replaced):
    """Four small IDX files in MNIST's form; `replaced` gives the bytes of single files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("t10k", test)):
        labels = [i % 10 for i in range(count)]
        pixels = [(37 * i + 11 * labels[i // side**2]) % 256 for i in range(count * side * side)]
        files = {
            f"{part}-images-idx3-ubyte": idx((count, side, side), pixels),
            f"{part}-labels-idx1-ubyte": idx((count,), labels),
        }
        for name, data in files.items():
            data = replaced.get(name.replace("-", "_"), data)
            if data is None:
                continue
            path = folder / (name + (".gz" if compress else ""))
            path.write_bytes(gzip.compress(data) if compress else data)
    return folder
