"""The style in which the caller keeps all state: losses and optimizer steps as plain functions that
return new tensors. Steps take one tensor each, or lists of them."""

from . import _entasis
from ._entasis import Tensor, binary_cross_entropy, cross_entropy

__all__ = ["adam_update", "adamw_update", "add_scalar", "binary_cross_entropy_loss",
           "cross_entropy_loss", "mul_scalar", "sgd_momentum_update", "sgd_update"]

add_scalar = _entasis.add
mul_scalar = _entasis.mul
cross_entropy_loss = cross_entropy


def binary_cross_entropy_loss(pred, target, epsilon=1e-7):
    """The mean binary cross-entropy, with probabilities kept `epsilon` away from 0 and 1."""
    return binary_cross_entropy(pred.clamp(epsilon, 1 - epsilon), target)


def _each(step, *arguments):
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


def sgd_update(params, grads, lr):
    """params - lr * grads."""
    return _each(lambda p, g: _entasis.sgd_update(p, g, lr), params, grads)


def sgd_momentum_update(params, grads, velocity, lr, momentum):
    """new_velocity = momentum * velocity + grads; new_params = params - lr * new_velocity."""
    return _each(lambda p, g, v: _entasis.sgd_momentum_update(p, g, v, lr, momentum),
                 params, grads, velocity)


def adam_update(params, grads, m, v, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8,
                timestep=1):
    """One step of Adam (Kingma & Ba 2015): new parameters, first and second moments."""
    return _each(lambda *t: _entasis.adam_update(*t, learning_rate, beta1, beta2, epsilon, timestep),
                 params, grads, m, v)


def adamw_update(params, grads, m, v, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8,
                 weight_decay=0.01, timestep=1):
    """One step of AdamW (Loshchilov & Hutter 2019): new parameters, first and second moments."""
    return _each(lambda *t: _entasis.adamw_update(*t, learning_rate, beta1, beta2, epsilon,
                                                  weight_decay, timestep),
                 params, grads, m, v)
