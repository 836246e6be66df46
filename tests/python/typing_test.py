"""The package's annotations and stubs, by mypy: they are strict and agree with the package
(stubtest), programs that use it as usual pass, and wrong ones do not. Skipped without mypy."""

import ast
import importlib.util
import inspect
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import entasis as en
from entasis import _entasis

if importlib.util.find_spec("mypy") is None:
    print("SKIPPED: mypy is not installed (tools/python_env.sh build/venv oracle)")
    sys.exit(77)

HERE = Path(__file__).resolve().parent
PACKAGE = Path(en.__file__).parent
ENVIRONMENT = {**os.environ, **dict.fromkeys(["MYPYPATH", "PYTHONPATH"], str(PACKAGE.parent))}
CACHE = tempfile.TemporaryDirectory()


def python_module(*arguments):
    return subprocess.run([sys.executable, "-B", "-m", *map(str, arguments)], env=ENVIRONMENT,
                          cwd=CACHE.name, capture_output=True, text=True)


def mypy(*arguments):
    return python_module("mypy", "--strict", "--no-error-summary", "--cache-dir", CACHE.name,
                         *arguments)


def stub_functions():
    """The overloads of each function of the extension's stub."""
    functions = {}
    for node in ast.parse((PACKAGE / "_entasis.pyi").read_text()).body:
        if isinstance(node, ast.FunctionDef):
            functions.setdefault(node.name, []).append(node)
    return functions


def allowed():
    """What stubtest is to overlook, by rules that hold for rows to come too."""
    lines = []
    functions = stub_functions()
    for name, value in vars(_entasis).items():
        # nanobind's functions are no functions to the module inspect.
        if type(value).__name__ == "nb_func":
            lines.append(rf"entasis\._entasis\.(Tensor\.)?{name}")
    for row in _entasis._rows:
        # inspect.signature() knows one form of a call, not reshape(x, 2, 3) or sum(x, axis=1).
        if len(functions[row["name"]]) > 1:
            lines.append(rf"entasis\._entasis\.(Tensor\.)?{row['name']}")
    # Made of the parts' lists, which mypy does not follow.
    lines.append(r"entasis\.nn\.__all__")
    return lines


class Types(unittest.TestCase):
    maxDiff = None

    def test_the_package_is_marked_as_typed(self):
        for name in ("py.typed", "__init__.pyi", "_entasis.pyi"):
            self.assertTrue((PACKAGE / name).exists(), name)

    def test_the_package_is_strict(self):
        result = mypy("-p", "entasis")
        self.assertEqual(result.stdout + result.stderr, "")

    def test_usual_programs_pass(self):
        examples = (HERE.parents[1] / "examples" / "python").glob("*.py")
        for program in [HERE / "typed_program.py", *examples]:
            with self.subTest(program.name):
                result = mypy(program)
                self.assertEqual(result.stdout + result.stderr, "")
        subprocess.run([sys.executable, "-B", HERE / "typed_program.py"], check=True)

    def test_wrong_programs_do_not(self):
        program = HERE / "typed_errors.py"
        wanted = set()
        for number, line in enumerate(program.read_text().splitlines(), 1):
            if "# error: " in line:
                wanted.add((number, line.rsplit("# error: ")[1]))
        found = re.findall(r"typed_errors\.py:(\d+): error: .*\[([\w-]+)\]$",
                           mypy(program).stdout, re.MULTILINE)
        self.assertGreater(len(wanted), 30)
        self.assertEqual({(int(number), code) for number, code in found}, wanted)

    def test_stubs_agree_with_the_package(self):
        allowlist = Path(CACHE.name) / "allowlist"
        allowlist.write_text("\n".join(allowed()))
        result = python_module("mypy.stubtest", "entasis", "--concise", "--allowlist", allowlist)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_first_forms_of_rows_are_their_signatures(self):
        """Which stubtest cannot compare where there are others."""
        functions = stub_functions()
        for row in _entasis._rows:
            arguments = functions[row["name"]][0].args
            parameters = inspect.signature(getattr(_entasis, row["name"])).parameters.values()
            defaults = [p.default for p in parameters if p.default is not p.empty]
            self.assertEqual([a.arg for a in arguments.args], [p.name for p in parameters])
            self.assertEqual([ast.literal_eval(d) for d in arguments.defaults], defaults)


if __name__ == "__main__":
    unittest.main()
