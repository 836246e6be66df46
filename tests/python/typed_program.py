"""A program as users write them, with annotations. typing_test.py has mypy check it strictly, and
runs it."""

from collections import OrderedDict
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import entasis as en
from entasis import Tensor, io, nn, optim
from entasis.nn import functional as F
from entasis.optim import Optimizer
from entasis.typing import DeviceLike, DtypeLike, Scalar


class Net(nn.Module):
    scale: Tensor

    def __init__(self, width: int = 8, dropout: float = 0.1, dtype: DtypeLike = "float32",
                 device: DeviceLike = "cpu") -> None:
        super().__init__()
        self.fc1 = nn.Linear(2, width, device=device, dtype=dtype)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList([nn.Linear(width, width) for _ in range(2)])
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(width, 1, bias=False)
        self.register_buffer("scale", en.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.fc1(x)).relu()
        for block in self.blocks:
            x = x + F.gelu(block(x), approximate="tanh")
        return self.fc2(self.dropout(x)) * self.scale


class Cube(en.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        x: Tensor = ctx.saved_tensors[0]
        return 3 * x * x * grad_output


def train(net: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor, steps: int) -> list[float]:
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = en.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.item()))
    return losses


def modules() -> None:
    en.manual_seed(1)
    net = Net()
    x = en.randn(32, 2)
    y = (x[:, 0] * x[:, 1]).reshape(32, 1)
    losses = train(net, optim.AdamW(net.parameters(), lr=0.01, betas=(0.9, 0.99)), x, y, 20)
    optimizer = optim.SGD([{"params": [net.fc2.weight], "lr": 0.1},
                           {"params": list(net.fc1.parameters())}], momentum=0.9)
    optimizer.lr = optimizer.lr / 2
    losses += train(net.train(), optimizer, x, y, 2)
    assert losses[-1] < losses[0]
    assert_type(net.state_dict(), OrderedDict[str, Tensor])
    missing, unexpected = net.load_state_dict(net.state_dict(), strict=False)
    assert missing == unexpected == []
    for name, parameter in net.named_parameters():
        assert parameter.grad is None or parameter.grad.shape == parameter.shape, name
    net.eval().to(dtype=en.float64).apply(lambda module: None)
    stack = nn.Sequential(nn.Linear(2, 4, True), nn.ReLU(inplace=True), nn.Linear(4, 2))
    assert_type(stack(x), Tensor)
    assert_type(nn.CrossEntropyLoss(label_smoothing=0.1)(stack(x), en.zeros(32).long()), Tensor)
    nn.init.kaiming_uniform_(net.fc2.weight, nonlinearity="relu")


def tensors() -> None:
    x = en.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=en.float32, requires_grad=True)
    assert_type(x.shape, tuple[int, ...])
    assert_type(x.size(0), int)
    assert_type(x.size(), tuple[int, ...])
    assert_type(x.item() if x.numel() == 1 else 0.0, Scalar)
    assert_type(x.dtype, en.dtype)
    assert_type(x.sum(1, keepdim=True), Tensor)
    assert_type(en.sum(x, axis=(0, 1), keepdims=True), Tensor)
    assert_type(x.softmax(axis=-1) + en.softmax(x, dim=0), Tensor)
    assert_type(x.reshape(4).reshape(2, 2).reshape((1, -1)).permute(1, 0), Tensor)
    assert_type(en.reshape(x, [4]), Tensor)
    assert_type(x.split(1, dim=1), tuple[Tensor, ...])
    assert_type(x.split([1, 1]), tuple[Tensor, ...])
    assert_type(en.meshgrid(x[0], x[1], indexing="xy"), tuple[Tensor, ...])
    assert_type(en.meshgrid([x[0], x[1]]), tuple[Tensor, ...])
    assert_type(x.detach().view(en.int32).flip(0, 1).repeat(2, 1), Tensor)
    assert_type(en.pad(x, [1, 1], "constant", 0.5), Tensor)
    assert_type(en.repeat_interleave(x, en.tensor([1, 2]), dim=0), Tensor)
    assert_type(en.finfo(x.dtype).max, float)
    assert_type(en.iinfo("int8").max, int)
    assert_type(en.result_type(x, 1), en.dtype)
    assert_type(en.can_cast(en.int8, en.float32), bool)
    assert_type(1 - x + 2 * x / 3 - x**2 + 2**x, Tensor)
    assert_type((x @ x.T).abs() < 3, Tensor)
    assert_type(x == 2, Tensor)
    assert_type(-x[0, 1:] + x[..., None, :1, 0] + x[[0, 1]].sum() + x[x > 1].mean(), Tensor)
    assert_type(en.where(x > 1, x, 0.0).clamp(min=0, max=3), Tensor)
    assert_type(en.cat([x, x], axis=1), Tensor)
    assert_type(en.zeros(2, 3) + en.zeros((2, 3), dtype="float32"), Tensor)
    assert_type(en.full([2], 1.5).to(en.float64).to("cpu", en.int32).to(x), Tensor)
    assert_type(x.to(dtype=np.float64).to(torch_like()), Tensor)
    assert_type(en.arange(0, 10, 2, dtype=en.int), Tensor)
    assert_type(en.randint(10, (3,)) + en.randint(0, 10, (3,)), Tensor)
    assert_type(x.detach().clone().view(2, 2).view_as(x).add_(1), Tensor)
    assert_type([row.tolist() for row in x], list[Any])
    assert en.inf > en.pi and x.detach()[None].shape == x.detach()[en.newaxis].shape
    a = x.detach().clone()
    a[0] = 5
    a[:, 1] = a[:, 0]
    a[a > 4] = 0.5
    a += 1
    assert float(a[1, 1]) == 4.0 and int(a[1, 1]) == 4 and len(a) == 2 and bool((a > 0).sum())
    output, mask = en.native_dropout(a, 0.5)
    assert_type(en.native_dropout(a).mask, Tensor)
    assert output.shape == mask.shape


def torch_like() -> DtypeLike:
    return float


def arrays() -> None:
    array: NDArray[np.float32] = np.ones((2, 2), np.float32)
    shared = en.from_numpy(array)
    assert_type(shared.numpy(), NDArray[Any])
    assert_type(en.from_dlpack(array), Tensor)
    assert_type(en.from_dlpack(array, device="cpu", copy=True), Tensor)
    assert_type(en.ones(2, pin_memory=False).is_pinned(), bool)
    assert_type(en.ones(2).to("cpu", non_blocking=True), Tensor)
    assert_type(en.ones(2).copy_(en.zeros(2), non_blocking=True), Tensor)
    assert np.asarray(en.tensor(array)).sum() == 4


def gradients() -> None:
    x = en.tensor([2.0], requires_grad=True)
    handle = x.register_hook(lambda g: g * 2)
    seen: list[Scalar] = []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * x).sum().backward()
    handle.remove()
    gradient = x.grad
    assert gradient is not None
    assert_type(gradient, Tensor)
    x.grad = None
    (dx,) = en.grad((x**3).sum(), [x], create_graph=True)
    assert_type(dx, Tensor)
    assert_type(en.grad(dx.sum(), x, allow_unused=True), tuple[Tensor | None, ...])
    y: Tensor = Cube.apply(x)
    with en.no_grad(), en.autograd.set_grad_enabled(True):
        y.sum().backward()

    @en.inference_mode()
    def infer(t: Tensor) -> Tensor:
        return t * 2

    assert_type(infer(x), Tensor)
    try:
        x.reshape(7)
    except (en.ShapeError, en.ValueError) as error:
        assert isinstance(error, en.Error) and isinstance(error, RuntimeError)


def functional_style() -> None:
    w, g = Tensor.ones([3]), Tensor.from_vec([0.1, 0.2, 0.3], [3])
    assert_type(en.sgd_update(w, g, 0.1), Tensor)
    assert_type(en.sgd_update([w], [g], 0.1), list[Tensor])
    w, velocity = en.sgd_momentum_update(w, g, Tensor.zeros(3), 0.1, 0.9)
    weights, m, v = en.adam_update([w], [g], [velocity], [velocity * velocity], timestep=2)
    assert_type(weights, list[Tensor])
    assert_type(m[0].add_scalar(1.0).mul_scalar(2.0) + v[0], Tensor)
    assert_type(en.binary_cross_entropy_loss(g, g.clamp(0, 1), 1e-7), Tensor)
    assert_type(en.Variable(en.tensor([1.0]), requires_grad=False), Tensor)


def files(folder: Path) -> None:
    io.save_safetensors(folder / "a.safetensors", {"a": en.ones(2)}, {"by": "test"})
    assert_type(io.load_safetensors(folder / "a.safetensors"), dict[str, Tensor])
    generator = en.Generator(3).manual_seed(4)
    with en.use_generator(generator):
        assert_type(en.rand(2), Tensor)
    assert_type(en.__version__, str)
    assert_type(en.device("cuda:1").index, int | None)


def devices() -> None:
    if en.cuda.is_available():
        en.cuda.set_device(0)
        with en.cuda.device(0), en.cuda.device("cuda:0"), en.cuda.device(None):
            assert_type(en.cuda.current_device(), int)


if __name__ == "__main__":
    import tempfile
    modules()
    tensors()
    arrays()
    gradients()
    functional_style()
    devices()
    with tempfile.TemporaryDirectory() as path:
        files(Path(path))
