"""Activations as modules."""

from __future__ import annotations

from typing import Literal

from .. import _entasis
from .._entasis import Tensor
from .module import UnaryModule

__all__ = ["ELU", "GELU", "LeakyReLU", "LogSoftmax", "Mish", "ReLU", "SELU", "SiLU", "Sigmoid",
           "Softmax", "Softplus", "Softsign", "Tanh"]


class _InPlace(UnaryModule):
    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """max(x, 0); `inplace` overwrites the input."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.relu_(input) if self.inplace else _entasis.relu(input)


class SELU(_InPlace):
    """The scaled exponential linear unit (Klambauer et al. 2017)."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.selu_(input) if self.inplace else _entasis.selu(input)


class LeakyReLU(_InPlace):
    """x where it is positive, else `negative_slope` times x."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        op = _entasis.leaky_relu_ if self.inplace else _entasis.leaky_relu
        return op(input, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class ELU(_InPlace):
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert et al. 2016)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return (_entasis.elu_ if self.inplace else _entasis.elu)(input, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class Mish(UnaryModule):
    """x * tanh(softplus(x)) (Misra 2020)."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.mish(input)


class Softplus(UnaryModule):
    """log(1 + exp(beta * x)) / beta; the identity where beta * x is above the threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Sigmoid(UnaryModule):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.sigmoid(input)


class Tanh(UnaryModule):
    """The hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.tanh(input)


class SiLU(UnaryModule):
    """x * sigmoid(x), also known as swish."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.silu(input)


class Softsign(UnaryModule):
    """x / (1 + |x|)."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.softsign(input)


class GELU(UnaryModule):
    """x times the normal distribution's cumulative function at x; 'tanh' approximates it."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        self.approximate: Literal["none", "tanh"] = approximate

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softmax(UnaryModule):
    """exp(x) / sum(exp(x)) along a dimension."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """The logarithm of softmax along a dimension."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.log_softmax(input, self.dim)
