"""Tests tools/gpu_check.py's run and tools/gpu_debt.py's record on toy folders: with a GPU, without one,
with tests that fail, skip or lack a library."""

import json
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
GPU = "echo '  cuda:0    NVIDIA Toy, 2 multiprocessors'"
NO_GPU = "echo '  cuda      none: no NVIDIA driver is loaded'"
TRAIN = "while [ $1 != --out ]; do shift; done; echo {} >$2/model.safetensors"
SKIPS = "echo 'streams_test.cpp:7: Skipped'; echo 'no CUDA device: no NVIDIA driver is loaded'"


class GpuCheck(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.TemporaryDirectory()
        self.addCleanup(self.root.cleanup)
        self.folder = Path(self.root.name)

    def script(self, name, text):
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def check(self, info, weights="1 2 3", **tests):
        """Exit status, report and log of a folder with such tests."""
        self.script("entasis-info", info)
        self.script("entasis-train-digits", TRAIN.format(weights))
        for name, text in tests.items():
            self.script(name, text)
        (self.folder / "contents.json").write_text(json.dumps({
            "commit": "abc", "sources": {"kernels/cuda/toy.cu": "0"},
            "tests": [{"name": f"gpu.{name}", "program": name, "arguments": ["here"],
                       "environment": ["TOY=7"]} for name in tests]}))
        shutil.copy2(TOOLS / "gpu_check.py", self.folder)
        done = subprocess.run([sys.executable, "-B", "gpu_check.py", "run", "--quick"], text=True,
                              cwd=self.folder, capture_output=True)
        self.assertEqual(done.stderr, "")
        report = json.loads((self.folder / "report/report.json").read_text())
        return done.returncode, report, (self.folder / "report/log.txt").read_text()

    def debt(self):
        """What the ledger says to the report."""
        return subprocess.run([sys.executable, "-B", TOOLS / "gpu_debt.py", "record",
                               self.folder / "report/report.json"], text=True, capture_output=True)

    def counts(self, report):
        return [report[state] for state in ("passed", "failed", "skipped")]

    def test_passes(self):
        code, report, log = self.check(GPU, good='test "$1$TOY" = here7')
        self.assertEqual((code, self.counts(report)), (0, [2, 0, 0]))  # and the repeated training
        self.assertIn("training from one seed: 1 different results", log)
        self.assertRegex(log, r"(?m)^passed  gpu\.good: ")

    def test_fails(self):
        code, report, log = self.check(GPU, good="true", bad="echo broken; exit 3")
        self.assertEqual((code, self.counts(report)), (1, [2, 1, 0]))
        self.assertRegex(log, r"(?m)^FAILED  gpu\.bad: .*\nbroken$")
        self.assertIn("1 tests failed", self.debt().stderr)

    def test_training_that_differs_fails(self):
        code, report, _ = self.check(GPU, weights="$$", good="true")
        self.assertEqual((code, self.counts(report)), (1, [1, 1, 0]))

    def test_without_a_gpu(self):
        code, report, log = self.check(NO_GPU, one=SKIPS, two=SKIPS)
        self.assertEqual((code, self.counts(report)), (77, [0, 0, 2]))
        if shutil.which("nvidia-smi") is None:
            self.assertEqual((report["device"], report["driver"]), ("none", "none"))
        self.assertRegex(log, r"(?m)^skipped gpu\.one: ")
        self.assertRegex(log, r"(?m)^skipped bench: no GPU$")
        self.assertIn("0 test programs passed, 0 failed, 2 skipped: no NVIDIA driver is loaded", log)
        debt = self.debt()
        self.assertNotEqual(debt.returncode, 0)
        self.assertIn("2 skipped", debt.stderr)

    def test_a_failure_without_a_gpu_is_one(self):
        code, report, _ = self.check(NO_GPU, one=SKIPS, bad="exit 1")
        self.assertEqual((code, self.counts(report)), (1, [0, 1, 1]))


if __name__ == "__main__":
    unittest.main()
