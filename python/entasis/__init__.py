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

# Every public name of the extension: the class Tensor, dtypes, factories, errors and all rows.
globals().update({name: value for name, value in vars(_entasis).items() if name[0] != "_"})
__version__ = _entasis.__version__
Tensor = _entasis.Tensor

from . import _tensor  # noqa: E402,F401  (methods that Python says better)
from .autograd import (  # noqa: E402
    enable_grad,
    grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from .functional_style import *  # noqa: E402,F401,F403
from . import autograd, io, nn, optim  # noqa: E402,F401
from .nn import *  # noqa: E402,F401,F403  (modules and optimizers by their short names too)
from .optim import SGD, Adam, AdamW, Optimizer  # noqa: E402,F401

newaxis = None


def Variable(data, requires_grad=False):
    """The tensor itself, requiring a gradient or not: what PyTorch's Variable became."""
    return data.requires_grad_(requires_grad) if requires_grad else data
