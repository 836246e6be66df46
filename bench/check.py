#!/usr/bin/env python3
"""Looks for rows that have become slower against their peers.

  check.py BENCH RECORD            a short run of BENCH (entasis-bench) beside the ratios in RECORD
  check.py BENCH RECORD --record   writes RECORD instead

Times differ from machine to machine and from hour to hour; ratios of two libraries that run in turns
differ less. A row that has fallen by more than --fall is measured again, longer, before it is
reported. The exit status is 0 whatever is found: this informs, it does not judge.
"""

import argparse
import json
import statistics
import subprocess
import sys

# A few rows of each kind: whole steps, products, convolutions, what memory bounds, small calls.
ROWS = [
    "add_1", "mlp_step", "lenet_step", "transformer_step", "matmul/256x256x256/",
    "matmul/64x1024x1024/", "matmul/b48x64x64x64/", "matmul/1x4096x4096/", "conv/n8c128o128h28k3p1/",
    "conv/n8c128o128h28k3p1g128/", "gelu/65536", "add/16777216", "copy/transposed/", "sum/rows/",
    "softmax/", "layer_norm/", "batch_norm/", "cross_entropy/", "embedding/backward/",
]


def measure(bench, rows, seconds, rounds):
    """Ratios by row: peer's time by ours."""
    run = subprocess.run(
        [bench, "--json", "--seconds", str(seconds), "--rounds", str(rounds), "--", *rows],
        check=True, stdout=subprocess.PIPE, text=True)
    found = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return {row["row"]: row["ratio"] for row in found}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("record")
    parser.add_argument("--record", dest="write", action="store_true")
    parser.add_argument("--fall", type=float, default=0.2, help="part of the ratio that may be lost")
    options = parser.parse_args()
    if options.write:
        runs = [measure(options.bench, ROWS, 0.03, 7) for _ in range(3)]
        ratios = {row: round(statistics.median(run[row] for run in runs), 3) for row in runs[0]}
        with open(options.record, "w", encoding="utf-8") as file:
            json.dump(ratios, file, indent=1)
            file.write("\n")
        print(f"recorded {len(ratios)} rows")
        return 0
    with open(options.record, encoding="utf-8") as file:
        recorded = json.load(file)
    ratios = measure(options.bench, ROWS, 0.01, 5)
    if not ratios:
        print("bench check: no peer to compare with")
        return 0

    def fallen(found):
        return [row for row, ratio in found.items()
                if row in recorded and ratio < recorded[row] * (1 - options.fall)]

    suspects = fallen(ratios)
    if suspects:
        again = measure(options.bench, suspects, 0.05, 9)
        suspects = [row for row in fallen(again) if row in suspects]
        ratios.update(again)
    for row in suspects:
        print(f"slower: {row}: {ratios[row]:.2f} times the best peer's speed, "
              f"recorded {recorded[row]:.2f}")
    print(f"bench check: {len(ratios)} rows, {len(suspects)} slower than recorded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
