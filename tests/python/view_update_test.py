"""Random programs of views and changes in place, run here and in PyTorch: values, gradients, errors.

A program draws which tensor it looks at, through which chain of views, and what it does there; both
libraries run it in step. Where PyTorch raises, so must we, but for what docs/differences.md names.
"""

import os
import random
import sys
import unittest

try:
    import torch
except ImportError:
    print("PyTorch is not there; skipped")
    sys.exit(77)

import entasis as en

torch.set_num_threads(1)  # its threads do badly on a busy machine
PROGRAMS = int(os.environ.get("ENTASIS_VIEW_PROGRAMS", 400))
SHAPES = ((3, 4), (2, 3, 2), (4,), (2, 1, 3))


def both(data, shape, requires_grad):
    ours = en.tensor(data, dtype=en.float64).reshape(shape).clone()
    theirs = torch.tensor(data, dtype=torch.float64).reshape(shape).clone()
    return ours.requires_grad_(requires_grad), theirs.requires_grad_(requires_grad)


class Program:
    """Pairs of tensors, ours and PyTorch's, that grow as it runs."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.leaves, self.tensors, self.log = [], [], []
        for i in range(2):
            self.leaves.append(both(*self.data(), True))
        for ours, theirs in self.leaves:
            self.tensors.append((ours * 2, theirs * 2))
        self.tensors.append(both(*self.data(), False))  # without a history so far

    def data(self, shape=None):
        shape = shape or self.rng.choice(SHAPES)
        count = 1
        for size in shape:
            count *= size
        return [self.rng.uniform(0.5, 1.5) for _ in range(count)], shape

    def draw_view(self, t):
        """A function that takes a view, by the shape of PyTorch's tensor `t`, and its name."""
        rng, rank = self.rng, t.dim()
        choices = [("unsqueeze", lambda x: x.unsqueeze(0))]
        if rank > 0:
            dim = rng.randrange(rank)
            size = t.shape[dim]
            if size > 0:
                at = rng.randrange(size)
                choices.append((f"select({dim}, {at})", lambda x: x.select(dim, at)))
                begin = rng.randrange(size)
                length = rng.randint(1, size - begin)
                choices.append((f"narrow({dim}, {begin}, {length})",
                                lambda x: x.narrow(dim, begin, length)))
                index = tuple(slice(None) for _ in range(dim)) + (slice(begin, None, 2),)
                choices.append((f"[{index}]", lambda x: x[index]))
        if rank > 1:
            a, b = rng.sample(range(rank), 2)
            choices.append((f"transpose({a}, {b})", lambda x: x.transpose(a, b)))
            choices.append((f"diagonal(0, {a}, {b})", lambda x: x.diagonal(0, a, b)))
        if t.is_contiguous() and t.numel() > 0:
            choices.append(("view(-1)", lambda x: x.view(-1)))
        return rng.choice(choices)

    def draw_key(self, t):
        """A subscript with index tensors (as lists) or a mask, and PyTorch's tensor that it names.
        No place is named twice, since PyTorch leaves open which value it takes."""
        rng, key, dim = self.rng, [], 0
        count = rng.randint(1, 3)
        while dim < t.dim():
            size, kind = t.shape[dim], rng.choice(("all", "part", "one", "ids", "mask", "none"))
            if kind == "one" and size > 0:
                key.append(rng.randrange(size))
            elif kind == "ids" and size >= count:
                key.append(rng.sample(range(size), count))
            elif kind == "mask" and size >= count:
                held = rng.sample(range(size), count)
                key.append([i in held for i in range(size)])
            elif kind == "part" and size > 0:
                key.append(slice(rng.randrange(size), None, rng.randint(1, 2)))
            elif kind == "none" and key.count(None) < 2:
                key.append(None)
                continue
            else:
                key.append(slice(None))
            dim += 1
            if rng.random() < 0.2:
                break
        key = tuple(key)
        with torch.no_grad():
            return key, t[tuple(torch.tensor(k) if isinstance(k, list) else k for k in key)]

    def draw_tensor(self):
        """A tensor, or a chain of views of it, which may stay for later."""
        ours, theirs = self.rng.choice(self.tensors)
        for _ in range(self.rng.randrange(4)):
            name, view = self.draw_view(theirs)
            ours, theirs = view(ours), view(theirs)
            self.log.append(name)
        if self.rng.random() < 0.5:
            self.tensors.append((ours, theirs))
        return ours, theirs

    def draw_operand(self, like):
        """A number, new data, or a tensor of the same shape."""
        same = [pair for pair in self.tensors if pair[1].shape == like.shape]
        kind = self.rng.choice(("number", "data", "tensor", "broadcast"))
        if kind == "tensor" and same:
            return self.rng.choice(same)
        if kind == "broadcast" and like.dim() > 0:
            data, shape = self.data(tuple(like.shape[-1:]))
            return both(data, shape, False)
        if kind == "data":
            data, shape = self.data(tuple(like.shape))
            return both(data, shape, False)
        number = self.rng.uniform(0.5, 1.5)
        return number, number

    def step(self):
        """One op on both sides; what each of them raised."""
        target = self.draw_tensor()
        kind = self.rng.choice(("mul_", "add_", "sub_", "div_", "copy_", "fill_", "exp_", "sin",
                                "mul", "set", "set_indexed"))
        operand = self.draw_operand(target[1])
        self.log.append(kind)
        key = ()
        if kind == "set_indexed":
            key, named = self.draw_key(target[1])
            operand = self.draw_operand(named)
            self.log.append(str(key))
        results = []
        for x, other, library in zip(target, operand, (en, torch)):
            try:
                if kind == "set_indexed":
                    x[tuple(library.tensor(k) if isinstance(k, list) else k for k in key)] = other
                    results.append((None, None))
                else:
                    results.append((self.apply(kind, x, other), None))
            except Exception as error:
                results.append((None, error))
        (ours, our_error), (theirs, their_error) = results
        if our_error is None and their_error is None and ours is not None:
            self.tensors.append((ours, theirs))
        return our_error, their_error

    def apply(self, kind, x, other):
        if kind == "fill_":
            return x.fill_(0.75)
        if kind == "exp_":
            return x.mul_(0.25).exp_()
        if kind == "sin":
            return x.sin()
        if kind == "copy_":
            if isinstance(other, float):
                return x.fill_(other)
            return x.copy_(other)
        if kind == "set":
            x[...] = other
            return None
        return getattr(x, kind)(other)


class ViewUpdate(unittest.TestCase):
    def assert_close(self, ours, theirs, where):
        self.assertEqual(tuple(ours.shape), tuple(theirs.shape), where)
        a, b = ours.detach().flatten().tolist(), theirs.detach().flatten().tolist()
        scale = max([1.0, *(abs(value) for value in b)])
        self.assertLess(max([0.0, *(abs(x - y) for x, y in zip(a, b))]), 1e-9 * scale, where)

    def compare(self, seed):
        program = Program(seed)
        for _ in range(program.rng.randint(2, 7)):
            ours, theirs = program.step()
            if ours is None and theirs is None:
                continue
            if ours is None and "refer to a single memory location" in str(theirs):
                return "overlap"  # is read as it was before
            self.assertIsNotNone(ours, f"seed {seed}, {program.log}: PyTorch raised {theirs}")
            self.assertIsNotNone(theirs, f"seed {seed}, {program.log}: we raised {ours}")
            return "raised"
        total = [0, 0]
        for i, (ours, theirs) in enumerate(program.tensors):
            self.assertEqual(ours.requires_grad, theirs.requires_grad, f"seed {seed}, tensor {i}")
            self.assert_close(ours, theirs, f"seed {seed}, {program.log}")
            total[0] = total[0] + (ours * ours).sum() * (i + 1)
            total[1] = total[1] + (theirs * theirs).sum() * (i + 1)
        errors = []
        for t in total:
            try:
                t.backward()
                errors.append(None)
            except RuntimeError as error:
                errors.append(error)
        if errors[0] is None and "modified by an inplace operation" in str(errors[1]):
            return "not needed here"  # what was overwritten: of a gradient that is zero
        self.assertEqual(errors[0] is None, errors[1] is None, f"seed {seed}, {program.log}: {errors}")
        if errors[0] is not None:
            return "raised in backward"
        for ours, theirs in program.leaves:
            if ours.grad is None or theirs.grad is None:  # a gradient that nothing reaches is zero
                for grad in (ours.grad, theirs.grad):
                    self.assertTrue(grad is None or grad.abs().max().item() == 0,
                                    f"seed {seed}, {program.log}")
                continue
            self.assert_close(ours.grad, theirs.grad, f"seed {seed}, {program.log}")
        return "compared"

    def test_random_programs(self):
        seen = {}
        for seed in range(PROGRAMS):
            outcome = self.compare(seed)
            seen[outcome] = seen.get(outcome, 0) + 1
        print(f"view programs: {seen}", file=sys.stderr)
        self.assertGreater(seen.get("compared", 0), PROGRAMS // 4)


if __name__ == "__main__":
    unittest.main()
