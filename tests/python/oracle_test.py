"""Every row that PyTorch has, against PyTorch: values, dtypes, strides, gradients, second gradients
and whether there is an error, for drawn arguments. ENTASIS_ORACLE_DRAWS sets how many draws a row
gets, ENTASIS_ORACLE_SEED their seed."""

import os
import sys
import unittest
import warnings

try:
    import torch
except ImportError:
    print("PyTorch is not there; skipped")
    sys.exit(77)

import entasis._entasis
import oracle
import oracle_samples_binary  # noqa: F401 (adds its samples)
import oracle_samples_reduction  # noqa: F401
import oracle_samples_shape  # noqa: F401
from oracle_samples import SAMPLES

torch.set_num_threads(1)  # its threads do badly on a busy machine
DRAWS = int(os.environ.get("ENTASIS_ORACLE_DRAWS", 60))
SEED = int(os.environ.get("ENTASIS_ORACLE_SEED", 1))
# Results are random; only their form can be compared.
RANDOM = {"rand_like", "randn_like", "empty_like", "dropout", "uniform_", "normal_"}


class Oracle(unittest.TestCase):
    """One test a row, made below."""

    def check(self, row):
        name = row["name"]
        problems = []
        for k in range(DRAWS):
            draw = oracle.Draw(f"{SEED} {name} {k}")
            call = SAMPLES[name](draw, name)
            if name in RANDOM:
                found = [d for d in oracle.compare(row, call) if "element" not in d]
            else:
                found = oracle.compare(row, call)
            problems += [f"{name}{call}: {text}" for text in found]
        if problems:
            self.fail(f"{len(problems)} differences:\n" + "\n".join(problems[:12]))


class Completeness(unittest.TestCase):
    def test_every_row_names_its_twin_or_says_why_it_has_none(self):
        for row in entasis._entasis._rows:
            with self.subTest(row["name"]):
                if row["torch"] == "":
                    self.assertTrue(row["why_no_torch"], "no reason is given")
                else:
                    self.assertTrue(callable(oracle.twin_of(row)))

    def test_every_twin_is_compared(self):
        missing = [row["name"] for row in entasis._entasis._rows
                   if row["torch"] != "" and row["name"] not in SAMPLES and
                   row["name"] not in RANDOM]
        self.assertEqual(missing, [])


for _row in entasis._entasis._rows:
    if _row["torch"] != "" and _row["name"] in SAMPLES:
        setattr(Oracle, f"test_{_row['name']}", lambda self, row=_row: self.check(row))

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main()
