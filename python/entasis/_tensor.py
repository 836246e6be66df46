"""Methods of Tensor that Python says better than C++: pickling, copying, formatting, PyTorch's
other names for what rows already do."""

from . import _entasis
from ._entasis import Tensor


def _rebuild(kind, data, dtype, shape, requires_grad):
    tensor = _entasis._from_bytes(data, dtype, shape)
    if kind is not Tensor:
        return kind(tensor, requires_grad)
    return tensor.requires_grad_(requires_grad) if requires_grad else tensor


def _reduce(self, protocol=None):
    if not self.is_leaf:
        raise _entasis.AutogradError("only leaves can be pickled or deep-copied; use .detach()")
    data = _entasis._to_bytes(self.detach().cpu().contiguous())
    return _rebuild, (type(self), data, self.dtype, self.shape, self.requires_grad)


def _deepcopy(self, memo):
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise _entasis.AutogradError("only leaves can be pickled or deep-copied; use .detach()")
    copy = self.detach().clone()
    if type(self) is not Tensor:
        copy = type(self)(copy, self.requires_grad)
    elif self.requires_grad:
        copy.requires_grad_()
    if self.grad is not None:
        copy.grad = self.grad.clone()
    memo[id(self)] = copy
    return copy


def _format(self, spec):
    return format(self.item(), spec) if self.dim() == 0 and spec else repr(self)


def _view(self, *shape):
    """The same memory in another shape; a tensor whose strides do not allow that is refused."""
    result = self.reshape(*shape)
    if result.numel() and result.data_ptr() != self.data_ptr():
        raise _entasis.ShapeError("view: the strides do not allow this shape; use reshape()")
    return result


def _from_vec(values, shape=None):
    tensor = _entasis.tensor(list(values), dtype=_entasis.float32)
    return tensor if shape is None else tensor.reshape(shape)


Tensor.__reduce_ex__ = _reduce
Tensor.__deepcopy__ = _deepcopy
Tensor.__format__ = _format
Tensor.view = _view
Tensor.view_as = lambda self, other: _view(self, other.shape)
Tensor.reshape_as = lambda self, other: self.reshape(other.shape)
Tensor.expand_as = lambda self, other: self.expand(other.shape)
Tensor.type_as = lambda self, other: self.to(other.dtype)
Tensor.ndimension = Tensor.dim
Tensor.nelement = Tensor.numel
Tensor.add_scalar = _entasis.add
Tensor.mul_scalar = _entasis.mul
Tensor.zeros = staticmethod(_entasis.zeros)
Tensor.ones = staticmethod(_entasis.ones)
Tensor.randn = staticmethod(_entasis.randn)
Tensor.rand = staticmethod(_entasis.rand)
Tensor.from_vec = staticmethod(_from_vec)
