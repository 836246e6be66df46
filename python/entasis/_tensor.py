"""Methods of Tensor that Python says better than C++: pickling, copying, formatting, PyTorch's
other names for what rows already do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

from . import _entasis
from ._entasis import Tensor
from .typing import Dtype, Ints, Scalar

newaxis = None


def _rebuild(kind: type[Tensor], data: bytes, dtype: Dtype, shape: tuple[int, ...],
             requires_grad: bool) -> Tensor:
    tensor = _entasis._from_bytes(data, dtype, shape)
    if kind is not Tensor:
        return kind(tensor, requires_grad)  # type: ignore[call-arg]  # a Parameter
    return tensor.requires_grad_(requires_grad) if requires_grad else tensor


def _reduce(self: Tensor, protocol: Any = None) -> tuple[Any, ...]:
    if not self.is_leaf:
        raise _entasis.AutogradError("only leaves can be pickled or deep-copied; use .detach()")
    data = _entasis._to_bytes(self.detach().cpu().contiguous())
    return _rebuild, (type(self), data, self.dtype, self.shape, self.requires_grad)


def _deepcopy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    if id(self) in memo:
        return memo[id(self)]  # type: ignore[no-any-return]
    if not self.is_leaf:
        raise _entasis.AutogradError("only leaves can be pickled or deep-copied; use .detach()")
    copy = self.detach().clone()
    if type(self) is not Tensor:
        copy = type(self)(copy, self.requires_grad)  # type: ignore[call-arg]  # a Parameter
    elif self.requires_grad:
        copy.requires_grad_()
    if self.grad is not None:
        copy.grad = self.grad.clone()
    memo[id(self)] = copy
    return copy


def _format(self: Tensor, spec: str, /) -> str:
    return format(self.item(), spec) if self.dim() == 0 and spec else repr(self)


def _view(self: Tensor, *shape: Ints | Dtype) -> Tensor:
    """The same memory in another shape, or taken for another dtype; a tensor whose strides do not
    allow that is refused."""
    first: Any = shape[0] if len(shape) == 1 else shape
    if isinstance(first, Dtype):
        return _entasis.view_dtype(self, first)
    return _entasis.view(self, first)


def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False,
        other: Tensor | None = None) -> Any:
    """The largest of all elements; with `dim` the largest along it and their indices, as max_dim
    gives them; with a second tensor the larger of each two elements, as maximum."""
    return _merged(_entasis.max, _entasis.max_dim, input, dim, keepdim, other, _entasis.maximum)


def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False,
        other: Tensor | None = None) -> Any:
    """The smallest of all elements; with `dim` the smallest along it and their indices, as min_dim
    gives them; with a second tensor the smaller of each two elements, as minimum."""
    return _merged(_entasis.min, _entasis.min_dim, input, dim, keepdim, other, _entasis.minimum)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of all elements; with `dim` those along it and their indices, as median_dim
    gives them."""
    return _merged(_entasis.median, _entasis.median_dim, input, dim, keepdim)


def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """median() of the elements that are not NaN."""
    return _merged(_entasis.nanmedian, _entasis.nanmedian_dim, input, dim, keepdim)


def _median(self: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    return median(self, dim, keepdim)


def _nanmedian(self: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    return nanmedian(self, dim, keepdim)


def _max(self: Tensor, dim: int | Tensor | None = None, keepdim: bool = False,
         other: Tensor | None = None) -> Any:
    return max(self, dim, keepdim, other)


def _min(self: Tensor, dim: int | Tensor | None = None, keepdim: bool = False,
         other: Tensor | None = None) -> Any:
    return min(self, dim, keepdim, other)


def _merged(whole: Any, along: Any, input: Tensor, dim: int | Tensor | None, keepdim: bool,
            other: Tensor | None = None, two: Any = None) -> Any:
    if other is None and isinstance(dim, Tensor):
        dim, other = None, dim
    if other is not None and two is not None:
        return two(input, other)
    return whole(input) if dim is None else along(input, dim, keepdim)


@overload
def where(condition: Tensor, input: None = None, other: None = None) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Tensor, input: Tensor | Scalar, other: Tensor | Scalar) -> Tensor: ...
def where(condition: Tensor, input: Tensor | Scalar | None = None,
          other: Tensor | Scalar | None = None) -> Any:
    """input where condition, a bool tensor, holds, and other elsewhere; of a condition alone the
    indices of its elements that are not 0, a tensor for each dimension."""
    if input is None and other is None:
        if condition.dim() == 0:
            condition = condition.unsqueeze(0)
        return condition.nonzero().unbind(1)
    return _entasis.where(condition, input, other)  # type: ignore[arg-type]


def _where(self: Tensor, condition: Tensor, other: Tensor | Scalar) -> Tensor:
    return _entasis.where(condition, self, other)


def _view_as(self: Tensor, other: Tensor) -> Tensor:
    return _view(self, other.shape)


def _reshape_as(self: Tensor, other: Tensor) -> Tensor:
    return self.reshape(other.shape)


def _expand_as(self: Tensor, other: Tensor) -> Tensor:
    return self.expand(other.shape)


def _type_as(self: Tensor, other: Tensor) -> Tensor:
    return self.to(other.dtype)


def _from_vec(values: Iterable[float], shape: Ints | None = None) -> Tensor:
    tensor = _entasis.tensor(list(values), dtype=_entasis.float32)
    return tensor if shape is None else tensor.reshape(shape)


_METHODS = {
    "__reduce_ex__": _reduce,
    "__deepcopy__": _deepcopy,
    "__format__": _format,
    "max": _max,
    "min": _min,
    "median": _median,
    "nanmedian": _nanmedian,
    "where": _where,
    "view": _view,
    "view_as": _view_as,
    "reshape_as": _reshape_as,
    "expand_as": _expand_as,
    "type_as": _type_as,
    "ndimension": Tensor.dim,
    "nelement": Tensor.numel,
    "add_scalar": Tensor.add,
    "mul_scalar": Tensor.mul,
    "zeros": staticmethod(_entasis.zeros),
    "ones": staticmethod(_entasis.ones),
    "randn": staticmethod(_entasis.randn),
    "rand": staticmethod(_entasis.rand),
    "from_vec": staticmethod(_from_vec),
}
for _name, _method in _METHODS.items():
    setattr(Tensor, _name, _method)
