"""Tests tools/check_layers.py: a clean toy tree passes, and each kind of violation is found."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECK = Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"

CLEAN = {
    "entasis.h": "#pragma once\n#include <entasis/nn/module.h>\n",
    "core/tensor.h": "#pragma once\n#include <vector>\n",
    "core/tensor.cpp": "#include <entasis/core/node_internal.h>\n#include <memory>\n",
    "core/node_internal.h": "#pragma once\n#include <memory>\n",
    "ops/add.h": "#pragma once\n#include <entasis/core/tensor.h>\n",
    "kernels/cpu/add.cpp": "#include <hwy/highway.h>\n#include <entasis/ops/add.h>\n",
    "kernels/cpu/internal/lane.h": "#if defined(A) == defined(HWY_TARGET_TOGGLE)\n#endif\n",
    "nn/module.h": "#pragma once\n#include <entasis/ops/add.h>\n",
    "train/loop.cpp": "#include <entasis/nn/module.h>\n",
    "examples/info.cpp": "#include <CLI/CLI.hpp>\n#include <entasis/entasis.h>\n",
    "tests/core/tensor_test.cpp":
        "#include <gtest/gtest.h>\n#include <entasis/kernels/cpu/internal/simd.h>\n",
}


class CheckLayersTest(unittest.TestCase):
    def check(self, changes):
        """Runs the check on the clean tree with `changes`: (exit code, output)."""
        with tempfile.TemporaryDirectory() as folder:
            for path, text in {**CLEAN, **changes}.items():
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            os.makedirs(Path(folder, "build", "include"))
            os.symlink(folder, Path(folder, "build", "include", "entasis"))
            done = subprocess.run([sys.executable, "-B", CHECK, folder],
                                  capture_output=True, text=True, check=False)
        self.assertEqual("", done.stderr)
        return done.returncode, done.stdout

    def expect_finding(self, path, text, finding):
        code, output = self.check({path: text})
        self.assertEqual(1, code, output)
        self.assertIn(finding, output)
        self.assertIn("1 findings", output)

    def test_clean_tree_passes(self):
        code, output = self.check({})
        self.assertEqual(0, code, output)

    def test_include_up(self):
        self.expect_finding("core/a.cpp", "\n#include <entasis/ops/add.h>\n",
                            "core/a.cpp:2: core includes ops/add.h: an include may only go down")

    def test_include_sideways(self):
        self.expect_finding("optim/sgd.cpp", "#include <entasis/nn/module.h>\n",
                            "nn is not below optim")

    def test_quoted_include_up(self):
        self.expect_finding("core/a.cpp", '#include "../ops/add.h"\n', "core includes ops/add.h")

    def test_nothing_includes_kernels(self):
        self.expect_finding("examples/a.cpp", "#include <entasis/kernels/cpu/internal/simd.h>\n",
                            "nothing includes kernels")

    def test_umbrella_inside_the_library(self):
        self.expect_finding("nn/a.cpp", "#include <entasis/entasis.h>\n", "which is for users")

    def test_umbrella_keeps_to_the_library(self):
        self.expect_finding("entasis.h", "#pragma once\n#include <entasis/examples/a.h>\n",
                            "no part of the library")

    def test_highway_outside_its_kernels(self):
        self.expect_finding("ops/add.cpp", "#include <hwy/highway.h>\n",
                            "Highway headers appear only under kernels/cpu")

    def test_cuda_outside_its_folders(self):
        self.expect_finding("core/stream.cpp", "#include <cuda_runtime.h>\n",
                            "CUDA headers appear only under")

    def test_heavy_header_in_public_header(self):
        self.expect_finding("core/a.h", "#pragma once\n#include <functional>\n",
                            "core/a.h:2: <functional> in a public header")

    def test_private_dependency_in_public_header(self):
        self.expect_finding("io/a.h", "#pragma once\n#include <nlohmann/json.hpp>\n",
                            "<nlohmann/json.hpp> in a public header")

    def test_private_header_in_public_header(self):
        self.expect_finding("core/a.h", "#pragma once\n#include <entasis/core/node_internal.h>\n",
                            "includes the private core/node_internal.h")

    def test_missing_pragma_once(self):
        self.expect_finding("core/a.h", "\n", "no #pragma once")

    def test_long_file(self):
        self.expect_finding("core/a.cpp", "\n" * 801, "core/a.cpp:801: 801 lines")


if __name__ == "__main__":
    unittest.main()
