#!/usr/bin/env python3
"""Which parts of the CUDA backend have changed since they last passed their tests on a GPU.

usage: gpu_debt.py                      lists them; ends with 0 whatever the list
       gpu_debt.py record REPORT.json   enters what a report of `make gpu-check` says into the ledger

The ledger, tests/gpu_ledger.json, keeps for each source file of backends/cuda and kernels/cuda the
hash of its text, together with what it includes from there and from kernels/formulas, at the time
when the tests named in the report passed, with device, driver, date and commit.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEDGER = ROOT / "tests" / "gpu_ledger.json"
FOLDERS = ("backends/cuda", "kernels/cuda", "kernels/formulas")
INCLUDE = re.compile(r"\s*#\s*include\s*<entasis/([^>]+)>")


def with_includes(path, found=None):
    """The file and everything of FOLDERS that it includes, in a fixed order."""
    found = set() if found is None else found
    if path in found or not path.exists():
        return found
    found.add(path)
    for line in path.read_text().splitlines():
        match = INCLUDE.match(line)
        if match and match.group(1).startswith(FOLDERS):
            with_includes(ROOT / match.group(1), found)
    return found


def hash_of(path):
    digest = hashlib.sha256()
    for part in sorted(with_includes(path)):
        digest.update(str(part.relative_to(ROOT)).encode() + b"\0" + part.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def sources():
    """The files that are compiled, as paths below the root."""
    files = [*ROOT.glob("backends/cuda/**/*.cpp"), *ROOT.glob("kernels/cuda/**/*.cu")]
    return {str(f.relative_to(ROOT)): hash_of(f) for f in sorted(files)}


def read_ledger():
    return json.loads(LEDGER.read_text()) if LEDGER.exists() else {}


def show():
    ledger, now = read_ledger(), sources()
    debt = []
    for name, digest in now.items():
        entry = ledger.get(name)
        if entry is None:
            debt.append(f"{name}: never passed on a GPU")
        elif entry["hash"] != digest:
            debt.append(f"{name}: changed since {entry['date']} ({entry['device']})")
    if debt:
        print("\n".join(debt))
    print(f"{len(debt)} of {len(now)} CUDA sources have not passed on a GPU as they are")


def record(report_path):
    report = json.loads(Path(report_path).read_text())
    if report["failed"] or report["skipped"] or not report["passed"]:
        sys.exit(f"{report_path}: {report['failed']} tests failed, {report['skipped']} skipped, "
                 f"{report['passed']} passed: nothing is entered")
    now, ledger = sources(), read_ledger()
    entered = 0
    for name, digest in report["sources"].items():
        if now.get(name) == digest:
            ledger[name] = {"hash": digest, **{k: report[k] for k in
                                               ("device", "driver", "date", "commit")}}
            entered += 1
        else:
            print(f"{name}: changed since the report was made, not entered")
    ledger = {name: ledger[name] for name in sorted(ledger) if name in now}
    LEDGER.write_text(json.dumps(ledger, indent=1) + "\n")
    print(f"{entered} sources entered")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        show()
    elif len(sys.argv) == 3 and sys.argv[1] == "record":
        record(sys.argv[2])
    elif sys.argv[1:] == ["hashes"]:  # for gpu_check.py
        print(json.dumps(sources()))
    else:
        sys.exit(__doc__)
