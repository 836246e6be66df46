"""Holds the declarations in ops/*.h and the rows together: names of arguments, order and defaults.

usage: defaults_test.py CHECKOUT LIST_ROWS, the program whose output is the rows' side.
"""

import re
import subprocess
import sys
from pathlib import Path


def declared_functions(text):
    """Yields (name, [(argument, default or None)]) of each function that takes a Location."""
    text = re.sub(r"//[^\n]*", "", text)
    for match in re.finditer(r"ENTASIS_API\s+[\w:<>]+\s+(\w+)\(", text):
        depth, end = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        parameters = split_parameters(text[match.end():end - 1])
        if not parameters or not re.fullmatch(r"Location at( = \{\})?", parameters[-1]):
            continue
        yield match.group(1), [parameter_of(p) for p in parameters[:-1]]


def split_parameters(text):
    """Splits at the commas outside of brackets."""
    parts, depth, part = [], 0, ""
    for character in text:
        depth += {"<": 1, "{": 1, "(": 1, ">": -1, "}": -1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    parts.append(part)
    return [" ".join(p.split()) for p in parts if p.strip()]


def parameter_of(text):
    declaration, _, default = text.partition(" = ")
    type_name, _, name = declaration.rpartition(" ")
    return name.lstrip("&*"), normal(default, type_name) if default else None


def normal(default, type_name):
    """A C++ default in the words of the rows' list."""
    if default == "{}":
        return "[]" if "Dims" in type_name and "optional" not in type_name else "none"
    if default.startswith("{"):
        return "[" + ", ".join(n.strip() for n in default[1:-1].split(",")) + "]"
    enumerator = re.fullmatch(r"\w+::k(\w+)", default)
    if enumerator:
        return re.sub(r"(?<!^)([A-Z])", r"_\1", enumerator.group(1)).lower()
    return default


def same_default(declared, row):
    if declared == row or declared is None or row is None:
        return declared == row
    try:
        over, _, under = declared.partition(" / ")  # a quotient is written as such
        return float(over) / float(under or 1) == float(row)
    except ValueError:
        return False


def listed_rows(output):
    """{row: [(argument, default or None)]}"""
    rows, current = {}, None
    for line in output.splitlines():
        if line.startswith("row "):
            current = rows.setdefault(line[4:], [])
        elif line.startswith("  "):
            name, _, default = line.strip().partition(" = ")
            current.append((name, default or None))
    return rows


def differences(declared, row):
    if [name for name, _ in declared] != [name for name, _ in row]:
        return ["arguments are " + ", ".join(n for n, _ in declared) + " in the header and " +
                ", ".join(n for n, _ in row) + " in the row"]
    return [f"{name} is {a or 'required'} in the header and {b or 'required'} in the row"
            for (name, a), (_, b) in zip(declared, row) if not same_default(a, b)]


def main():
    checkout, list_rows = Path(sys.argv[1]), sys.argv[2]
    declared = {}
    for header in sorted((checkout / "ops").glob("*.h")):
        if header.name.endswith("_internal.h"):
            continue
        for name, parameters in declared_functions(header.read_text()):
            declared.setdefault(name, []).append(parameters)
    listed = subprocess.run([list_rows], check=True, capture_output=True, text=True)
    rows = listed_rows(listed.stdout)
    if len(rows) < 10 or len(declared) < 10:
        sys.exit(f"found only {len(rows)} rows and {len(declared)} functions: the test is broken")
    failures = []
    for name, arguments in rows.items():
        if name not in declared:
            failures.append(f"{name}: no function of this name in ops/*.h")
            continue
        # Of several overloads the row is one.
        found = [differences(overload, arguments) for overload in declared[name]]
        if all(found):
            failures += [f"{name}: {d}" for d in min(found, key=len)]
    print("\n".join(failures) or f"{len(rows)} rows agree with the headers")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
