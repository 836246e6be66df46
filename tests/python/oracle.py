"""The oracle: the same call on entasis and on PyTorch, and what may not differ between them.

A sample draws arguments as descriptions (Drawn tensors and plain values). Each side gets tensors of
its own, with the same bits and strides: PyTorch's are made first and handed over by DLPack.
"""

import dataclasses
import math
import random

import torch

import entasis

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8"]
UNSIGNED = ["uint16", "uint32", "uint64"]  # PyTorch has few ops for them
ALL = FLOATS + INTEGERS + ["bool"]

# |actual - expected| <= absolute + relative * |expected|: torch.testing's defaults.
TOLERANCE = {"float64": (1e-7, 1e-7), "float32": (1.3e-6, 1e-5), "float16": (1e-3, 1e-5),
             "bfloat16": (1.6e-2, 1e-5)}


@dataclasses.dataclass
class Drawn:
    """A tensor as it was drawn: row-major values, and how they lie in memory."""

    values: list
    shape: tuple
    dtype: str
    layout: str

    def torch(self):
        dtype = getattr(torch, self.dtype)
        dense = torch.tensor(self.values, dtype=torch.float64).to(dtype).reshape(self.shape)
        rank = len(self.shape)
        if self.layout == "transposed" and rank > 1:
            order = list(range(rank))[::-1]
            return dense.permute(order).contiguous().permute(order)
        if self.layout == "rotated" and rank > 1:
            order = [*range(1, rank), 0]
            back = [rank - 1, *range(rank - 1)]
            return dense.permute(order).contiguous().permute(back)
        if self.layout == "sliced" and rank > 0:
            wide = torch.zeros([2 * size + 1 for size in self.shape], dtype=dtype)
            view = wide[tuple(slice(1, 2 * size + 1, 2) for size in self.shape)]
            view.copy_(dense)
            return view
        if self.layout == "offset":
            base = torch.zeros(dense.numel() + 3, dtype=dtype)
            view = base[3:].reshape(self.shape)
            view.copy_(dense)
            return view
        if self.layout == "channels_last" and rank == 4:
            return dense.contiguous(memory_format=torch.channels_last)
        return dense

    def exact(self):
        """PyTorch's in f64, of the same values, for what is not exact in half types."""
        tensor = self.torch()
        return tensor.double() if self.dtype in ("float16", "bfloat16") else tensor

    def entasis(self):
        return entasis.from_dlpack(self.torch())

    def __repr__(self):
        return f"{self.dtype}{list(self.shape)} {self.layout}"


class Draw:
    """What samples draw from."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def choose(self, *options):
        return self.rng.choice(options)

    def chance(self, p):
        return self.rng.random() < p

    def integer(self, low, high):
        return self.rng.randint(low, high)

    def shape(self, least=0, most=4, largest=5):
        """Mostly small; some empty, some with sizes of one."""
        rank = self.integer(least, most)
        sizes = [self.choose(1, 2, 3, 4, largest) for _ in range(rank)]
        if sizes and self.chance(0.06):
            sizes[self.integer(0, rank - 1)] = 0
        if sizes and self.chance(0.06):
            sizes[-1] = self.choose(16, 33, 70)
        return tuple(sizes)

    def dim(self, rank):
        return self.integer(-rank, rank - 1) if rank else self.choose(0, -1)

    def dims(self, rank):
        count = self.integer(0, rank)
        dims = self.rng.sample(range(rank), count)
        return tuple(d - rank if self.chance(0.3) else d for d in dims)

    def layout(self):
        return self.choose("dense", "dense", "transposed", "rotated", "sliced", "offset",
                           "channels_last")

    def values(self, count, dtype, low=-4.0, high=4.0, special=0.0):
        if dtype == "bool":
            return [float(self.chance(0.5)) for _ in range(count)]
        if dtype in INTEGERS + UNSIGNED:
            least = 0 if dtype.startswith("u") else math.floor(low)
            return [float(self.integer(max(least, math.ceil(low)), max(least, math.floor(high))))
                    for _ in range(count)]
        values = [self.rng.uniform(low, high) for _ in range(count)]
        for i in range(count):
            if special and self.chance(special):
                values[i] = self.choose(0.0, -0.0, math.nan, math.inf, -math.inf, 1.0)
        return values

    def tensor(self, shape=None, dtype="float32", low=-4.0, high=4.0, special=0.0, layout=None):
        shape = self.shape() if shape is None else tuple(shape)
        count = math.prod(shape)
        return Drawn(self.values(count, dtype, low, high, special), shape, dtype,
                     layout or self.layout())

    def distinct(self, shape, dtype="float32"):
        """No two elements are alike: for ops whose gradient depends on which is larger."""
        count = math.prod(shape)
        values = [0.25 * v - 0.125 * count for v in self.rng.sample(range(count), count)]
        return Drawn(values, tuple(shape), dtype, self.layout())

    def broadcast(self, shape):
        """A shape that broadcasts with `shape`."""
        sizes = [1 if self.chance(0.3) else size for size in shape]
        return tuple(sizes[self.integer(0, len(sizes)) if self.chance(0.3) else 0:])

    def number(self):
        return self.choose(self.integer(-3, 4), round(self.rng.uniform(-3, 3), 3), True, False)


@dataclasses.dataclass
class Call:
    """One call as a sample drew it."""

    args: tuple
    kwargs: dict = dataclasses.field(default_factory=dict)
    torch_args: tuple = None  # where PyTorch takes them otherwise
    torch_kwargs: dict = None
    gradient: bool = True
    strides: bool = True  # whether those of the results are PyTorch's
    scale: float = 1.0  # of the tolerance, for sums of many terms

    def __repr__(self):
        kwargs = [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return "(" + ", ".join([*map(repr, self.args), *kwargs]) + ")"


def twin_of(row):
    """PyTorch's function for a row."""
    name = row["torch"] or row["name"]
    found = torch
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            return getattr(torch.Tensor, name)
    return found


def convert(value, side):
    if isinstance(value, Drawn):
        return getattr(value, side)()
    if isinstance(value, (list, tuple)) and any(isinstance(v, Drawn) for v in value):
        return [convert(v, side) for v in value]
    if isinstance(value, str) and value.startswith("dtype:"):
        return getattr(entasis if side == "entasis" else torch, value[6:])
    return value


def tensors_in(values):
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from tensors_in(value)
        elif hasattr(value, "requires_grad"):
            yield value


def flat(result):
    return [result] if hasattr(result, "dtype") else list(result)


class Side:
    """One library's run of a call: results, and first and second gradients."""

    def __init__(self, library, function, args, kwargs, gradient, in_place, side=None):
        self.error = None
        self.results, self.gradients, self.second = [], [], []
        side = side or library.__name__
        args = [convert(a, side) for a in args]
        kwargs = {k: convert(v, side) for k, v in kwargs.items()}
        leaves = []
        if gradient:
            leaves = [t for t in tensors_in(args) if t.dtype in (library.float32, library.float64)]
            for leaf in leaves:
                leaf.requires_grad_()
            if in_place and leaves:  # a leaf may not be written
                args[0] = args[0] * 1
        try:
            self.results = flat(function(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (whether there is one is what counts)
            self.error = error
            return
        if gradient:
            self.differentiate(library, leaves)

    def differentiate(self, library, leaves):
        outputs = [r for r in self.results if r.requires_grad]
        if not outputs or not leaves:
            return
        grad = library.autograd.grad
        weights = [self.weights(library, r).requires_grad_() for r in outputs]
        first = grad(outputs, leaves, weights, create_graph=True, allow_unused=True)
        self.gradients = list(first)
        again = [g for g in first if g is not None and g.requires_grad]
        sources = leaves + weights
        self.second = [None] * len(sources) if not again else list(
            grad(again, sources, [self.weights(library, g) for g in again], allow_unused=True))

    @staticmethod
    def weights(library, like):
        count = max(like.numel(), 1)
        ramp = library.tensor([0.25 * ((7 * i) % 9) - 0.75 for i in range(count)],
                              dtype=like.dtype)
        return ramp[:like.numel()].reshape(tuple(like.shape))


def plain(tensor):
    """One of ours as PyTorch's, to compare."""
    if tensor is None or isinstance(tensor, torch.Tensor):
        return tensor if tensor is None else tensor.detach()
    return torch.from_dlpack(tensor.detach())


def strides_of(tensor):
    """Of the dimensions that have a choice."""
    shape, strides = tuple(tensor.shape), tuple(tensor.stride())
    return [] if 0 in shape else [s for n, s in zip(shape, strides) if n > 1]


def differences(ours, theirs, call, exact):
    """What differs between the two sides, in words; `exact` is a third side for half types."""
    if (ours.error is None) != (theirs.error is None):
        return [f"error: ours {ours.error!r}, PyTorch's {theirs.error!r}"]
    if ours.error is not None:
        return []
    found = []
    groups = [("result", ours.results, theirs.results), ("gradient", ours.gradients,
                                                         theirs.gradients),
              ("second gradient", ours.second, theirs.second)]
    for what, own, other in groups:
        if len(own) != len(other):
            found.append(f"{what}: {len(own)} tensors, PyTorch has {len(other)}")
            continue
        for i, (a, b) in enumerate(zip(own, other)):
            is_result = what == "result"
            half = is_result and b.dtype in (torch.float16, torch.bfloat16)
            truth = exact().results[i].detach().double() if half else None
            # A gradient is as exact as the result's dtype, in which it arrived.
            through = "" if is_result else str(theirs.results[0].dtype).removeprefix("torch.")
            found += [f"{what} {i}: {text}" for text in tensor_differences(
                plain(a), plain(b), call, check_strides=is_result and call.strides,
                slack=call.scale * (1 if is_result else 4), exact=truth,
                through=through)]
    return found


def tensor_differences(a, b, call, check_strides, slack, exact=None, through=""):
    if a is None or b is None:
        # "No gradient" and a gradient of zeros say the same.
        present = a if a is not None else b
        return [] if present is None or not present.any() else ["one side has none"]
    if a.dtype != b.dtype:
        return [f"dtype {a.dtype}, PyTorch's {b.dtype}"]
    if a.shape != b.shape:
        return [f"shape {list(a.shape)}, PyTorch's {list(b.shape)}"]
    if check_strides and strides_of(a) != strides_of(b):
        return [f"strides {a.stride()}, PyTorch's {b.stride()}, shape {list(a.shape)}"]
    relative, absolute = max(TOLERANCE.get(name, (0, 0)) for name in (
        str(b.dtype).removeprefix("torch."), through))
    if torch.allclose(a.double(), b.double(), rtol=relative * slack, atol=absolute * slack,
                      equal_nan=True):
        return []
    # Half types: PyTorch may round on the way. Ours passes where it is as near to the truth.
    both_nan = a.isnan() & b.isnan()
    if exact is not None and ((a == b) | both_nan | ((a.double() - exact).abs() <= (
            b.double() - exact).abs() + relative * exact.abs())).all():
        return []
    excess = (a.double() - b.double()).abs() - relative * b.double().abs()
    gap = excess.nan_to_num(math.inf).masked_fill(both_nan, -1).flatten()
    at = int(gap.argmax())
    return [f"element {at} is {a.flatten()[at].item()!r}, PyTorch's {b.flatten()[at].item()!r}"]


def is_deliberate(ours, theirs):
    """Differences that docs/differences.md explains."""
    unimplemented = ours.error is None and isinstance(theirs.error, NotImplementedError) and (
        "not implemented for" in str(theirs.error))
    out_of_range = theirs.error is None and isinstance(ours.error, entasis.ValueError) and (
        "does not fit into" in str(ours.error))
    return unimplemented or out_of_range


def compare(row, call):
    """Differences between the sides of one call."""
    in_place = row["name"].endswith("_")
    torch_args = call.args if call.torch_args is None else call.torch_args
    torch_kwargs = call.kwargs if call.torch_kwargs is None else call.torch_kwargs
    ours = Side(entasis, getattr(entasis, row["name"]), call.args, call.kwargs, call.gradient,
                in_place)
    theirs = Side(torch, twin_of(row), torch_args, torch_kwargs, call.gradient, in_place)

    def exact():
        return Side(torch, twin_of(row), torch_args, torch_kwargs, False, in_place, "exact")

    return [] if is_deliberate(ours, theirs) else differences(ours, theirs, call, exact)
