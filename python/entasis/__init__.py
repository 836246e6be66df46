"""Entasis: tensors and training with PyTorch's semantics, made by one light C++ library.

    import entasis as en
    x = en.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    (x * x).sum().backward()
    print(x.grad)
"""

import pathlib as _pathlib
from math import inf, nan, pi  # noqa: F401

from . import _entasis

_entasis._set_package_folder(str(_pathlib.Path(__file__).parent) + "/")

# The class Tensor, dtypes, factories, errors and all rows. (Type checkers read which they are in
# the stubs that the build writes.)
from ._entasis import *  # noqa: E402,F401,F403
from ._entasis import __version__  # noqa: E402,F401
from ._tensor import (  # noqa: E402,F401  (and methods that Python says better)
    max,
    median,
    min,
    nanmedian,
    newaxis,
    where,
)
from .autograd import (  # noqa: E402,F401
    Variable,
    enable_grad,
    grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from .functional_style import *  # noqa: E402,F401,F403
from . import autograd, cuda, io, nn, optim  # noqa: E402,F401
from .nn import *  # noqa: E402,F401,F403  (modules and optimizers by their short names too)
from .optim import SGD, Adam, AdamW, Optimizer  # noqa: E402,F401


def __getattr__(name: str) -> object:
    if name.startswith("complex") or name in ("cfloat", "cdouble", "view_as_complex", "polar"):
        raise AttributeError(f"entasis has no complex numbers yet, and so no '{name}'; keep real "
                             "and imaginary parts as two tensors")
    raise AttributeError(f"module 'entasis' has no attribute '{name}'")
