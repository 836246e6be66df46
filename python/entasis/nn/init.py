"""Initialisers: they overwrite a tensor, unrecorded, with draws of the current generator, and return
it."""

from __future__ import annotations

from .._entasis import Tensor

__all__ = ["calculate_gain", "constant_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
           "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_"]

from .._entasis import (  # noqa: E402
    _init_calculate_gain as calculate_gain,
    _init_constant_ as constant_,
    _init_fans as _fans,
    _init_kaiming_normal_ as kaiming_normal_,
    _init_kaiming_uniform_ as kaiming_uniform_,
    _init_normal_ as normal_,
    _init_ones_ as ones_,
    _init_uniform_ as uniform_,
    _init_xavier_normal_ as xavier_normal_,
    _init_xavier_uniform_ as xavier_uniform_,
    _init_zeros_ as zeros_,
)


def _affine(weight: Tensor, bias: Tensor | None) -> None:
    """PyTorch's weights of Linear and Conv2d: uniform in ±1/sqrt(fan_in)."""
    kaiming_uniform_(weight, 5 ** 0.5)
    if bias is not None:
        fan_in = _fans(weight)[0]
        bound = fan_in ** -0.5 if fan_in > 0 else 0.0
        uniform_(bias, -bound, bound)
