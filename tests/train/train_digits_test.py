#!/usr/bin/env python3
"""Drives entasis-train-digits as its users do: training, stopping, resuming, and all bad input."""

import json
import os
import pty
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree
from pathlib import Path

from program import (BIN, PROGRAM, accuracy, idx, rows, run, safetensors_header, start, stop_after,
                     write_mnist)

RESULTS = {"model.safetensors", "metrics.csv", "curve.svg", "options.json",
           "checkpoint.safetensors"}
SAME_BITS = ["model.safetensors", "metrics.csv", "curve.svg"]


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="entasis-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def train(self, out, *arguments):
        result = run("--out", self.folder / out, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def assert_same_bits(self, a, b, message=None):
        for name in SAME_BITS:
            same = (self.folder / a / name).read_bytes() == (self.folder / b / name).read_bytes()
            self.assertTrue(same, f"{name} of {a} and {b} differ; {message}")


class Training(ProgramTest):
    def test_learns_the_digits(self):
        for seed in (1, 2, 3):
            start_time = time.monotonic()
            result = self.train(f"seed{seed}", "--seed", seed)
            print(f"seed {seed}: {accuracy(result.stdout)} % in "
                  f"{time.monotonic() - start_time:.1f} s")
            self.assertGreaterEqual(accuracy(result.stdout), 97)

    def test_leaves_its_results(self):
        result = self.train("a/b", "--epochs", 3, "--threads", 2, "--device", "cpu")
        out = self.folder / "a/b"
        self.assertEqual({path.name for path in out.iterdir()}, RESULTS)
        for figure in ("test accuracy", "time", "peak memory", "device", "SIMD target", str(out)):
            self.assertIn(figure, result.stdout)
        self.assertIn("epoch 3/3", result.stderr)
        self.assertNotIn("\033", result.stdout + result.stderr)

        options = json.loads((out / "options.json").read_text())
        self.assertEqual(options["epochs"], 3)
        self.assertEqual(options["threads"], 2)
        self.assertEqual(options["device"], "cpu")
        self.assertTrue(options["data"].endswith("digits.csv.gz"))

        steps = -(-1442 // options["batch_size"])
        self.assertEqual(len(rows(out)), 3 * steps)
        last = rows(out)[-1].split(",")
        self.assertEqual(int(last[0]), 3 * steps)
        self.assertAlmostEqual(100 * float(last[-1]), accuracy(result.stdout), delta=0.01)
        tested = [row for row in rows(out) if not row.endswith(",nan")]
        self.assertEqual(len(tested), 3)

        picture = xml.etree.ElementTree.parse(out / "curve.svg").getroot()
        self.assertTrue(picture.tag.endswith("svg"))
        header = safetensors_header(out / "model.safetensors")
        self.assertEqual(header["conv1.weight"]["dtype"], "F32")
        self.assertIn("fc2.bias", header)

    def test_same_seed_same_bits_for_any_number_of_threads(self):
        self.train("one", "--epochs", 2, "--threads", 1)
        self.train("two", "--epochs", 2, "--threads", 2)
        self.train("seven", "--epochs", 2, "--threads", 7)
        self.train("other", "--epochs", 2, "--seed", 2)
        self.assert_same_bits("one", "two")
        self.assert_same_bits("one", "seven")
        weights = [(self.folder / out / "model.safetensors").read_bytes()
                   for out in ("one", "other")]
        self.assertNotEqual(*weights)

    def test_trains_on_idx_files(self):
        for compress in (False, True):
            data = write_mnist(self.folder / f"idx{compress}", compress=compress)
            result = run("--data", data, "--epochs", 1, "--batch-size", 8, cwd=self.folder)
            self.assertEqual(result.returncode, 0, result.stderr)
            # The folder is named after the data unless --out says otherwise.
            out = self.folder / "runs" / data.name
            self.assertEqual({path.name for path in out.iterdir()}, RESULTS)
            self.assertEqual(json.loads((out / "options.json").read_text())["data"],
                             str(data.resolve()))

    def test_a_new_run_replaces_an_old_one(self):
        self.train("run", "--epochs", 2)
        process = start("--out", self.folder / "run", "--epochs", 100000)
        code, stderr = stop_after(process, self.folder / "run", 47, signal.SIGTERM)
        self.assertEqual(code, 128 + signal.SIGTERM, stderr)
        left = {path.name for path in (self.folder / "run").iterdir()}
        self.assertEqual(left, {"metrics.csv", "options.json", "checkpoint.safetensors"})

    def test_an_installed_program_finds_its_data(self):
        prefix = self.folder / "prefix"
        shutil.copytree(BIN.parent / "lib", prefix / "lib", symlinks=True)
        (prefix / "bin").mkdir()
        program = prefix / "bin" / PROGRAM.name
        shutil.copy2(PROGRAM, program)
        shipped = Path(os.environ["ENTASIS_SOURCE_DIR"]) / "examples/data/digits.csv.gz"
        (prefix / "share/entasis/data").mkdir(parents=True)
        shutil.copy2(shipped, prefix / "share/entasis/data")
        result = run("--epochs", 1, "--out", self.folder / "out", program=program)
        self.assertEqual(result.returncode, 0, result.stderr)
        options = json.loads((self.folder / "out/options.json").read_text())
        self.assertEqual(options["data"], str(prefix / "share/entasis/data/digits.csv.gz"))

    def on_a_terminal(self, **variables):
        """What the program writes to standard error if that is a terminal."""
        try:
            master, slave = pty.openpty()
        except OSError as error:  # a container without /dev/pts
            self.skipTest(f"no terminal to be had here: {error}")
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **variables}
        environment = {key: value for key, value in environment.items() if value is not None}
        process = subprocess.Popen([PROGRAM, "--epochs", "4", "--out", self.folder / "tty"],
                                   stdout=subprocess.DEVNULL, stderr=slave, env=environment)
        os.close(slave)
        text = b""
        while True:
            try:
                more = os.read(master, 65536)
            except OSError:  # the program is gone
                break
            if not more:
                break
            text += more
        os.close(master)
        self.assertEqual(process.wait(), 0)
        return text.decode()

    def test_honours_no_color(self):
        self.assertIn("\033[1mepoch", self.on_a_terminal(NO_COLOR=None))
        plain = self.on_a_terminal(NO_COLOR="1")
        self.assertIn("epoch 4/4", plain)
        self.assertNotIn("\033[1m", plain)


class Resuming(ProgramTest):
    """A run that was stopped goes on to the same bits as one that was not."""

    def stop(self, out, steps, how, *arguments):
        process = start("--out", self.folder / out, *arguments)
        return stop_after(process, self.folder / out, steps, how)

    def position(self, out):
        header = safetensors_header(self.folder / out / "checkpoint.safetensors")
        return int(header["__metadata__"]["cursor.position"])

    def test_in_mid_epoch(self):
        flags = ["--epochs", 8, "--batch-size", 8, "--lr", 0.001, "--seed", 5]  # 181 steps each
        self.train("whole", *flags)
        code, stderr = self.stop("run", 30, signal.SIGINT, *flags)
        self.assertEqual(code, 130, stderr)
        self.assertGreater(self.position("run"), 0)
        self.assertFalse((self.folder / "run/model.safetensors").exists())
        self.assertIn(f"{PROGRAM} --resume {self.folder / 'run'}", stderr)

        # Again, with another number of threads; then killed, so that rows behind the checkpoint have
        # to go; then to the end by the very words that were printed.
        code, stderr = self.stop("run", 230, signal.SIGINT, "--resume", "--threads", 1)
        self.assertEqual(code, 130, stderr)
        stopped_at = len(rows(self.folder / "run"))
        self.assertGreater(stopped_at, 230 - 1)
        code, _ = self.stop("run", stopped_at + 20, signal.SIGKILL, "--resume")
        self.assertEqual(code, -signal.SIGKILL)
        command = stderr.splitlines()[-1].strip()
        result = subprocess.run(command, shell=True, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_same_bits("whole", "run")

    def test_between_epochs(self):
        flags = ["--epochs", 100, "--batch-size", 1442]  # one step each
        self.train("whole", *flags)
        code, stderr = self.stop("run", 3, signal.SIGTERM, *flags)
        self.assertEqual(code, 143, stderr)
        self.assertEqual(self.position("run"), 0)
        self.train("run", "--resume")
        self.assert_same_bits("whole", "run")

    def test_says_when_the_build_is_another(self):
        self.train("run", "--epochs", 1)
        self.assertNotIn("another build", self.train("run", "--resume").stderr)
        path = self.folder / "run/checkpoint.safetensors"
        data = path.read_bytes()
        build = safetensors_header(path)["__metadata__"]["text.build"].encode()
        path.write_bytes(data.replace(build, build[:-1] + b"?"))
        self.assertIn("another build", self.train("run", "--resume").stderr)

    def test_a_complete_run(self):
        first = self.train("run", "--epochs", 2)
        before = {name: (self.folder / "run" / name).read_bytes() for name in SAME_BITS}
        again = self.train("run", "--resume")
        self.assertEqual(accuracy(first.stdout), accuracy(again.stdout))
        for name, data in before.items():
            self.assertEqual((self.folder / "run" / name).read_bytes(), data, name)

    def test_the_folder_may_hold_spaces_and_quotes(self):
        out = "it's a run"
        code, stderr = self.stop(out, 5, signal.SIGINT, "--epochs", 20)
        self.assertEqual(code, 130, stderr)
        command = stderr.splitlines()[-1]
        result = subprocess.run(command, shell=True, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)


class BadInput(ProgramTest):
    """One clear line on standard error, exit code 2, no half-written file."""

    def refused(self, expected, *arguments, out="out", **kwargs):
        path = self.folder / out
        before = self.snapshot()
        result = run(*arguments, *([] if "--out" in arguments else ["--out", path]),
                     cwd=self.folder, **kwargs)
        told = f"{arguments}: {result.stderr!r}"
        self.assertEqual(result.returncode, 2, told)
        self.assertEqual(result.stdout, "", told)
        self.assertEqual(result.stderr.count("\n"), 1, told)
        self.assertTrue(result.stderr.startswith("entasis-train-digits: "), told)
        self.assertIn(expected, result.stderr)
        self.assertEqual(self.snapshot(), before, told)

    def snapshot(self):
        return {path: path.read_bytes() if path.is_file() else None
                for path in self.folder.rglob("*")}

    def test_flags(self):
        for arguments, expected in [
            (["--frobnicate"], "--frobnicate"),
            (["digits"], "digits"),
            (["--epochs", "0"], "--epochs: expected a whole number from 1 to 100000, got '0'"),
            (["--epochs", "-3"], "got '-3'"),
            (["--epochs", "2.5"], "got '2.5'"),
            (["--epochs", "many"], "got 'many'"),
            (["--epochs", "99999999999999999999"], "got '99999999999999999999'"),
            (["--epochs"], "--epochs"),
            (["--batch-size", "0"], "--batch-size: expected a whole number"),
            (["--batch-size", "1e9"], "--batch-size: expected a whole number"),
            (["--batch-size", "1443"], "--batch-size is 1443, but there are only 1442 images"),
            (["--lr", "-0.1"], "--lr: expected a number above 0, at most 10, got '-0.1'"),
            (["--lr", "0"], "--lr: expected a number above 0"),
            (["--lr", "nan"], "--lr: expected a number above 0"),
            (["--lr", "inf"], "--lr: expected a number above 0"),
            (["--lr", "1e30"], "--lr: expected a number above 0"),
            (["--seed", "-1"], "--seed: expected a whole number"),
            (["--seed", "18446744073709551616"], "--seed: expected a whole number"),
            (["--threads", "0"], "--threads: expected a whole number"),
            (["--threads", "1000000"], "--threads: expected a whole number"),
            (["--device", "gpu"], "--device: expected auto, cpu or cuda, got 'gpu'"),
            (["--out", ""], "--out: expected a folder"),
            (["--data", ""], "--data: expected a folder"),
            (["--resume", "a", "--out", "b"], "one of them is enough"),
        ]:
            with self.subTest(arguments):
                self.refused(expected, *arguments)

    def test_cuda_without_a_gpu(self):
        info = run(program=BIN / "entasis-info")
        if "none: " not in info.stdout:
            self.skipTest("this machine has a CUDA device")
        self.refused("no CUDA device: ", "--device", "cuda")

    def test_data(self):
        images = idx((30, 8, 8), [0] * 30 * 64)
        for name, expected, files in [
            ("no_images", "no file train-images-idx3-ubyte", {"train_images_idx3_ubyte": None}),
            ("no_labels", "no file t10k-labels-idx1-ubyte", {"t10k_labels_idx1_ubyte": None}),
            ("empty", "IDX header is cut off", {"train_images_idx3_ubyte": b""}),
            ("truncated", "file is cut off", {"train_images_idx3_ubyte": images[:-1]}),
            ("longer", "trailing bytes", {"train_images_idx3_ubyte": images + b"\0"}),
            ("magic", "not an IDX file", {"t10k_images_idx3_ubyte": b"\x89PNG" + images[4:]}),
            ("type", "not supported, expected u8",
             {"t10k_images_idx3_ubyte": b"\0\0\x0d\x03" + images[4:]}),
            ("label", "label out of range: 10 at position 7",
             {"train_labels_idx1_ubyte": idx((30,), [0] * 7 + [10] + [0] * 22)}),
            ("count", "29 labels for 30 images",
             {"train_labels_idx1_ubyte": idx((29,), [0] * 29)}),
            ("size", "training images are 8x8, test images 8x4",
             {"t10k_images_idx3_ubyte": idx((20, 8, 4), [0] * 640)}),
            ("huge", "over the limit",
             {"train_images_idx3_ubyte": idx((2**31, 2**16, 2**16), [])}),
        ]:
            for compress in (False, True):
                with self.subTest(name, compress=compress):
                    folder = write_mnist(self.folder / name / str(compress), compress=compress,
                                         **files)
                    self.refused(expected, "--data", folder)
        small = write_mnist(self.folder / "small", side=3)
        self.refused("images of 3x3 are too small: expected at least 4x4", "--data", small)
        self.refused("no such folder", "--data", self.folder / "nowhere")
        self.refused("is not a folder", "--data", small / "train-labels-idx1-ubyte")
        torn = write_mnist(self.folder / "torn", compress=True)
        path = torn / "train-images-idx3-ubyte.gz"
        path.write_bytes(path.read_bytes()[:-20])
        self.refused("train-images-idx3-ubyte.gz", "--data", torn)

    def test_output_folder(self):
        (self.folder / "file").write_text("in the way")
        self.refused("file", out="file")
        self.refused("file/below: cannot make this folder", out="file/below")
        self.refused("cannot make this folder", "--out", "/proc/entasis")
        (self.folder / "taken/options.json").mkdir(parents=True)
        self.refused("options.json: cannot write: it is a folder", out="taken")

    def test_a_full_disk_leaves_no_half_file(self):
        # A limit on the size of files that the metrics fit in and the weights do not.
        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

        result = run("--epochs", 2, "--out", self.folder / "out", preexec_fn=limited)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("checkpoint.safetensors: cannot write", result.stderr.splitlines()[-1])
        left = {path.name for path in (self.folder / "out").iterdir()}
        self.assertEqual(left, {"options.json", "metrics.csv"})

    def test_resume(self):
        self.refused("--resume: there is no", "--resume")
        self.refused("--resume: there is no nowhere/checkpoint.safetensors", "--resume", "nowhere",
                     "--out", "nowhere")
        self.train("out", "--epochs", 1)
        self.refused("--lr is 0.5, but the run that is resumed began with", "--resume", "--lr", 0.5)
        self.refused("--epochs is 9", "--resume", "--epochs", 9)
        self.refused("--batch-size is 9", "--resume", "--batch-size", 9)
        self.refused("--seed is 9", "--resume", "--seed", 9)
        other = write_mnist(self.folder / "other")
        self.refused("not the images", "--resume", "--data", other)

    def test_a_damaged_checkpoint(self):
        self.train("out", "--epochs", 1)
        path = self.folder / "out/checkpoint.safetensors"
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8:8 + length])

        def with_metadata(**changes):
            changed = {**header, "__metadata__": {**header["__metadata__"], **changes}}
            text = json.dumps(changed).encode()
            return len(text).to_bytes(8, "little") + text + data[8 + length:]

        for damaged in [b"", data[:4], data[:100], data[:-1], data + b"\0",
                        b"\xff" * 8 + data[8:], (self.folder / "out/model.safetensors").read_bytes(),
                        with_metadata(**{"cursor.position": "23"}),
                        with_metadata(**{"cursor.position": "-1"}),
                        with_metadata(**{"cursor.epoch": "99"}),
                        with_metadata(**{"cursor.step": "3"}),
                        with_metadata(**{"number.epochs": "nan"}),
                        with_metadata(**{"number.batch_size": "1e300"}),
                        with_metadata(**{"number.lr": "-1"}),
                        with_metadata(**{"text.images": "0"})]:
            path.write_bytes(damaged)
            self.refused("", "--resume")
        path.write_bytes(data)
        self.train("out", "--resume")


class Help(unittest.TestCase):
    def test_explains_every_flag_with_its_default(self):
        result = run("--help")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr, "")
        for flag in ("--data", "--device", "--epochs", "--batch-size", "--lr", "--seed",
                     "--threads", "--out"):
            self.assertRegex(result.stdout, rf"(?s){flag} [A-Z]+ .*?default: ")
        self.assertIn("--resume [DIR]", result.stdout)
        self.assertLess(max(map(len, result.stdout.splitlines())), 90)

    def test_version(self):
        self.assertRegex(run("--version").stdout, r"^entasis-train-digits \d+\.\d+\.\d+\n$")

    def test_info(self):
        result = run(program=BIN / "entasis-info")
        self.assertEqual(result.returncode, 0, result.stderr)
        for name in ("build", "ops", "SIMD", "threads", "cpu", "cuda", "memory"):
            self.assertRegex(result.stdout, rf"(?m)^  {name}\S* +\S")
        self.assertEqual(run("--nonsense", program=BIN / "entasis-info").returncode, 2)

    def test_info_of_gpus(self):
        plugins = BIN.parent / "lib/emulated"
        if not plugins.exists():
            self.skipTest("this build has no emulated CUDA device")
        environment = {**os.environ, "ENTASIS_PLUGIN_PATH": str(plugins)}
        for devices in (2, 0):
            environment["ENTASIS_EMULATION_DEVICES"] = str(devices)
            result = run(program=BIN / "entasis-info", env=environment)
            self.assertEqual(result.returncode, 0, result.stderr)
            lines = [line for line in result.stdout.splitlines() if line.startswith("  cuda")]
            self.assertEqual(len(lines), max(devices, 1), result.stdout)
            if devices == 0:
                self.assertRegex(lines[0], "  cuda +none: .*shows no GPU")
                self.assertNotIn("versions", result.stdout)
                continue
            self.assertRegex(lines[1], r"  cuda:1 .* multiprocessors, compute capability \d+\.\d+, "
                                       r"\S+ GiB, free \S+ GiB")
            self.assertRegex(result.stdout, r"(?m)^  versions +.*CUDA driver \d+\.\d+, "
                                            r"CUDA runtime \d+\.\d+, cuBLASLt \S+, cuDNN \S+$")


if __name__ == "__main__":
    unittest.main()
