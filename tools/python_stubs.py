"""Writes the type stubs of the package: python_stubs.py FOLDER, beside the module that it imports.

_entasis.pyi is what the extension module holds: its rows, described by themselves, and what
nanobind binds, whose signatures nanobind knows. __init__.pyi says where each public name of the
package comes from. The other files of the package carry their annotations themselves. So a new row,
binding or module needs nothing here."""

import ast
import builtins
import inspect
import pathlib
import re
import sys
import textwrap
import types

import entasis
from entasis import _entasis, _tensor, autograd, functional_style, nn, optim

HEADER = '''\
# Written by the build (tools/python_stubs.py).
import builtins
import collections.abc
import typing
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from numpy.typing import NDArray
from typing_extensions import CapsuleType, disjoint_base

from .typing import (ArrayLike, BufferLike, Device, DeviceLike, Dtype, DtypeLike, Ints, Scalar,
                     Subscript, SupportsDLPack)

@typing.type_check_only
class nb_type(type): ...
'''
ROWS = {row["name"]: row for row in _entasis._rows}
Op = type(_entasis.add)

# Names of builtins that a dtype, a row or a method takes in the stub: "builtins.int" is written for
# "int". The classes dtype and device share theirs with properties of Tensor.
SHADOWED = {name for scope in (_entasis, _entasis.Tensor) for name in vars(scope)
            if hasattr(builtins, name)}
OTHER_NAMES = {"dtype": "Dtype", "device": "Device"}


class Qualify(ast.NodeTransformer):
    """Makes the names in annotations mean what they say inside of the stub."""

    def visit_Name(self, node):
        if node.id in SHADOWED:
            return ast.Attribute(ast.Name("builtins"), node.id)
        return ast.Name(OTHER_NAMES.get(node.id, node.id))

    def visit_FunctionDef(self, node):
        node.args = self.visit(node.args)
        node.returns = self.visit(node.returns)
        return node


def write(source, name, is_method=False):
    """The lines of a stub for functions given as source, under another name perhaps."""
    lines = []
    for function in ast.parse(source).body:
        function.name = name
        function.body = [ast.Expr(ast.Constant(...))]
        if is_method:
            first = (function.args.posonlyargs + function.args.args)[0]
            first.arg, first.annotation = "self", None
        lines += ast.unparse(ast.fix_missing_locations(Qualify().visit(function))).split("\n")
    text = "\n".join(lines).replace(":\n    ...", ": ...")
    return text.split("\n")


def overloads(sources):
    """Several forms of a function as overloads; one as it is."""
    return "\n".join("@typing.overload\n" + source if len(sources) > 1 else source
                     for source in sources)


# ---- What nanobind binds

def bound(function, name, is_method=False):
    sources = []
    for signature, _, defaults in function.__nb_signature__:
        source = signature.replace("entasis._entasis.", "").replace("def (", f"def {name}(")
        for i, default in enumerate(defaults or ()):
            source = source.replace(f"\\{i}", repr(default))
        # A signature that was given as text may hold several, each with a decorator.
        sources.append(re.sub(r"(?m)^(def .*)$", r"\1: ...", source))
    return write(overloads(sources), name, is_method)


def python_function(function, name, is_method=False):
    return write(textwrap.dedent(inspect.getsource(function)), name, is_method)


# ---- Rows

def type_of(text):
    """The annotation for a row's description of a type."""
    if text.endswith(" or None"):
        return type_of(text.removesuffix(" or None")) + " | None"
    if text.startswith("'"):
        return f"Literal[{text}]"
    return {"number": "Scalar", "Tensor or number": "Tensor | Scalar",
            "sequence of Tensors": "Sequence[Tensor]", "int or sequence of ints": "Ints",
            "dtype": "DtypeLike", "device": "DeviceLike"}.get(text, text)


def returns_of(row):
    if row["results"]:
        return row["name"] + "_results"
    return "tuple[Tensor, ...]" if row["returns"] == "sequence of Tensors" else row["returns"]


def parameter(argument, name=None):
    text = f"{name or argument['name']}: {type_of(argument['type'])}"
    return text if argument["required"] else f"{text} = {argument['default']}"


def forms_of(row, is_method):
    """The parameter lists of a row: PyTorch's; sizes one by one; NumPy's names."""
    arguments = row["arguments"]
    forms = [[parameter(a) for a in arguments]]
    if row["dims_argument"] >= 0:
        several = arguments[row["dims_argument"]]["name"]
        forms.append(forms[0][:row["dims_argument"]] + [f"*{several}: int"])
    if row["variadic"]:
        forms.append([f"*{arguments[0]['name']}: Tensor", *forms[0][1:]])
    # NumPy takes the array itself by position: its "x" is no form of its own.
    first = next((i for i, a in enumerate(arguments) if a["alias"] not in (None, "x")), None)
    if first is not None:
        forms.append([*forms[0][:first], *([] if is_method else ["/"]), "*",
                      *[parameter(a, a["alias"]) for a in arguments[first:]]])
    return forms


def row_function(op, name, is_method=False):
    row = ROWS[op.__name__]
    returns = "typing.Self" if is_method and row["name"].endswith("_") else returns_of(row)
    return write(overloads([f"def {name}({', '.join(form)}) -> {returns}: ..."
                            for form in forms_of(row, is_method)]), name, is_method)


def operator(op, name):
    row = ROWS[op.__name__]
    # An operator gives its row two operands; the reflected one is never asked for a tensor.
    reflected = name.startswith("__r") and f"__{name[3:]}" in vars(_entasis.Tensor)
    parameters = ["self"]
    if len(row["arguments"]) > 1:
        other = row["arguments"][0 if reflected else 1]
        kind = "Scalar" if reflected else type_of(other["type"])
        parameters += [f"other: {kind}", "/"]
    returns = "typing.Self" if row["name"].endswith("_") else "Tensor"
    lines = write(f"def {name}({', '.join(parameters)}) -> {returns}: ...", name, True)
    # object's give a bool.
    comment = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
    return [line + comment for line in lines]


def results_class(row):
    names = row["results"].split()
    lines = ["@typing.final", "@typing.type_check_only",
             f"class {row['name']}_results(tuple[{', '.join(['Tensor'] * len(names))}]):"]
    for name in names:
        lines += ["    @property", f"    def {name}(self) -> Tensor: ..."]
    return lines


# ---- Members of the module and of classes

def member(name, value, is_method):
    """The lines of one member, or none for what type checkers know without them."""
    if isinstance(value, staticmethod):
        lines = member(name, value.__func__, False)
        return [f"@staticmethod\n    {line}" if line.startswith("def ") else line for line in lines]
    if isinstance(value, Op):
        if is_method and name.startswith("__"):
            return operator(value, name)
        return row_function(value, name, is_method)
    if hasattr(value, "__nb_signature__"):
        return bound(value, name, is_method)
    if isinstance(value, types.FunctionType):
        return python_function(value, name, is_method)
    if isinstance(value, property):
        lines = ["@property", *bound(value.fget, name, True)]
        if value.fset:
            lines += [f"@{name}.setter", *bound(value.fset, name, True)]
        return lines
    if isinstance(value, type):
        return class_lines(name, value)
    if isinstance(value, _entasis.dtype):
        return [f"{name}: dtype"]
    if isinstance(value, str):
        return [f"{name}: str"]
    if name == "_rows":
        return [f"{name}: list[dict[str, Any]]"]
    if name == "_dtypes":
        return [f"{name}: list[dtype]"]
    raise TypeError(f"no stub can be written for {name}, which is a {type(value).__name__}")


def class_lines(name, cls):
    bases = [f"builtins.{b.__name__}" if b.__module__ == "builtins" else b.__name__
             for b in cls.__bases__ if b is not object]
    body = []
    # Classes that nanobind binds cannot be mixed: each has an object of C++ inside.
    is_bound = not issubclass(cls, BaseException)
    if is_bound and not bases:
        bases = ["metaclass=nb_type"]
    own_layout = cls.__basicsize__ != cls.__base__.__basicsize__
    mark = ["@disjoint_base"] if is_bound and own_layout else []
    head = f"class {name}({', '.join(bases)}):"
    for key, value in vars(cls).items():
        if key in ("__module__", "__doc__", "__new__", "__weakref__", "__dict__"):
            continue
        if isinstance(value, types.WrapperDescriptorType) and key == "__init__":
            # nanobind's, which refuses: objects of the class are given, not made.
            body.append("    def __init__(self, *args: typing.Never, **kwargs: typing.Never): ...")
            continue
        body += ["    " + line for line in member(key, value, is_method=True)]
    return [*mark, head, *body] if body else [*mark, head + " ..."]


def extension_stub():
    lines = []
    for row in ROWS.values():
        if row["results"]:
            lines += results_class(row)
    for name, value in vars(_entasis).items():
        if not name.startswith("__") or name == "__version__":
            lines += member(name, value, is_method=False)
    return HEADER + "\n".join(lines) + "\n"


def package_stub():
    """Each public name of the package, from the module that has it."""
    import math
    sources = {"._entasis": _entasis, "._tensor": _tensor, ".autograd": autograd,
               ".functional_style": functional_style, ".nn": nn, ".optim": optim, "math": math}
    lines = ["# Written by the build (tools/python_stubs.py)."]
    for name, value in sorted(vars(entasis).items()):
        if name.startswith("_") and name != "__version__":
            continue
        if isinstance(value, types.ModuleType):
            module = "."
        else:
            module = next(m for m, has in sources.items()
                          if name in vars(has) and vars(has)[name] is value)
        lines.append(f"from {module} import {name} as {name}")
    return "\n".join(lines) + "\n"


folder = pathlib.Path(sys.argv[1])
(folder / "_entasis.pyi").write_text(extension_stub())
(folder / "__init__.pyi").write_text(package_stub())
(folder / "py.typed").touch()
