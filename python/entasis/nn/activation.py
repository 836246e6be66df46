"""Activations as modules."""

from __future__ import annotations

from typing import Literal

from .. import _entasis
from .._entasis import Tensor
from ..typing import DeviceLike, DtypeLike
from .module import Parameter, UnaryModule

__all__ = ["CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh",
           "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU",
           "SiLU", "Sigmoid", "Softmax", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh",
           "Tanhshrink", "Threshold"]


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


class CELU(_InPlace):
    """x where it is positive, else alpha * (exp(x / alpha) - 1) (Barron 2017)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return (_entasis.celu_ if self.inplace else _entasis.celu)(input, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class Hardtanh(_InPlace):
    """x limited to [min_val, max_val]."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.min_val, self.max_val = min_val, max_val

    def forward(self, input: Tensor) -> Tensor:
        op = _entasis.hardtanh_ if self.inplace else _entasis.hardtanh
        return op(input, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


class ReLU6(Hardtanh):
    """x limited to [0, 6]."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Threshold(_InPlace):
    """x where it is above the threshold, else `value`."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold, self.value = threshold, value

    def forward(self, input: Tensor) -> Tensor:
        op = _entasis.threshold_ if self.inplace else _entasis.threshold
        return op(input, self.threshold, self.value)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}"


class RReLU(_InPlace):
    """x where it is positive, else x times a slope: drawn from [lower, upper] for each element while
    training, their mean otherwise (Xu et al. 2015)."""

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3,
                 inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower, self.upper = lower, upper

    def forward(self, input: Tensor) -> Tensor:
        op = _entasis.rrelu_ if self.inplace else _entasis.rrelu
        return op(input, self.lower, self.upper, self.training)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}"


class PReLU(UnaryModule):
    """x where it is positive, else x times a learnt slope: one, or one for each channel, which
    dimension 1 counts (He et al. 2015)."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25,
                 device: DeviceLike | None = None, dtype: DtypeLike | None = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        weight = _entasis.empty((num_parameters,), dtype=dtype, device=device)
        self.weight = Parameter(_entasis.fill_(weight, init))

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Hardsigmoid(UnaryModule):
    """A straight line from 0 at -3 to 1 at 3."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.hardsigmoid(input)


class Hardswish(UnaryModule):
    """x * hardsigmoid(x) (Howard et al. 2019)."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.hardswish(input)


class _Shrink(UnaryModule):
    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(_Shrink):
    """x where |x| > lambd, else 0."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """x brought nearer to 0 by lambd."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.softshrink(input, self.lambd)


class Tanhshrink(UnaryModule):
    """x - tanh(x)."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.tanhshrink(input)


class LogSigmoid(UnaryModule):
    """log(sigmoid(x))."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.logsigmoid(input)


class GLU(UnaryModule):
    """a * sigmoid(b) of the two halves along a dimension (Dauphin et al. 2017)."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


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


class Softmin(Softmax):
    """softmax of -x along a dimension."""

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.softmin(input, self.dim)
