"""Activations as modules."""

from .. import _entasis
from .module import Module

__all__ = ["GELU", "LogSoftmax", "ReLU", "SiLU", "Sigmoid", "Softmax", "Softsign", "Tanh"]


class ReLU(Module):
    """max(x, 0); `inplace` overwrites the input."""

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return _entasis.relu_(input) if self.inplace else _entasis.relu(input)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input):
        return _entasis.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input):
        return _entasis.tanh(input)


class SiLU(Module):
    """x * sigmoid(x), also known as swish."""

    def forward(self, input):
        return _entasis.silu(input)


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input):
        return _entasis.softsign(input)


class GELU(Module):
    """x times the normal distribution's cumulative function at x; 'tanh' approximates it."""

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        return _entasis.gelu(input, self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class Softmax(Module):
    """exp(x) / sum(exp(x)) along a dimension."""

    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return _entasis.softmax(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """The logarithm of softmax along a dimension."""

    def forward(self, input):
        return _entasis.log_softmax(input, self.dim)
