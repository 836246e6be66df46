"""Gradients: modes, grad(), and functions with a backward of one's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, Protocol, Self, overload

from . import _entasis
from ._entasis import Tensor, detect_anomaly, is_grad_enabled

__all__ = ["Function", "Variable", "detect_anomaly", "enable_grad", "grad", "inference_mode",
           "no_grad", "set_grad_enabled"]


class _Scope(Protocol):
    """A mode of the extension, for one block."""

    def __enter__(self) -> None: ...
    def __exit__(self, *exception: object) -> None: ...


class _Mode(contextlib.ContextDecorator):
    """A mode of this thread for a `with` block or a function; may be entered again inside."""

    _scope: ClassVar[type[_Scope]]

    def __init__(self) -> None:
        self._open: list[_Scope] = []

    def _make(self) -> _Scope:
        return self._scope()

    def __enter__(self) -> Self:
        scope = self._make()
        scope.__enter__()
        self._open.append(scope)
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.pop().__exit__(*exception)


class no_grad(_Mode):
    """Ops are not recorded inside."""

    _scope = _entasis._no_grad


class enable_grad(_Mode):
    """Ops are recorded inside."""

    _scope = _entasis._enable_grad


class inference_mode(_Mode):
    """Nothing is recorded, and what is made inside may never be saved for a gradient."""

    _scope = _entasis._inference_mode


class set_grad_enabled(_Mode):
    """Whether ops are recorded inside."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self._mode = mode

    def _make(self) -> _Scope:
        return _entasis._enable_grad() if self._mode else _entasis._no_grad()


def Variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """The tensor itself, requiring a gradient or not: what PyTorch's Variable became."""
    return data.requires_grad_(requires_grad) if requires_grad else data


def _tensors(given: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [given] if isinstance(given, Tensor) else list(given)


@overload
def grad(outputs: Tensor | Sequence[Tensor], inputs: Tensor | Sequence[Tensor],
         grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
         retain_graph: bool | None = None, create_graph: bool = False,
         allow_unused: Literal[False] = False) -> tuple[Tensor, ...]: ...
@overload
def grad(outputs: Tensor | Sequence[Tensor], inputs: Tensor | Sequence[Tensor],
         grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
         retain_graph: bool | None = None, create_graph: bool = False,
         allow_unused: bool = False) -> tuple[Tensor | None, ...]: ...
def grad(outputs: Tensor | Sequence[Tensor], inputs: Tensor | Sequence[Tensor],
         grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
         retain_graph: bool | None = None, create_graph: bool = False,
         allow_unused: bool = False) -> tuple[Tensor | None, ...]:
    """Gradients of the sum of `outputs` with respect to `inputs`, as a tuple. Nothing is
    accumulated. `grad_outputs` weighs the outputs; outputs of one element need none. With
    `allow_unused` those that do not depend on an input are None."""
    weights = None if grad_outputs is None else (
        [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs))
    keep = create_graph if retain_graph is None else retain_graph
    return tuple(_entasis._grad(_tensors(outputs), _tensors(inputs), weights, keep, create_graph,
                                allow_unused))


class _Context:
    """What forward() leaves for backward()."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Any, ...] = ()  # tensors and None, as they were given

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors; backward() finds them in `saved_tensors`. Overwriting one of them in the
        meantime raises an error."""
        self.saved_tensors = tensors


class Function:
    """An op with a backward of its own:

        class Cube(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x * x

            @staticmethod
            def backward(ctx, grad_output):
                (x,) = ctx.saved_tensors
                return 3 * x * x * grad_output

        y = Cube.apply(x)

    forward() runs unrecorded. backward() takes one gradient an output and returns one, or None, an
    argument of forward(). It is differentiable again if it is written with ops."""

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function needs a static forward()")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function needs a static backward()")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        tensors = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx = _Context(tuple(isinstance(a, Tensor) and a.requires_grad for a in args))
        with no_grad():
            outputs = cls.forward(ctx, *args)
        single = isinstance(outputs, Tensor)
        if not is_grad_enabled() or not any(ctx.needs_input_grad):
            return outputs
        places = [i for i, t in enumerate(ctx.saved_tensors) if t is not None]
        kept = [ctx.saved_tensors[i] for i in places]
        count = len(ctx.saved_tensors)
        ctx.saved_tensors = ()  # the graph holds them from here on, and notices if they change

        def backward(saved: list[Tensor], gradients: list[Tensor]) -> list[Tensor | None]:
            call = _Context(ctx.needs_input_grad)
            call.__dict__.update(ctx.__dict__)
            all_saved: list[Tensor | None] = [None] * count
            for place, tensor in zip(places, saved):
                all_saved[place] = tensor
            call.saved_tensors = tuple(all_saved)
            results = cls.backward(call, *gradients)
            results = results if isinstance(results, (tuple, list)) else (results,)
            if len(results) != len(args):
                raise _entasis.AutogradError(
                    f"{cls.__name__}.backward() returned {len(results)} gradients for "
                    f"{len(args)} arguments")
            return [results[i] for i in tensors]

        recorded = _entasis._record_function(
            cls.__name__, [args[i] for i in tensors], [outputs] if single else list(outputs), kept,
            backward)
        return recorded[0] if single else tuple(recorded)
