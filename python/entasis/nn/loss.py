"""Losses as modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .. import _entasis
from .._entasis import Tensor
from .module import Module

__all__ = ["BCELoss", "CrossEntropyLoss", "L1Loss", "MSELoss", "SmoothL1Loss"]


if TYPE_CHECKING:
    _Reduction = Literal["mean", "sum", "none"]


class _Loss(Module):
    def __init__(self, reduction: _Reduction = "mean") -> None:
        super().__init__()
        self.reduction: _Reduction = reduction

    if TYPE_CHECKING:
        def __call__(self, input: Tensor, target: Tensor) -> Tensor: ...

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"


class MSELoss(_Loss):
    """(input - target)^2: its mean, sum, or each element's."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _entasis.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """|input - target|: its mean, sum, or each element's."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _entasis.l1_loss(input, target, self.reduction)


class SmoothL1Loss(_Loss):
    """The squared error near 0, up to `beta`, and the absolute one beyond (Girshick 2015)."""

    def __init__(self, reduction: _Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _entasis.smooth_l1_loss(input, target, self.reduction, self.beta)


class BCELoss(_Loss):
    """Binary cross-entropy of probabilities."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _entasis.binary_cross_entropy(input, target, self.reduction)


class CrossEntropyLoss(_Loss):
    """Cross-entropy of logits and class indices."""

    def __init__(self, ignore_index: int = -100, reduction: _Reduction = "mean",
                 label_smoothing: float = 0.0) -> None:
        super().__init__(reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _entasis.cross_entropy(input, target, self.ignore_index, self.reduction,
                                      self.label_smoothing)
