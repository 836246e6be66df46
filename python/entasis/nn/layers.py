"""Layers with PyTorch's arguments, state keys and initial weights."""

from __future__ import annotations

from .. import _entasis
from .._entasis import Tensor
from ..typing import DeviceLike, DtypeLike, Ints
from . import init
from .module import Parameter, UnaryModule

__all__ = ["AvgPool2d", "BatchNorm2d", "Conv2d", "Dropout", "Embedding", "Flatten", "Identity",
           "LayerNorm", "Linear", "MaxPool2d"]


def _empty(shape: Ints, dtype: DtypeLike | None, device: DeviceLike | None) -> Parameter:
    return Parameter(_entasis.empty(shape, dtype=dtype, device=device))


def _pair(value: Ints) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)


class Identity(UnaryModule):
    """The input as it is."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Flatten(UnaryModule):
    """Joins dimensions, by default all but the first."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.flatten(input, self.start_dim, self.end_dim)


class Linear(UnaryModule):
    """input @ weight.T + bias."""

    bias: Parameter | None

    def __init__(self, in_features: int, out_features: int, bias: bool = True,
                 device: DeviceLike | None = None, dtype: DtypeLike | None = None) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = _empty((out_features, in_features), dtype, device)
        self.register_parameter("bias", _empty((out_features,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init._affine(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (f"in_features={self.in_features}, out_features={self.out_features}, "
                f"bias={self.bias is not None}")


class Conv2d(UnaryModule):
    """A two-dimensional convolution over [N, C, H, W] or [C, H, W]."""

    bias: Parameter | None

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints = 1,
                 padding: Ints = 0, dilation: Ints = 1, groups: int = 1, bias: bool = True,
                 device: DeviceLike | None = None, dtype: DtypeLike | None = None) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise _entasis.ValueError(
                f"Conv2d: groups is {groups}; it must divide in_channels ({in_channels}) and "
                f"out_channels ({out_channels})")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = _pair(kernel_size), _pair(stride)
        self.padding, self.dilation, self.groups = _pair(padding), _pair(dilation), groups
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = _empty(shape, dtype, device)
        self.register_parameter("bias", _empty((out_channels,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init._affine(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.conv2d(input, self.weight, self.bias, self.stride, self.padding,
                               self.dilation, self.groups)

    def extra_repr(self) -> str:
        return (f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
                f"stride={self.stride}")


class MaxPool2d(UnaryModule):
    """The largest element of each window."""

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
                 dilation: Ints = 1, ceil_mode: bool = False) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation, self.ceil_mode = padding, dilation, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.max_pool2d(input, self.kernel_size, self.stride, self.padding,
                                   self.dilation, self.ceil_mode)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(UnaryModule):
    """The mean of each window."""

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
                 ceil_mode: bool = False, count_include_pad: bool = True) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.avg_pool2d(input, self.kernel_size, self.stride, self.padding,
                                   self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class Dropout(UnaryModule):
    """While training, sets elements to 0 with probability p and scales the others by 1/(1-p)."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise _entasis.ValueError(f"Dropout: p is {p}; it must be in [0, 1]")
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Embedding(UnaryModule):
    """Rows of a table by their indices."""

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
                 device: DeviceLike | None = None, dtype: DtypeLike | None = None) -> None:
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise _entasis.IndexError(
                    f"Embedding: padding_idx is {padding_idx}, the table has {num_embeddings} rows")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx
        self.weight = _empty((num_embeddings, embedding_dim), dtype, device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.normal_(self.weight)
        if self.padding_idx is not None:
            init.zeros_(self.weight.detach()[self.padding_idx])

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}"


class LayerNorm(UnaryModule):
    """Normalises over the last dimensions."""

    weight: Parameter | None
    bias: Parameter | None

    def __init__(self, normalized_shape: Ints, eps: float = 1e-5, elementwise_affine: bool = True,
                 bias: bool = True, device: DeviceLike | None = None,
                 dtype: DtypeLike | None = None) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps = shape, eps
        self.elementwise_affine = elementwise_affine
        affine = elementwise_affine
        self.register_parameter("weight", _empty(shape, dtype, device) if affine else None)
        self.register_parameter("bias", _empty(shape, dtype, device) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return _entasis.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"


class BatchNorm2d(UnaryModule):
    """Normalises each channel over the batch, or in eval() by running statistics."""

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
                 affine: bool = True, track_running_stats: bool = True,
                 device: DeviceLike | None = None, dtype: DtypeLike | None = None) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        shape = (num_features,)
        self.register_parameter("weight", _empty(shape, dtype, device) if affine else None)
        self.register_parameter("bias", _empty(shape, dtype, device) if affine else None)
        track = track_running_stats
        for name in ("running_mean", "running_var"):
            statistic = _entasis.empty(shape, dtype=dtype, device=device) if track else None
            self.register_buffer(name, statistic)
        counter = _entasis.empty((), dtype=_entasis.int64, device=device) if track else None
        self.register_buffer("num_batches_tracked", counter)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        for buffer, value in ((self.running_mean, 0), (self.running_var, 1),
                              (self.num_batches_tracked, 0)):
            if buffer is not None:
                buffer.fill_(value)

    def reset_parameters(self) -> None:
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)
        self.reset_running_stats()

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 4:
            raise _entasis.ShapeError("BatchNorm2d: the input must have 4 dimensions, its shape is "
                                      f"{list(input.shape)}")
        counter = self.num_batches_tracked if self.training else None
        # Without a momentum the running statistics are the mean over all batches so far.
        momentum = 0.0 if self.momentum is None else self.momentum
        if counter is not None and self.momentum is None:
            momentum = 1 / (counter.item() + 1)
        output = _entasis.batch_norm(input, self.running_mean, self.running_var, self.weight,
                                     self.bias, self.training or self.running_mean is None,
                                     momentum, self.eps)
        if counter is not None:
            counter.add_(1)
        return output

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"
