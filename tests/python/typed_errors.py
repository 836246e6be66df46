"""What the stubs must refuse: typing_test.py has mypy check this program, and expects the error
that a line names, and no other. It is never run."""

import entasis as en
from entasis import nn, optim

x = en.ones(2, 3)
en.relu("x")  # error: arg-type
en.relu()  # error: call-arg
en.relu(x, 1)  # error: call-arg
x.relu(inplace=True)  # error: call-arg
x.no_such_method()  # error: attr-defined
en.no_such_op(x)  # error: attr-defined
x + "1"  # error: operator
x @ 2  # error: operator
x += None  # error: arg-type
x.sum(axes=1)  # error: call-overload
en.softmax(x, "last")  # error: call-overload
en.mse_loss(x, x, reduction="average")  # error: arg-type
en.gelu(x, approximate="erf")  # error: arg-type
en.cat(x)  # error: call-overload
x.reshape("2")  # error: arg-type
en.zeros(2.5)  # error: call-overload
en.zeros(2, dtype=3)  # error: call-overload
x.to(3)  # error: call-overload
x["a"]  # error: index
x.shape[0] = 2  # error: index
x.requires_grad = 1  # error: assignment
x.is_leaf = True  # error: misc
x.grad.sum()  # error: union-attr
size: int = x.shape  # error: assignment
name: str = x.item()  # error: assignment
dtype: en.dtype = "float32"  # error: assignment
en.dtype("float32")  # error: arg-type
en.tensor("1")  # error: arg-type
en.clamp(x, min="0")  # error: arg-type
nn.Linear(2, "3")  # error: arg-type
nn.Linear(2, 3)(1)  # error: arg-type
nn.MSELoss("average")  # error: arg-type
nn.Sequential(x)  # error: call-overload
optim.SGD(x.shape, lr=0.1)  # error: arg-type
optim.Adam([x], momentum=0.9)  # error: call-arg
en.sgd_update([x], x, 0.1)  # error: call-overload
with en.no_grad:  # error: attr-defined
    pass


class Mixed(en.Tensor, en.dtype):  # error: misc
    pass
