"""Activations as modules."""

from .. import _entasis
from .module import Module

__all__ = ["ELU", "GELU", "LeakyReLU", "LogSoftmax", "Mish", "ReLU", "SELU", "SiLU", "Sigmoid",
           "Softmax", "Softplus", "Softsign", "Tanh"]


class _InPlace(Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """max(x, 0); `inplace` overwrites the input."""

    def forward(self, input):
        return _entasis.relu_(input) if self.inplace else _entasis.relu(input)


class SELU(_InPlace):
    """The scaled exponential linear unit (Klambauer et al. 2017)."""

    def forward(self, input):
        return _entasis.selu_(input) if self.inplace else _entasis.selu(input)


class LeakyReLU(_InPlace):
    """x where it is positive, else `negative_slope` times x."""

    def __init__(self, negative_slope=0.01, inplace=False):
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input):
        op = _entasis.leaky_relu_ if self.inplace else _entasis.leaky_relu
        return op(input, self.negative_slope)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}"


class ELU(_InPlace):
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert et al. 2016)."""

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input):
        return (_entasis.elu_ if self.inplace else _entasis.elu)(input, self.alpha)

    def extra_repr(self):
        return f"alpha={self.alpha}"


class Mish(Module):
    """x * tanh(softplus(x)) (Misra 2020)."""

    def forward(self, input):
        return _entasis.mish(input)


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta; the identity where beta * x is above the threshold."""

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input):
        return _entasis.softplus(input, self.beta, self.threshold)

    def extra_repr(self):
        return f"beta={self.beta}, threshold={self.threshold}"


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
