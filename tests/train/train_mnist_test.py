#!/usr/bin/env python3
"""Trains on the real MNIST: 99 % on the test images after five epochs. Skipped where its four files
are neither in $ENTASIS_TEST_DATA/mnist nor in ../shared/data/mnist beside the checkout."""

import os
import sys
import tempfile
from pathlib import Path

from program import SKIPPED, accuracy, run


def find_mnist():
    places = [Path(os.environ["ENTASIS_SOURCE_DIR"]).parent / "shared/data"]
    if "ENTASIS_TEST_DATA" in os.environ:
        places.insert(0, Path(os.environ["ENTASIS_TEST_DATA"]))
    return next((place / "mnist" for place in places if (place / "mnist").is_dir()), None)


def main():
    data = find_mnist()
    if data is None:
        print("skipped: no MNIST; ENTASIS_TEST_DATA names the folder that holds mnist/")
        return SKIPPED
    with tempfile.TemporaryDirectory() as out:
        result = run("--data", data, "--epochs", 5, "--out", out)
    print(result.stderr + result.stdout)
    if result.returncode != 0:
        return 1
    if accuracy(result.stdout) < 99.0:
        print("the test accuracy is below 99.0 %")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
