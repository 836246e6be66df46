"""Ties and edges of functions of two operands, where gradients are a matter of convention: values and
first gradients against PyTorch's. And what integers do at theirs."""

import math
import sys
import unittest

try:
    import torch
except ImportError:
    print("PyTorch is not there; skipped")
    sys.exit(77)

import entasis

INF, NAN = math.inf, math.nan


def run(library, name, columns, kwargs):
    leaves = [library.tensor(list(c), dtype=library.float64, requires_grad=True) for c in columns]
    result = getattr(library, name)(*leaves, **kwargs)
    result.sum().backward()
    grads = [leaf.grad.tolist() if leaf.grad is not None else [0.0] * len(columns[0])
             for leaf in leaves]
    return result.tolist(), grads


class Edges(unittest.TestCase):
    def same(self, ours, theirs, what):
        for a, b in zip(ours, theirs, strict=True):
            equal = (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-14)
            self.assertTrue(equal, f"{what}: {ours}, PyTorch's {theirs}")

    def check(self, name, *rows, **kwargs):
        with self.subTest(name):
            columns = list(zip(*rows))
            values, grads = run(entasis, name, columns, kwargs)
            torch_values, torch_grads = run(torch, name, columns, kwargs)
            self.same(values, torch_values, "values")
            for k, (a, b) in enumerate(zip(grads, torch_grads, strict=True)):
                self.same(a, b, f"gradient {k}")

    def test_ties_of_extrema(self):
        pairs = [(1, 1), (1, 2), (2, 1), (NAN, 1), (1, NAN), (0.0, -0.0), (INF, INF)]
        for name in ("maximum", "minimum"):
            self.check(name, *pairs[:3], *pairs[5:])
        for name in ("fmax", "fmin"):
            self.check(name, *pairs, (NAN, NAN))

    def test_division(self):
        pairs = [(5, 3), (-5, 3), (5, -3), (-5, -3), (0.0, 3), (-0.0, 3), (5, 0.3), (1e30, 7),
                 (-1e-30, 3)]
        for name in ("fmod", "remainder"):
            self.check(name, *pairs)
        for mode in ("floor", "trunc"):
            self.check("div", *pairs, (5, INF), (-5, INF), (0, 0), (1, -0.0), rounding_mode=mode)

    def test_signs_and_origins(self):
        self.check("copysign", (5, -1), (0.0, -1), (-0.0, -1), (3, 2), (-3, -0.0), (-3, 0.0))
        self.check("hypot", (0, 0), (3, 4), (0, 4), (1e200, 1e200))
        self.check("atan2", (0, 0), (1, 2), (0, -1), (-1, 0), (1, 0), (-0.0, 2))

    def test_logarithms(self):
        self.check("xlogy", (0, 0), (0, -1), (0, 2), (1, 0), (0, NAN), (2, 3))
        for name in ("logaddexp", "logaddexp2"):
            self.check(name, (INF, INF), (1, 2), (-INF, -INF), (1, -INF), (-INF, 1), (1e4, 1e4),
                       (-800, -801))

    def test_powers(self):
        self.check("pow", (0, 0), (0, 1), (0, 2), (0, 0.5), (2, 0), (-2, 2), (-2, 3), (2, -1))
        self.check("float_power", (0, 0), (0, 2), (2, 3))
        self.check("ldexp", (1, 3), (2, -4), (0, 5))

    def test_ternary(self):
        self.check("lerp", (1, 3, 0.2), (2, 5, 0.7), (2, 5, 0.5), (2, 5, -0.5), (2, 5, 0), (2, 5, 1),
                   (2, 2, 0.3))
        self.check("addcmul", (1, 2, 3), (0, 0, 5), value=0.5)
        self.check("addcdiv", (1, 2, 4), (1, 0, 4), (1, 2, -4), value=-2)

    def test_in_place_comparison_has_the_gradient_zero(self):
        # PyTorch's logical functions leave the history of what they overwrite.
        for name in ("eq_", "lt_", "logical_and_", "logical_not_"):
            for library in (entasis, torch) if "logical" not in name else (entasis,):
                x = library.tensor([1.0, 2.0], requires_grad=True)
                y = x * 1
                getattr(y, name)(*([] if name == "logical_not_" else [x.detach()]))
                (y * x).sum().backward()
                self.assertEqual(x.grad.tolist(), y.tolist(), name)

    def test_integers_at_their_ends(self):
        for dtype in ("int8", "int16", "int32", "int64"):
            low, high = entasis.iinfo(dtype).min, entasis.iinfo(dtype).max
            rows = [(low, 1), (low, -1), (low, low), (low, high), (high, low), (high, -1), (-7, 2),
                    (7, -2)]
            for name in ("floor_divide", "remainder", "fmod"):
                self.assertEqual(*(
                    getattr(library, name)(*(library.tensor(list(c), dtype=getattr(library, dtype))
                                             for c in zip(*rows))).tolist()
                    for library in (entasis, torch)))
        # PyTorch's of the smallest integer is negative.
        x = entasis.tensor([-128, -128, 0, 12], dtype=entasis.int8)
        y = entasis.tensor([6, -128, 0, -18], dtype=entasis.int8)
        self.assertEqual(entasis.gcd(x, y).tolist(), [2, -128, 0, 6])
        self.assertEqual(entasis.lcm(x, y).tolist(), [-128, -128, 0, 36])

    def test_integers_divided_by_zero(self):
        x, zero = entasis.tensor([1, 2]), entasis.tensor([1, 0])
        for call in (lambda: x // zero, lambda: x % zero, lambda: x // 0, lambda: 5 % zero,
                     lambda: entasis.fmod(x, zero), lambda: entasis.div(x, zero,
                                                                        rounding_mode="trunc")):
            with self.assertRaisesRegex(entasis.ValueError, "divided by 0"):
                call()
        empty = entasis.zeros((0,), dtype=entasis.int64)
        self.assertEqual((empty // entasis.tensor([0])).tolist(), [])

    def test_where_of_a_condition(self):
        for values in ([[1, 0], [1, 1]], 1, [], [True, False]):
            ours = [i.tolist() for i in entasis.where(entasis.tensor(values))]
            self.assertEqual(ours, [i.tolist() for i in torch.where(torch.tensor(values))])
        x = entasis.tensor([1.0, 2.0])
        self.assertEqual(x.where(x > 1, 0).tolist(), [0.0, 2.0])

    def test_operators(self):
        texts = ["a // b", "a % b", "7 // b", "7 % b", "a ** 2", "2 ** b", "a & b", "a | b", "a ^ b",
                 "a & 6", "6 | a", "1 ^ a", "a << 1", "1 << b", "a >> 1", "256 >> b", "~a",
                 "(a > b) & (a > 2)", "(a > b) | True", "a // 2.5", "a - True * 3"]
        for text in texts:
            got = [eval(text, {"a": lib.tensor([5, -7, 12]), "b": lib.tensor([2, 3, 5])}).tolist()
                   for lib in (entasis, torch)]
            self.assertEqual(*got, text)
        for text in ("a //= 2", "a %= b", "a **= 2", "a &= b", "a |= 1", "a ^= b", "a <<= 1",
                     "a >>= b", "a += 1", "a -= b", "a *= 3"):
            got = []
            for lib in (entasis, torch):
                names = {"a": lib.tensor([5, -7, 12]), "b": lib.tensor([2, 3, 5])}
                before = names["a"]
                exec(text, names)
                self.assertIs(names["a"], before, text)
                got.append(before.tolist())
            self.assertEqual(*got, text)


if __name__ == "__main__":
    unittest.main()
