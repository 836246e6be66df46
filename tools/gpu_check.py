#!/usr/bin/env python3
"""Gathers what the tests and benchmarks of CUDA need into one folder, and runs it on a GPU machine.

usage: gpu_check.py gather BUILD FOLDER   on the machine that built: fills FOLDER
       gpu_check.py run [REPORT_FOLDER] [--quick]
                                          in FOLDER, on a machine with a GPU: writes report.json,
                                          log.txt with the output of each step, and gpu.md, the
                                          benchmarks' table

The folder holds programs, libentasis and the plugin. CUDA's libraries are taken from there: from the
toolkit, or from the nvidia-* packages in python3's site-packages. The report's list of sources goes
into the ledger by `gpu_debt.py record report.json`. Ends with 0 if every test passed, with 1 if one
failed, with 77 where there is no GPU: the tests run there too and say that they skip.
"""

import collections
import datetime
import hashlib
import json
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = ["memcheck", "racecheck", "initcheck", "synccheck"]
LOG_BYTES = 200_000  # of each step's output, half from its start and half from its end
BENCH_SECONDS = 420
MOST_MEBIBYTES = 64  # of the folder, which is carried to the other machine
SKIPPED = 77
# Libraries that every machine has.
SYSTEM = ("linux-vdso", "ld-linux", "libc.so", "libm.so", "libdl.so", "librt.so", "libpthread.so",
          "libstdc++.so", "libgcc_s.so", "libz.so", "libcublas", "libcudnn", "libcuda")


# ---- Gathering

def needed(binary):
    """The shared libraries of a binary that the other machine may lack: name and path."""
    lines = subprocess.run(["ldd", str(binary)], capture_output=True, text=True).stdout.splitlines()
    found = {}
    for line in lines:
        name, arrow, path = line.strip().partition(" => ")
        if arrow and not name.startswith(SYSTEM) and path.startswith("/"):
            found[name] = path.split(" (")[0]
    return found


def gpu_tests(build):
    """Commands and environments of the CTest tests labelled gpu."""
    shown = subprocess.run(["ctest", "--show-only=json-v1", "-L", "^gpu$"], cwd=build, text=True,
                           capture_output=True, check=True).stdout
    for test in json.loads(shown)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        yield {"name": test["name"],
               "program": Path(test["command"][0]).name,
               "path": test["command"][0],
               "arguments": test["command"][1:],
               "environment": properties.get("ENVIRONMENT", [])}


def gather(build, folder):
    build, folder = Path(build).resolve(), Path(folder)
    root = HERE.parent
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").mkdir()
    tests = list(gpu_tests(build))
    programs = {t["path"] for t in tests}
    programs |= {str(p) for p in (build / "bin").glob("entasis-*")}
    libraries = {p.name: str(p) for p in (build / "lib").glob("libentasis_*.so")}
    for program in programs:
        shutil.copy2(program, folder / "bin")
        libraries.update(needed(program))
    if not any("libentasis_cuda.so" in name for name in libraries):
        sys.exit(f"{build} has no CUDA backend: configure it with -DENTASIS_CUDA=ON")
    for name, path in libraries.items():
        shutil.copy2(path, folder / "lib" / name)
    subprocess.run(["strip", "--strip-unneeded", *map(str, folder.glob("*/*"))], check=False,
                   stderr=subprocess.DEVNULL)
    if (root / "examples/data").exists():
        shutil.copytree(root / "examples/data", folder / "share/entasis/data")
    for bench in sorted((root / "bench").glob("gpu*.py")):
        shutil.copy2(bench, folder)
    shutil.copy2(__file__, folder / "gpu_check.py")
    hashes = subprocess.run([sys.executable, HERE / "gpu_debt.py", "hashes"], text=True,
                            capture_output=True, check=True).stdout
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, text=True,
                            capture_output=True).stdout.strip()
    for test in tests:
        del test["path"]
    (folder / "contents.json").write_text(json.dumps(
        {"commit": commit, "sources": json.loads(hashes), "tests": tests}, indent=1))
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 2**20
    if size > MOST_MEBIBYTES:
        sys.exit(f"{folder} has {size:.0f} MiB, more than {MOST_MEBIBYTES}: build for fewer GPUs by "
                 "CMAKE_CUDA_ARCHITECTURES")
    print(f"{folder}: {len(tests)} test programs, {size:.0f} MiB; "
          "run `python3 gpu_check.py run` in it on a machine with a GPU")


# ---- Running

def cuda_folders():
    """Where CUDA's libraries lie on this machine."""
    folders = [Path("/usr/local/cuda/lib64")]
    for packages in {sysconfig.get_path("purelib"), *site.getsitepackages(),
                     site.getusersitepackages()}:
        folders += sorted(Path(packages).glob("nvidia/*/lib"))
    return [str(f) for f in folders if f.exists()]


def query_gpu():
    """Name and driver of the first GPU, as the driver's own program tells; "none" twice without one."""
    try:
        asked = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version",
                                "--format=csv,noheader"], text=True, capture_output=True, check=True)
        name, _, driver = asked.stdout.splitlines()[0].partition(", ")
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "none", "none"
    return name.strip(), driver.strip()


def missing_libraries(folder, environment):
    """What the programs and libraries of the folder need and this machine does not have."""
    missing = {}
    for binary in sorted([*folder.glob("bin/*"), *folder.glob("lib/*")]):
        lines = subprocess.run(["ldd", str(binary)], env=environment, text=True,
                               capture_output=True).stdout.splitlines()
        for line in lines:
            name, _, path = line.strip().partition(" => ")
            if path.startswith("not found"):
                missing.setdefault(name, []).append(binary.name)
    return missing


class Runner:
    def __init__(self, folder, log):
        self.folder, self.log = folder, log
        self.environment = {
            **os.environ, "LD_LIBRARY_PATH": ":".join([str(folder / "lib"), *cuda_folders()])}
        self.steps = []

    def note(self, text):
        """For the reader of the log and of the terminal."""
        print(text, flush=True)
        with self.log.open("a") as log:
            log.write(text + "\n")

    def step(self, name, command, environment=(), limit=300, base=None):
        """Runs one command, logs its output, and gives it back with "passed", "failed" or "skipped".
        `base` is the environment that `environment` is added to; by default this one with CUDA's
        libraries."""
        started = time.monotonic()
        env = {**(base or self.environment), **dict(e.split("=", 1) for e in environment)}
        with tempfile.TemporaryFile() as out:
            try:
                code = subprocess.run(command, env=env, stdout=out, stderr=subprocess.STDOUT,
                                      timeout=limit, cwd=self.folder).returncode
            except subprocess.TimeoutExpired:
                code = 124
            except OSError as error:
                code = 127
                out.write(str(error).encode())
            out.seek(0)
            text = out.read().decode(errors="replace")
        state = "failed" if code else "skipped" if "no CUDA device" in text else "passed"
        seconds = round(time.monotonic() - started, 1)
        self.steps.append({"name": name, "code": code, "state": state, "seconds": seconds})
        self.note(f"{state.upper() if code else state:<7} {name}: {seconds} s")
        with self.log.open("a") as log:
            if len(text) > LOG_BYTES:
                half = LOG_BYTES // 2
                text = f"{text[:half]}\n[... {len(text) - 2 * half} characters ...]\n{text[-half:]}"
            log.write(f"{text}\n")
        if code != 0:
            print("\n".join(text.splitlines()[-15:]), flush=True)
        return state, text

    def skip(self, name, why):
        self.steps.append({"name": name, "code": None, "state": "skipped", "seconds": 0})
        self.note(f"skipped {name}: {why}")


def count_results(runner, runs):
    """How many different weights come from training with one seed, over so many runs."""
    weights = set()
    for i in range(runs):
        with tempfile.TemporaryDirectory() as out:
            runner.step(f"train_{i}", [HERE / "bin/entasis-train-digits", "--device", "cuda",
                                       "--seed", "1", "--epochs", "3", "--out", out])
            model = Path(out) / "model.safetensors"
            if model.exists():
                weights.add(hashlib.sha256(model.read_bytes()).hexdigest())
    return len(weights)


def run(report_folder, quick):
    contents = json.loads((HERE / "contents.json").read_text())
    report = Path(report_folder or "report").resolve()
    report.mkdir(parents=True, exist_ok=True)
    (report / "log.txt").write_text("")
    runner = Runner(HERE, report / "log.txt")
    device, driver = query_gpu()
    runner.note(f"GPU: {device}, driver {driver}; commit {contents['commit']}")
    runner.note("CUDA's libraries: " + (", ".join(cuda_folders()) or "not found"))
    missing = missing_libraries(HERE, runner.environment)
    for name, users in missing.items():
        runner.note(f"missing: {name}, which {', '.join(users)} needs")
    _, info = runner.step("info", [HERE / "bin/entasis-info"])
    no_gpu = re.search(r"^ *cuda +none: (.*)", info, re.MULTILINE)

    counts = collections.Counter()
    for test in contents["tests"]:
        lacks = [name for name, users in missing.items() if test["program"] in users]
        if no_gpu and lacks:
            runner.skip(test["name"], f"no GPU, and no {', '.join(lacks)}")
            counts["skipped"] += 1
            continue
        state, _ = runner.step(test["name"], [HERE / "bin" / test["program"], *test["arguments"]],
                               test["environment"])
        counts[state] += 1
    if no_gpu:
        for name in ("training from one seed", *TOOLS, "bench"):
            runner.skip(name, "no GPU")
    else:
        measure(runner, contents, report, counts, quick)

    (report / "report.json").write_text(json.dumps(
        {"device": device, "driver": driver, "date": datetime.date.today().isoformat(),
         "commit": contents["commit"],
         **{state: counts[state] for state in ("passed", "failed", "skipped")}, "missing": missing,
         "sources": contents["sources"], "steps": runner.steps}, indent=1) + "\n")
    runner.note(f"{counts['passed']} test programs passed, {counts['failed']} failed, "
                f"{counts['skipped']} skipped" + (f": {no_gpu[1]}" if no_gpu else ""))
    return 1 if counts["failed"] else SKIPPED if no_gpu else 0


def measure(runner, contents, report, counts, quick):
    """What only makes sense on a GPU: repeated runs, the sanitizer, the benchmarks."""
    # The same bits, run after run.
    different = count_results(runner, 3 if quick else 10)
    counts["passed" if different == 1 else "failed"] += 1
    runner.note(f"training from one seed: {different} different results")

    sanitizer = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    if not quick and Path(sanitizer).exists():
        for tool in TOOLS:
            for test in contents["tests"]:
                runner.step(f"{tool}_{test['name']}",
                            [sanitizer, "--tool", tool, "--error-exitcode", "99", "--print-limit", "20",
                             HERE / "bin" / test["program"], *test["arguments"]],
                            [*test["environment"], "ENTASIS_MATRIX=small"], limit=600)
    if (HERE / "gpu.py").exists():  # it finds CUDA's libraries for ours, and keeps them from PyTorch
        runner.step("bench", [sys.executable, HERE / "gpu.py", "--out", report / "gpu.md",
                              "--budget", str(BENCH_SECONDS), *(["--quick"] if quick else [])],
                    limit=BENCH_SECONDS + 150, base=os.environ)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "gather":
        gather(sys.argv[2], sys.argv[3])
    elif len(sys.argv) >= 2 and sys.argv[1] == "run":
        rest = [a for a in sys.argv[2:] if a != "--quick"]
        sys.exit(run(rest[0] if rest else None, "--quick" in sys.argv))
    else:
        sys.exit(__doc__)
