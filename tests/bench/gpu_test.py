#!/usr/bin/env python3
"""The GPU benchmarks at tiny sizes on the CPU, and on the emulated device where there is one: every row
is measured or says why not; workers that die or hang are told of and started again."""

import sys

from program import EMULATED, PROGRAM, SKIPPED, expect, table

import gpu
import gpu_rows

WORKER = """
import sys, time
for line in sys.stdin:
    if "die" in line: sys.exit(3)
    if "hang" in line: time.sleep(60)
    if "lost" in line: print('{"error": "lost", "fatal": true}', flush=True)
    else: print('{"seconds": 1e-3, "wall": 2e-3}', flush=True)
"""


def failure(worker, line):
    try:
        worker.ask(line)
    except gpu.Failure as failed:
        return str(failed)
    return ""


def check_workers():
    worker = gpu.Worker([sys.executable, "-c", WORKER], None, 5)
    expect(worker.ask("run x 1")["seconds"] == 1e-3, "an answer arrives")
    for line, told in (("die", "ended with 3"), ("hang", "no answer in"), ("lost", "lost")):
        expect(told in failure(worker, line), f"'{line}' is told as '{told}'")
        expect(worker.ask("run x 1")["wall"] == 2e-3, f"after '{line}' it is started again")
    side = gpu.Side("ours", worker, "die")
    side.calibrate(0.01)
    expect(side.failure and side.median is None, "a side that fails has no time")
    worker.stop()


def check_rows(device, has_graphs, environment=None):
    """Every row is there and measured; without graphs what is captured says so."""
    rows = table("--device", device, "--python", "", environment=environment)
    expect([row["row"] for row in rows] == [row.title for row in gpu_rows.rows(True)],
           "the table has every row")
    for row in rows:
        good = (row["Entasis"].startswith(tuple("0123456789"))
                if has_graphs or "captured" not in row["row"]
                else row["Entasis"].startswith("✗") and "has no graphs" in row["Entasis"])
        expect(good, f"{row['row']}: {row['Entasis']}")


def main():
    if not PROGRAM.exists():
        print("the benchmarks are not built")
        return SKIPPED
    check_workers()
    check_rows("cpu", has_graphs=False)
    if EMULATED.exists():
        check_rows("cuda", has_graphs=True, environment={"ENTASIS_PLUGIN_PATH": str(EMULATED)})
    else:
        print("no emulated device: on the CPU alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
