"""Module and Parameter: what user models are made of. Assigning a parameter, a module or a
registered buffer to an attribute registers it under that name; names make the keys of state dicts
and the path that errors print."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self, overload

from .. import _entasis
from .._entasis import Tensor, _enter_module, _leave_module
from ..typing import DeviceLike, DtypeLike

__all__ = ["Module", "Parameter"]


class Parameter(Tensor):
    """A tensor that modules register when it is assigned, and that optimizers change."""

    def __init__(self, data: Tensor, requires_grad: bool = True) -> None:
        super().__init__(data.detach())
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


def _own(value: Any) -> Tensor:
    """A tensor of ours from one of ours, PyTorch's or NumPy's."""
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "detach"):
        value = value.detach()
    return _entasis.from_dlpack(value) if hasattr(value, "__dlpack__") else _entasis.tensor(value)


class IncompatibleKeys(NamedTuple):
    """What load_state_dict() did not find, and what it found no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """Derive, assign parameters and modules in __init__(), define forward(), call the object."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]  # modules and None
    _transient: set[str]
    _name: str

    def __init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "_parameters", {})
        set_(self, "_buffers", {})
        set_(self, "_modules", {})
        set_(self, "_transient", set())  # buffers that state dicts leave out
        set_(self, "_name", "model")
        set_(self, "training", True)

    # ---- The call

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _enter_module(self._name)
        try:
            return self.forward(*args, **kwargs)
        finally:
            _leave_module()

    # ---- Registration

    def _registries(self) -> tuple[dict[str, Any], ...]:
        try:
            return self._parameters, self._buffers, self._modules
        except AttributeError:
            raise AttributeError(
                f"{type(self).__name__}.__init__() must call super().__init__() first") from None

    def __setattr__(self, name: str, value: Any) -> None:
        parameters, buffers, modules = self._registries()
        if isinstance(value, Parameter):
            kind = parameters
        elif isinstance(value, Module):
            kind = modules
            object.__setattr__(value, "_name", name)
        elif name in buffers and (value is None or isinstance(value, Tensor)):
            kind = buffers
        elif value is None and name in parameters:
            kind = parameters
        else:
            if name in parameters and isinstance(value, Tensor):
                raise TypeError(f"'{name}' is a parameter; assign a Parameter or None")
            for other in (parameters, buffers, modules):
                other.pop(name, None)
            object.__setattr__(self, name, value)
            return
        for other in (parameters, buffers, modules):
            if other is not kind:
                other.pop(name, None)
        self.__dict__.pop(name, None)
        kind[name] = value

    def __getattr__(self, name: str) -> Any:
        for registry in ("_parameters", "_buffers", "_modules"):
            entries = self.__dict__.get(registry)
            if entries is not None and name in entries:
                return entries[name]
        raise AttributeError(f"'{type(self).__name__}' has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for entries in self._registries():
            if name in entries:
                del entries[name]
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted(set(super().__dir__()).union(*self._registries()))

    def _check_name(self, name: str) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise _entasis.ValueError(f"{name!r} is no name for a part of a module")
        if name in self.__dict__ or any(name in entries for entries in self._registries()):
            raise _entasis.ValueError(f"the name '{name}' is taken")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """The same as assigning a Parameter; None keeps the name free of a tensor."""
        self._check_name(name)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """A tensor that belongs to the state but is not trained."""
        self._check_name(name)
        self._buffers[name] = tensor
        if not persistent:
            self._transient.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """The same as assigning a module, for names that are no identifiers."""
        self._check_name(name)
        if module is not None:
            object.__setattr__(module, "_name", name)
        self._modules[name] = module

    register_module = add_module

    # ---- Walks

    def children(self) -> Iterator[Module]:
        return (m for m in self._modules.values() if m is not None)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        return ((n, m) for n, m in self._modules.items() if m is not None)

    def named_modules(self, prefix: str = "",
                      _seen: set[int] | None = None) -> Iterator[tuple[str, Module]]:
        """This module and all below it, each once, with their paths."""
        seen = set() if _seen is None else _seen
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, module in self.named_children():
            yield from module.named_modules(f"{prefix}.{name}" if prefix else name, seen)

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def _named(self, registry: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, tensor in getattr(module, registry).items():
                if tensor is None or id(tensor) in seen:
                    continue
                seen.add(id(tensor))
                yield (f"{path}.{name}" if path else name), tensor

    def named_parameters(self, prefix: str = "",
                         recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """All parameters, each once, with their paths."""
        return self._named("_parameters", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "",
                      recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        return self._named("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (b for _, b in self.named_buffers(recurse=recurse))

    # ---- State

    def _state(self, prefix: str) -> Iterator[tuple[str, Tensor]]:
        for name, parameter in self._parameters.items():
            if parameter is not None:
                yield prefix + name, parameter
        for name, tensor in self._buffers.items():
            if tensor is not None and name not in self._transient:
                yield prefix + name, tensor
        for name, module in self.named_children():
            yield from module._state(f"{prefix}{name}.")

    def state_dict(self, prefix: str = "",
                   keep_vars: bool = False) -> collections.OrderedDict[str, Tensor]:
        """Parameters and buffers by path, in PyTorch's order; they share memory with the module."""
        return collections.OrderedDict(
            (name, tensor if keep_vars else tensor.detach()) for name, tensor in self._state(prefix))

    def load_state_dict(self, state_dict: Mapping[str, Any],
                        strict: bool = True) -> IncompatibleKeys:
        """Copies a state dict, of PyTorch's tensors too, into this module. All fits or nothing
        changes. Without `strict` keys may be missing or unexpected; they are returned."""
        own = dict(self._state(""))
        given = {name: _own(value) for name, value in state_dict.items()}
        missing = [name for name in own if name not in given]
        unexpected = [name for name in given if name not in own]
        problems = [f"'{n}' has shape {list(given[n].shape)}, the module's has {list(t.shape)}"
                    for n, t in own.items() if n in given and given[n].shape != t.shape]
        if strict:
            problems += [f"'{name}' is missing" for name in missing]
            problems += [f"'{name}' is unexpected" for name in unexpected]
        if problems:
            raise _entasis.ValueError(
                f"load_state_dict: the state does not fit {type(self).__name__}:\n  "
                + "\n  ".join(problems))
        with _entasis._no_grad():
            for name, tensor in own.items():
                if name in given:
                    tensor.detach().copy_(given[name].to(tensor.device))
        return IncompatibleKeys(missing, unexpected)

    # ---- Changes to everything

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """fn(module) for this module and all below it, children first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        for module in self.modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self) -> Self:
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.zero_()

    @overload
    def to(self, dtype: DtypeLike, device: DeviceLike | None = None,
           non_blocking: bool = False) -> Self: ...
    @overload
    def to(self, device: DeviceLike | None, dtype: DtypeLike | None = None,
           non_blocking: bool = False) -> Self: ...
    @overload
    def to(self, *, dtype: DtypeLike | None = None, device: DeviceLike | None = None,
           non_blocking: bool = False) -> Self: ...
    @overload
    def to(self, other: Tensor, non_blocking: bool = False) -> Self: ...
    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Moves all tensors to a device, floating-point ones to a dtype, in place."""
        for tensor in [*self.parameters(), *self.buffers()]:
            target = tensor.detach().to(*args, **kwargs)
            if target.dtype != tensor.dtype and not tensor.is_floating_point():
                target = tensor.detach().to(target.device)
            grad = tensor.grad
            if target.dtype == tensor.dtype and target.device == tensor.device:
                continue
            tensor.grad = None
            tensor.data = target
            if grad is not None:
                tensor.grad = grad.to(*args, **kwargs)
        return self

    def float(self) -> Self:
        return self.to(_entasis.float32)

    def double(self) -> Self:
        return self.to(_entasis.float64)

    def half(self) -> Self:
        return self.to(_entasis.float16)

    def bfloat16(self) -> Self:
        return self.to(_entasis.bfloat16)

    def cpu(self) -> Self:
        return self.to("cpu")

    def cuda(self) -> Self:
        return self.to("cuda")

    # ---- Text

    def extra_repr(self) -> str:
        """What repr() shows between the parentheses."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): " + repr(module).replace("\n", "\n  ")
                 for name, module in self.named_children()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


class UnaryModule(Module):
    """A module from one tensor to one."""

    if TYPE_CHECKING:
        def __call__(self, input: Tensor) -> Tensor: ...
