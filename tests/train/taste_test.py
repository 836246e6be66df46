#!/usr/bin/env python3
"""The README's taste of the API is examples/taste.cpp, word for word, and does what it says."""

import os
import re
import sys
from pathlib import Path

from program import BIN, run


def main():
    root = Path(os.environ["ENTASIS_SOURCE_DIR"])
    shown = re.search(r"```cpp\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)[1]
    source = (root / "examples/taste.cpp").read_text()
    if source.split("\n", 1)[1] != shown:
        print("the first C++ block of README.md is not examples/taste.cpp below its first line")
        return 1

    result = run(program=BIN / "entasis-taste")
    print(result.stdout + result.stderr)
    losses = [float(loss) for loss in re.findall(r"step \d+: loss (\S+)", result.stdout)]
    product = float(re.search(r"0\.5 x 0\.8 = \D*([-\d.]+)", result.stdout)[1])
    if result.returncode != 0 or len(losses) != 5 or not losses[-1] < 0.001 < 0.05 < losses[0]:
        print("the network did not learn")
        return 1
    if abs(product - 0.4) > 0.05:
        print(f"the network says that 0.5 x 0.8 is {product}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
