"""The style in which the caller keeps all state: losses and optimizer steps as plain functions that
return new tensors. Steps take one tensor each, or lists of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, overload

from . import _entasis
from ._entasis import Tensor, binary_cross_entropy, cross_entropy

__all__ = ["adam_update", "adamw_update", "add_scalar", "binary_cross_entropy_loss",
           "cross_entropy_loss", "mul_scalar", "sgd_momentum_update", "sgd_update"]

add_scalar = _entasis.add
mul_scalar = _entasis.mul
cross_entropy_loss = cross_entropy


def binary_cross_entropy_loss(pred: Tensor, target: Tensor, epsilon: float = 1e-7) -> Tensor:
    """The mean binary cross-entropy, with probabilities kept `epsilon` away from 0 and 1."""
    return binary_cross_entropy(pred.clamp(epsilon, 1 - epsilon), target)


def _each(step: Callable[..., Any], *arguments: Any) -> Any:
    """step() of one tensor each, or of lists element by element; several results as several
    lists."""
    if isinstance(arguments[0], Tensor):
        return step(*arguments)
    lists = [list(a) for a in arguments]
    if len({len(a) for a in lists}) != 1:
        raise _entasis.ValueError("the lists differ in length: "
                                  + ", ".join(str(len(a)) for a in lists))
    results = [step(*group) for group in zip(*lists)]
    if not results or isinstance(results[0], Tensor):
        return results
    return tuple(list(column) for column in zip(*results))


@overload
def sgd_update(params: Tensor, grads: Tensor, lr: float) -> Tensor: ...
@overload
def sgd_update(params: Sequence[Tensor], grads: Sequence[Tensor], lr: float) -> list[Tensor]: ...
def sgd_update(params: Any, grads: Any, lr: float) -> Any:
    """params - lr * grads."""
    return _each(lambda p, g: _entasis.sgd_update(p, g, lr), params, grads)


@overload
def sgd_momentum_update(params: Tensor, grads: Tensor, velocity: Tensor, lr: float,
                        momentum: float) -> tuple[Tensor, Tensor]: ...
@overload
def sgd_momentum_update(params: Sequence[Tensor], grads: Sequence[Tensor],
                        velocity: Sequence[Tensor], lr: float,
                        momentum: float) -> tuple[list[Tensor], list[Tensor]]: ...
def sgd_momentum_update(params: Any, grads: Any, velocity: Any, lr: float, momentum: float) -> Any:
    """new_velocity = momentum * velocity + grads; new_params = params - lr * new_velocity."""
    return _each(lambda p, g, v: _entasis.sgd_momentum_update(p, g, v, lr, momentum),
                 params, grads, velocity)


@overload
def adam_update(params: Tensor, grads: Tensor, m: Tensor, v: Tensor, learning_rate: float = 0.001,
                beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
                timestep: int = 1) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def adam_update(params: Sequence[Tensor], grads: Sequence[Tensor], m: Sequence[Tensor],
                v: Sequence[Tensor], learning_rate: float = 0.001, beta1: float = 0.9,
                beta2: float = 0.999, epsilon: float = 1e-8,
                timestep: int = 1) -> tuple[list[Tensor], list[Tensor], list[Tensor]]: ...
def adam_update(params: Any, grads: Any, m: Any, v: Any, learning_rate: float = 0.001,
                beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
                timestep: int = 1) -> Any:
    """One step of Adam (Kingma & Ba 2015): new parameters, first and second moments."""
    return _each(functools.partial(_entasis.adam_update, learning_rate=learning_rate, beta1=beta1,
                                   beta2=beta2, epsilon=epsilon, timestep=timestep),
                 params, grads, m, v)


@overload
def adamw_update(params: Tensor, grads: Tensor, m: Tensor, v: Tensor, learning_rate: float = 0.001,
                 beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
                 weight_decay: float = 0.01,
                 timestep: int = 1) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def adamw_update(params: Sequence[Tensor], grads: Sequence[Tensor], m: Sequence[Tensor],
                 v: Sequence[Tensor], learning_rate: float = 0.001, beta1: float = 0.9,
                 beta2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.01,
                 timestep: int = 1) -> tuple[list[Tensor], list[Tensor], list[Tensor]]: ...
def adamw_update(params: Any, grads: Any, m: Any, v: Any, learning_rate: float = 0.001,
                 beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
                 weight_decay: float = 0.01, timestep: int = 1) -> Any:
    """One step of AdamW (Loshchilov & Hutter 2019): new parameters, first and second moments."""
    return _each(functools.partial(_entasis.adamw_update, learning_rate=learning_rate, beta1=beta1,
                                   beta2=beta2, epsilon=epsilon, weight_decay=weight_decay,
                                   timestep=timestep),
                 params, grads, m, v)
