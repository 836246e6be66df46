#!/usr/bin/env python3
"""Gathers what the tests and benchmarks of CUDA need into one folder, and runs it on a GPU machine.

usage: gpu_check.py gather BUILD FOLDER   on the machine that built: fills FOLDER
       gpu_check.py run [REPORT_FOLDER] [--quick]
                                          in FOLDER, on a machine with a GPU: writes report.json and
                                          the output of each step

The folder holds programs, libentasis and the plugin. CUDA's libraries are taken from there: from the
toolkit, or from the nvidia-* packages in python3's site-packages. The report's list of sources goes
into the ledger by `gpu_debt.py record report.json`. Ends with 0 if every test passed.
"""

import datetime
import hashlib
import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = ["memcheck", "racecheck", "initcheck", "synccheck"]
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
    libraries = {p.name: str(p) for p in (build / "lib").glob("libentasis*.so*") if not p.is_symlink()}
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
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(f"{folder}: {len(tests)} test programs, {size / 2**20:.0f} MiB; "
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
    asked = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
                           text=True, capture_output=True)
    name, _, driver = asked.stdout.splitlines()[0].partition(", ")
    return name.strip(), driver.strip()


class Runner:
    def __init__(self, folder, report):
        self.folder, self.report = folder, report
        self.base = {**os.environ,
                     "LD_LIBRARY_PATH": ":".join([str(folder / "lib"), *cuda_folders()])}
        self.steps = []

    def step(self, name, command, environment=(), limit=300):
        """Runs one command, keeps its output, and says whether it went well."""
        started = time.monotonic()
        env = {**self.base, **dict(e.split("=", 1) for e in environment)}
        log = self.report / f"{name}.log"
        with log.open("wb") as out:
            try:
                code = subprocess.run(command, env=env, stdout=out, stderr=subprocess.STDOUT,
                                      timeout=limit, cwd=self.folder).returncode
            except subprocess.TimeoutExpired:
                code = 124
        text = log.read_text(errors="replace")
        skipped = "no CUDA device" in text
        entry = {"name": name, "code": code, "skipped": skipped,
                 "seconds": round(time.monotonic() - started, 1)}
        self.steps.append(entry)
        print(f"{'ok    ' if code == 0 else 'FAILED'} {name}: {entry['seconds']} s", flush=True)
        if code != 0:
            print("\n".join(text.splitlines()[-15:]), flush=True)
        return code == 0 and not skipped


def run(report_folder, quick):
    contents = json.loads((HERE / "contents.json").read_text())
    report = Path(report_folder or "report").resolve()
    report.mkdir(parents=True, exist_ok=True)
    runner = Runner(HERE, report)
    device, driver = query_gpu()
    print(f"{device}, driver {driver}, commit {contents['commit']}", flush=True)
    runner.step("info", [HERE / "bin/entasis-info"])

    passed = failed = 0
    for test in contents["tests"]:
        good = runner.step(test["name"], [HERE / "bin" / test["program"], *test["arguments"]],
                           test["environment"])
        passed, failed = passed + good, failed + (not good)

    # The same bits, run after run.
    weights = set()
    for i in range(3 if quick else 10):
        out = report / f"run_{i}"
        runner.step(f"train_{i}", [HERE / "bin/entasis-train-digits", "--device", "cuda", "--seed", "1",
                                   "--epochs", "3", "--out", out])
        if (out / "model.safetensors").exists():
            weights.add(hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest())
    same = len(weights) == 1
    passed, failed = passed + same, failed + (not same)
    print(f"training from one seed: {len(weights)} different results", flush=True)

    sanitizer = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    if not quick and Path(sanitizer).exists():
        for tool in TOOLS:
            for test in contents["tests"]:
                runner.step(f"{tool}_{test['name']}",
                            [sanitizer, "--tool", tool, "--error-exitcode", "99", "--print-limit", "20",
                             HERE / "bin" / test["program"], *test["arguments"]],
                            [*test["environment"], "ENTASIS_MATRIX=small"], limit=600)
    for bench in sorted(HERE.glob("gpu*.py")):
        if bench.name != "gpu_check.py":
            runner.step(bench.stem, [sys.executable, bench, "--out", report / f"{bench.stem}.md"])

    (report / "report.json").write_text(json.dumps(
        {"device": device, "driver": driver, "date": datetime.date.today().isoformat(),
         "commit": contents["commit"], "passed": passed, "failed": failed,
         "sources": contents["sources"], "steps": runner.steps}, indent=1) + "\n")
    print(f"{passed} test programs passed, {failed} failed", flush=True)
    return failed


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "gather":
        gather(sys.argv[2], sys.argv[3])
    elif len(sys.argv) >= 2 and sys.argv[1] == "run":
        rest = [a for a in sys.argv[2:] if a != "--quick"]
        sys.exit(1 if run(rest[0] if rest else None, "--quick" in sys.argv) else 0)
    else:
        sys.exit(__doc__)
