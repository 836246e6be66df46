"""Names for annotations: what functions of entasis take and return."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

from ._entasis import Tensor, device, dtype

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from typing_extensions import Buffer

__all__ = ["ArrayLike", "BufferLike", "Device", "DeviceLike", "Dtype", "DtypeLike", "Ints",
           "Scalar", "Subscript", "SupportsDLPack"]

Dtype: TypeAlias = dtype
Device: TypeAlias = device
Scalar: TypeAlias = bool | int | float
# One number stands for a sequence of one. At run time a sequence is a list or a tuple.
Ints: TypeAlias = int | Sequence[int]
DtypeLike: TypeAlias = Union[dtype, str, type[int], type[float], "numpy.dtype[Any]",
                             "type[numpy.generic]"]
DeviceLike: TypeAlias = device | str
BufferLike: TypeAlias = Union["Buffer", "NDArray[Any]"]
# What tensor() copies: numbers, nested lists of them, arrays.
ArrayLike: TypeAlias = Union[Scalar, Tensor, BufferLike, list[Any], tuple[Any, ...]]
_Index: TypeAlias = Union[int, slice, EllipsisType, Tensor, "NDArray[Any]", list[Any], None]
Subscript: TypeAlias = Union[_Index, tuple[_Index, ...]]


class SupportsDLPack(Protocol):
    """Arrays of other libraries that can be looked into without a copy."""

    def __dlpack__(self) -> Any: ...
