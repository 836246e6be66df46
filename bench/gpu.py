#!/usr/bin/env python3
"""GPU benchmarks: Entasis beside PyTorch, eager and compiled, in one window, with the floor.

    gpu.py [--out FILE.md] [--rows REGEX] [--quick] [--no-compile] [--budget SECONDS]

Two workers, entasis-bench-gpu and gpu_peer.py, hold the workloads of gpu_rows.py on the device. For each
row all sides are set up and warmed, then timed in turns, one idle while another runs; medians over the
rounds are compared. The floor is bytes / copy bandwidth or FLOP / matrix rate, whichever is longer, both
the best that any side reached in the same run. What cannot run says why in its place in the table.

`--device cpu --scale tiny` tests the benchmarks where there is no GPU; `--python ""` leaves PyTorch out.
"""

import argparse
import datetime
import json
import os
import queue
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import gpu_rows
import gpu_table

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "tools")]  # gathered, or in the checkout
from gpu_check import cuda_folders, query_gpu  # noqa: E402


class Failure(Exception):
    """A side cannot run a row."""


class Worker:
    """A program that answers each line with a line of JSON; started when first asked, and again after
    it has died."""

    def __init__(self, command, environment, patience):
        self.command, self.environment, self.patience = command, environment, patience
        self.process, self.broken = None, None

    def start(self):
        self.process = subprocess.Popen(self.command, env=self.environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = queue.Queue()
        threading.Thread(target=self.listen, args=(self.process, self.lines), daemon=True).start()

    @staticmethod
    def listen(process, lines):
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def ask(self, line):
        """The answer; Failure if it is an error or none comes."""
        if self.broken:
            raise Failure(self.broken)
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.lines.get(timeout=self.patience)
        except BrokenPipeError:
            answer = None
        except queue.Empty:
            self.stop()
            raise Failure(f"no answer in {self.patience} s") from None
        if answer is None:
            code = self.process.wait()
            self.stop()
            raise Failure(f"the worker ended with {code}")
        answer = json.loads(answer)
        if answer.get("fatal"):
            self.stop()
        if "error" in answer:
            raise Failure(answer["error"])
        return answer


class Side:
    """One way to run a row: a worker, and what the row is called there."""

    def __init__(self, label, worker, name):
        self.label, self.worker, self.name = label, worker, name
        self.times = 0
        self.seconds, self.peak, self.failure = [], None, None

    def run(self, times):
        if self.failure:
            return None
        try:
            answer = self.worker.ask(f"run {self.name} {times}")
        except Failure as failure:
            self.failure = str(failure)
            return None
        self.peak = answer.get("peak")
        return answer["seconds"], answer["wall"]

    def calibrate(self, round_seconds):
        """Sets up, warms up, and finds how often to run in a round."""
        self.run(1)
        self.times = 1
        # Short works are tried a few times, each more often: one run alone is mostly start and end.
        for _ in range(3):
            timing = self.run(self.times)
            if timing is None:
                return
            wanted = round_seconds / max(timing[1], 1e-9)
            self.times = max(1, min(round(wanted), 100_000, self.times * 30))

    def measure(self):
        timing = self.run(self.times)
        if timing:
            self.seconds.append(timing[0])

    @property
    def median(self):
        return None if self.failure or not self.seconds else statistics.median(self.seconds)


class Bench:
    def __init__(self, options):
        self.options = options
        self.tiny = options.scale == "tiny"
        ours, launch = find_programs(options.ours)
        plain = dict(os.environ)
        found = [str(ours.parent.parent / "lib"), *cuda_folders()]
        with_cuda = {**plain, "LD_LIBRARY_PATH": ":".join(
            found + [f for f in (plain.get("LD_LIBRARY_PATH"),) if f])}
        device = ["--device", options.device]
        self.ours = Worker([str(ours), *device], with_cuda, options.patience)
        # PyTorch brings its own libraries, and must not meet others.
        self.peer = Worker([options.python, str(HERE / "gpu_peer.py"), *device], plain,
                           options.patience) if options.python else None
        self.bare = Worker([str(launch)], with_cuda, options.patience) \
            if launch and options.device == "cuda" else None
        self.ceilings = {}  # elements of `copy`: bytes a second; of a precision: FLOP a second

    def sides(self, row):
        sides = [Side("ours", self.ours, row.name)]
        if self.peer:
            sides += [Side(variant, self.peer, f"{row.name}@{variant}") for variant in row.variants
                      if variant in ("eager", "graph") or not self.options.no_compile]
        if self.bare and row.name.startswith("launch/"):
            sides.append(Side("bare", self.bare, row.name))
        return sides

    def measure(self, row):
        rounds, seconds = (3, 0.03) if self.options.quick else (7, 0.08)
        sides = self.sides(row)
        for side in sides:
            side.calibrate(seconds)
        for _ in range(rounds):
            for side in sides:
                side.measure()
        for side in sides:
            if not side.failure or side.worker.process:
                try:
                    side.worker.ask(f"drop {side.name}")
                except Failure as failure:
                    side.failure = side.failure or str(failure)
        return sides

    def raise_ceilings(self, row, sides):
        best = min((side.median for side in sides if side.median), default=None)
        for key, ceiling in gpu_rows.ceilings(self.tiny).items():
            if best and ceiling.name == row.name:
                self.ceilings[key] = (row.bytes if key == "copy" else row.flop) / best

    def floor(self, row, sides, results):
        """The least time that the device needs; None if unknown."""
        bare = [side.median for side in sides if side.label == "bare" and side.median]
        if bare:
            return bare[0]
        if row.alone:
            alone = [result.ours.median for result in results if result.row.name in row.alone]
            return max(alone) if len(alone) == len(row.alone) and None not in alone else None
        bounds = []
        for amount, key in ((row.bytes, "copy"), (row.flop, row.precision)):
            if amount and key not in self.ceilings:
                return None
            if amount:
                bounds.append(amount / self.ceilings[key])
        return max(bounds, default=None)

    def versions(self):
        """One line for each side."""
        for worker in filter(None, (self.ours, self.peer)):
            try:
                answer = worker.ask("list")
                yield f"{answer['version']} on {answer['device']}"
            except Failure as failure:  # one that cannot even tell its version is not tried again
                worker.broken = str(failure)
                yield f"{Path(worker.command[-3]).name}: {failure}"

    def head(self):
        lines = [datetime.date.today().isoformat(), *self.versions()]
        if shutil.which("nvidia-smi"):
            lines.insert(1, "{}, driver {}".format(*query_gpu()))
        contents = HERE / "contents.json"
        if contents.exists():
            lines.append(f"commit {json.loads(contents.read_text())['commit']}")
        return lines

    def run(self):
        began = time.monotonic()
        wanted = re.compile(self.options.rows)
        needed = list(gpu_rows.ceilings(self.tiny).values())
        table = gpu_table.Table(self.head())
        for row in gpu_rows.rows(self.tiny):
            shown = wanted.search(row.name) or wanted.search(row.title)
            # What floors are made of is measured whatever rows are asked for.
            if not shown and row not in needed:
                continue
            if time.monotonic() - began > self.options.budget:
                table.add(gpu_table.Result(row, [], None, "not run: out of time"))
                continue
            sides = self.measure(row)
            self.raise_ceilings(row, sides)
            table.ceilings = self.ceilings
            floor = self.floor(row, sides, table.results)
            print(table.add(gpu_table.Result(row, sides, floor)), flush=True)
            if self.options.out:  # as far as it is, should the run be cut short
                Path(self.options.out).write_text(table.markdown())
        for worker in filter(None, (self.ours, self.peer, self.bare)):
            worker.stop()
        text = table.markdown()
        print(text)
        if self.options.out:
            Path(self.options.out).write_text(text)
        return 0 if any(result.ours.median for result in table.results) else 1


def find_programs(given):
    """entasis-bench-gpu, and entasis-bench-launch or None."""
    folders = [HERE, *sorted(HERE.parent.glob("build/*"), key=lambda path: path.name != "release")]
    programs = [Path(given)] if given else [f / "bin/entasis-bench-gpu" for f in folders]
    for program in programs:
        if program.exists():
            launch = program.with_name("entasis-bench-launch")
            return program.resolve(), launch.resolve() if launch.exists() else None
    sys.exit("no entasis-bench-gpu: build it, or give its path by --ours")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="file for the table")
    parser.add_argument("--rows", default="", help="only rows whose name or title matches this")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--budget", type=float, default=1e9, help="seconds after which no row starts")
    parser.add_argument("--patience", type=float, default=240, help="seconds to wait for an answer")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--scale", default="full", choices=("full", "tiny"))
    parser.add_argument("--ours", help="path of entasis-bench-gpu")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has PyTorch")
    return Bench(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
