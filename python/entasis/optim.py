"""Optimizers: each step is one fused pass over all parameters."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from . import _entasis
from ._entasis import Tensor

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]

Parameters = Iterable[Tensor | dict[str, Any]]


class Optimizer:
    """What changes parameters by their gradients. `params` are tensors, or dictionaries with
    'params' and options of their own. With `capturable`, which a step in a CUDA graph needs,
    learning rate and count of steps lie on the parameters' device."""

    _kind: ClassVar[type[_entasis._SGD | _entasis._Adam | _entasis._AdamW]]
    _names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: Parameters, **defaults: Any) -> None:
        groups: list[Any] = list(params)
        if not groups or not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        made = []
        for group in groups:
            given = group["params"]
            tensors = [given] if isinstance(given, _entasis.Tensor) else list(given)
            options = {**defaults, **{k: v for k, v in group.items() if k != "params"}}
            self.param_groups.append({"params": tensors, **options})
            made.append((tensors, _flat(options)))
        self._impl = self._kind(made)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Changes all parameters that have a gradient. With `closure`, which computes the loss
        anew, returns what that returns."""
        loss = None
        if closure is not None:
            with _entasis._enable_grad():
                loss = closure()
        for i, group in enumerate(self.param_groups):
            if group["lr"] != self._impl._get_lr(i):
                self._impl._set_group_lr(i, group["lr"])
        self._impl._step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drops the gradients; without `set_to_none`, fills them with zeros."""
        if set_to_none:
            self._impl.zero_grad()
            return
        for parameter in self._impl._parameters():
            if parameter.grad is not None:
                parameter.grad.zero_()

    @property
    def lr(self) -> float:
        """The learning rate of the first group; setting it sets all groups'."""
        return self.param_groups[0]["lr"]  # type: ignore[no-any-return]

    @lr.setter
    def lr(self, value: float) -> None:
        self.set_lr(value)

    def set_lr(self, lr: float) -> None:
        """Sets the learning rate of all groups."""
        self._impl._set_lr(lr)
        for group in self.param_groups:
            group["lr"] = lr

    def state_dict(self) -> dict[str, Any]:
        """Everything that step() depends on besides parameters and gradients, in PyTorch's form."""
        tensors, numbers = self._impl._state()
        state: dict[int, dict[str, Tensor]] = collections.defaultdict(dict)
        for name, tensor in tensors.items():
            index, key = name.split(".", 1)
            state[int(index)][key] = tensor
        for name, number in numbers.items():
            index, key = name.split(".", 1)
            if index != "groups":
                state[int(index)][key] = _entasis.tensor(float(number))
        groups: list[dict[str, Any]] = []
        first = 0
        for group in self.param_groups:
            count = len(group["params"])
            options = {k: v for k, v in group.items() if k != "params"}
            groups.append({**options, "params": list(range(first, first + count))})
            first += count
        return {"state": dict(state), "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes over such a state, PyTorch's own too. All fits or nothing changes."""
        tensors: dict[str, Tensor] = {}
        numbers: dict[str, float] = {}
        for index, entries in state_dict["state"].items():
            for key, value in entries.items():
                if value is None:
                    continue
                if key == "step":
                    numbers[f"{index}.{key}"] = float(value)
                else:
                    tensors[f"{index}.{key}"] = _own(value)
        groups = state_dict["param_groups"]
        for i, group in enumerate(groups):
            known = {name: group[name] for name in self._names if name in group}
            for name, number in _flat(known).items():
                numbers[f"groups.{i}.{name}"] = number
        self._impl._load_state(tensors, numbers)
        for own, given in zip(self.param_groups, groups):
            own.update({name: given[name] for name in self._names if name in given})


def _own(value: Any) -> Tensor:
    return value if isinstance(value, _entasis.Tensor) else _entasis.from_dlpack(value)


def _flat(options: Mapping[str, Any]) -> dict[str, float]:
    numbers = {}
    for name, value in options.items():
        if isinstance(value, (tuple, list)):
            for i, item in enumerate(value):
                numbers[f"{name}.{i}"] = float(item)
        else:
            numbers[name] = float(value)
    return numbers


class SGD(Optimizer):
    """Stochastic gradient descent with momentum and weight decay, as torch.optim.SGD."""

    _kind = _entasis._SGD
    _names = ("lr", "momentum", "dampening", "weight_decay", "nesterov")

    def __init__(self, params: Parameters, lr: float = 1e-3, momentum: float = 0.0,
                 dampening: float = 0.0, weight_decay: float = 0.0,
                 nesterov: bool = False, *, capturable: bool = False) -> None:
        super().__init__(params, lr=lr, momentum=momentum, dampening=dampening,
                         weight_decay=weight_decay, nesterov=nesterov, capturable=capturable)


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), as torch.optim.Adam."""

    _kind = _entasis._Adam
    _names = ("lr", "betas", "eps", "weight_decay")

    def __init__(self, params: Parameters, lr: float = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, *, capturable: bool = False) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                         capturable=capturable)


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), as torch.optim.AdamW."""

    _kind = _entasis._AdamW
    _names = ("lr", "betas", "eps", "weight_decay")

    def __init__(self, params: Parameters, lr: float = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.01, *, capturable: bool = False) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                         capturable=capturable)
