"""PyTorch's side of the GPU benchmarks: speaks the language of gpu_ours.cpp, with names that end in
@VARIANT: eager, compile, reduce-overhead or max-autotune (modes of torch.compile), graph (the eager step
in a CUDA graph) and compile-graph.

    gpu_peer.py [--device cuda|cpu]
"""

import argparse
import gc
import json
import os
import sys
import time

import torch
import torch._functorch.config
import torch.nn.functional as F
from torch import nn

DTYPES = {"f32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
MODES = {"compile": None, "reduce-overhead": "reduce-overhead", "max-autotune": "max-autotune",
         "compile-graph": "max-autotune-no-cudagraphs"}
HOST_TIME = ("launch", "launch_recorded")
BATCH = 256  # calls that the device's queue has room for


# ---- Workloads: their runner(variant) gives what is run again and again

class Variant:
    """How a function is run: as it is, or compiled in one of torch.compile's modes."""

    def __init__(self, name):
        self.compiles, self.captures = name in MODES, "graph" in name
        self.mode = MODES.get(name)

    def __call__(self, function):
        if not self.compiles:
            return function
        return torch.compile(function, dynamic=False, mode=self.mode)


class Plain:
    """A function of tensors."""

    def __init__(self, function, *inputs):
        self.function, self.inputs = function, inputs

    def runner(self, variant):
        function, inputs = variant(self.function), self.inputs
        return lambda: function(*inputs)


class Gradient:
    """The gradient of a function's output, again and again."""

    def __init__(self, function, inputs, wanted):
        self.function, self.inputs, self.wanted = function, inputs, wanted

    def runner(self, variant):
        wanted = [self.inputs[i].requires_grad_() for i in self.wanted]
        output = variant(self.function)(*self.inputs)
        weight = torch.randn_like(output) if output.dim() else None
        return lambda: torch.autograd.grad(output, wanted, weight, retain_graph=True)


class Optimizer:
    """A step over parameters with gradients."""

    def __init__(self, shapes, normal):
        self.parameters = [nn.Parameter(normal(shape)) for shape in shapes]
        for parameter in self.parameters:
            parameter.grad = normal(parameter.shape)

    def runner(self, variant):
        # Eager takes PyTorch's fused kernel; torch.compile fuses the steps over lists itself.
        optimizer = torch.optim.AdamW(self.parameters, lr=1e-4,
                                      fused=None if variant.compiles else True)
        return variant(lambda: optimizer.step())


class Training:
    """A training step of a model on one batch."""

    def __init__(self, model, x, target):
        self.model, self.x, self.target = model, x, target

    def runner(self, variant):
        model, x, target = self.model, self.x, self.target
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9,
                                    fused=None if variant.compiles else True)
        loss_of = variant(lambda x, target: F.cross_entropy(model(x), target))
        update = variant(lambda: optimizer.step())

        def step():
            torch.compiler.cudagraph_mark_step_begin()
            optimizer.zero_grad()
            loss_of(x, target).backward()
            update()
        return step


class Lenet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.conv1(x)), 2)
        h = F.max_pool2d(F.relu(self.conv2(h)), 2)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(h.flatten(1))))))


def gpt2_shapes(width, layers, vocabulary, context):
    layer = [(width,), (width,), (width, 3 * width), (3 * width,), (width, width), (width,),
             (width,), (width,), (width, 4 * width), (4 * width,), (4 * width, width), (width,)]
    return [(vocabulary, width), (context, width), *layer * layers, (width,), (width,)]


class Maker:
    """Workloads by op, with inputs drawn on the device."""

    def __init__(self, dtype, sizes, device):
        self.dtype, self.sizes, self.device = dtype, sizes, device

    def _normal(self, *shape):
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return torch.randn(shape, dtype=self.dtype, device=self.device)

    def _classes(self, count, n):
        return torch.randint(0, count, (n,), device=self.device)

    def copy(self):
        return Plain(lambda y, x: y.copy_(x), self._normal(self.sizes), self._normal(self.sizes))

    def add(self):
        return Plain(lambda a, b: a + b, self._normal(self.sizes), self._normal(self.sizes))

    launch = add

    def launch_recorded(self):
        return Plain(lambda a, b: a + b, self._normal(self.sizes).requires_grad_(),
                     self._normal(self.sizes))

    def gelu(self):
        return Plain(lambda x: F.gelu(x), self._normal(self.sizes))

    def sum(self):
        return Plain(lambda x: x.sum(), self._normal(self.sizes))

    def softmax(self):
        return Plain(lambda x: F.softmax(x, -1), self._normal(self.sizes))

    def transpose(self):
        return Plain(lambda x: x.t().contiguous(), self._normal(self.sizes))

    def _norm_parts(self):
        width = self.sizes[1]
        return ((lambda x, w, b: F.layer_norm(x, (width,), w, b)),
                (self._normal(self.sizes), self._normal(width), self._normal(width)))

    def layer_norm(self):
        function, inputs = self._norm_parts()
        return Plain(function, *inputs)

    def layer_norm_backward(self):
        return Gradient(*self._norm_parts(), wanted=(0, 1, 2))

    def _entropy_parts(self):
        rows, columns = self.sizes
        return F.cross_entropy, (self._normal(self.sizes), self._classes(columns, rows))

    def cross_entropy(self):
        function, inputs = self._entropy_parts()
        return Plain(function, *inputs)

    def cross_entropy_backward(self):
        return Gradient(*self._entropy_parts(), wanted=(0,))

    def _embedding_parts(self):
        tokens, vocabulary, width = self.sizes
        return F.embedding, (self._classes(vocabulary, tokens), self._normal(vocabulary, width))

    def embedding(self):
        function, inputs = self._embedding_parts()
        return Plain(function, *inputs)

    def embedding_backward(self):
        return Gradient(*self._embedding_parts(), wanted=(1,))

    def matmul(self):
        m, k, n = self.sizes
        return Plain(lambda a, b: a @ b, self._normal(m, k), self._normal(k, n))

    def _conv_parts(self):
        n, c, side, out = self.sizes
        last = torch.channels_last
        return ((lambda x, w: F.conv2d(x, w, padding=1)),
                (self._normal(n, c, side, side).to(memory_format=last),
                 self._normal(out, c, 3, 3).to(memory_format=last)))

    def conv(self):
        function, inputs = self._conv_parts()
        return Plain(function, *inputs)

    def conv_data(self):
        return Gradient(*self._conv_parts(), wanted=(0,))

    def conv_weight(self):
        return Gradient(*self._conv_parts(), wanted=(1,))

    def adamw(self):
        return Optimizer(gpt2_shapes(*self.sizes), self._normal)

    def _training(self, model, *shape):
        batch = self.sizes[0]
        return Training(model.to(self.device), torch.rand(batch, *shape, device=self.device),
                        self._classes(10, batch))

    def lenet(self):
        return self._training(Lenet(), 1, 28, 28)

    def mlp(self):
        model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
        return self._training(model, 784)

    def chain(self):
        elements, length = self.sizes

        def add_all(x, step):
            for _ in range(length):
                x = x + step
            return x
        return Plain(add_all, self._normal(elements), self._normal(elements))

    def _host_parts(self):
        elements, side, count = self.sizes
        # From pinned memory, which is what PyTorch needs for a copy beside other work.
        host = torch.randn(elements, pin_memory=self.device.type == "cuda")
        x = torch.empty(elements, device=self.device)
        a, b = self._normal(side, side), self._normal(side, side)

        def multiply():
            for _ in range(count):
                torch.matmul(a, b)
        return (lambda: x.copy_(host, non_blocking=True)), multiply

    def copy_in(self):
        return Plain(self._host_parts()[0])

    def products(self):
        return Plain(self._host_parts()[1])

    def overlap(self):
        copy, multiply = self._host_parts()
        if self.device.type != "cuda":
            return Plain(lambda: (multiply(), copy()))
        beside = torch.cuda.Stream()

        def both():
            multiply()
            with torch.cuda.stream(beside):
                copy()
            torch.cuda.current_stream().wait_stream(beside)
        return Plain(both)


MAKERS = sorted(name for name in vars(Maker) if not name.startswith("_"))


def captured(run):
    """The run as a CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kept = run()
    return lambda: (graph.replay(), kept)


class Work:
    def __init__(self, name, device):
        work, _, variant = name.partition("@")
        op, precision, sizes = work.split("/")
        op = op.removesuffix("_captured")
        if op not in MAKERS or precision not in DTYPES:
            raise ValueError(f"no workload '{work}'")
        if variant not in ("eager", "graph", *MODES):
            raise ValueError(f"no variant '{variant}'")
        if "graph" in variant and device.type != "cuda":
            raise ValueError("this device has no graphs")
        self.host_time, self.tf32 = op in HOST_TIME, precision == "tf32"
        self.set_precision()
        torch.manual_seed(1)
        maker = Maker(DTYPES[precision], tuple(map(int, sizes.split("x"))), device)

        variant = Variant(variant)
        self.run = getattr(maker, op)().runner(variant)
        if variant.captures:
            self.run = captured(self.run)

    def set_precision(self):
        torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = self.tf32


# ---- Timing

class Worker:
    def __init__(self, device):
        self.device, self.works, self.others = device, {}, {}
        self.cuda = device.type == "cuda"
        torch.backends.cudnn.benchmark = True  # the fastest algorithm, whatever its order of sums
        torch._functorch.config.donated_buffer = False  # gradients are taken more than once

    def synchronize(self):
        if self.cuda:
            torch.cuda.synchronize()

    def list(self):
        return {"ops": MAKERS, "version": f"PyTorch {torch.__version__}",
                "device": torch.cuda.get_device_name() if self.cuda else "cpu"}

    def run(self, name, times):
        if name not in self.works:
            self.others[name] = torch.cuda.memory_allocated() if self.cuda else 0
            self.works[name] = Work(name, self.device)
        work = self.works[name]
        work.set_precision()
        self.synchronize()
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
        timed = self.on_host if work.host_time else self.on_device
        seconds, wall = timed(work.run, times)
        self.synchronize()
        answer = {"name": name, "seconds": seconds / times, "wall": wall / times}
        if self.cuda:
            answer["peak"] = torch.cuda.max_memory_allocated() - self.others[name]
        return answer

    def on_device(self, run, times):
        began = time.perf_counter()
        if not self.cuda:
            for _ in range(times):
                run()
            wall = time.perf_counter() - began
            return wall, wall
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(times):
            run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3, time.perf_counter() - began

    def on_host(self, run, times):
        began, seconds = time.perf_counter(), 0.0
        for done in range(0, times, BATCH):
            start = time.perf_counter()
            for _ in range(min(BATCH, times - done)):
                run()
            seconds += time.perf_counter() - start
            self.synchronize()
        return seconds, time.perf_counter() - began

    def drop(self, name):
        for key in [key for key in self.works if key.partition("@")[0] == name.partition("@")[0]]:
            del self.works[key]
        if not self.works:
            torch.compiler.reset()
        self.release()
        return {"name": name}

    def release(self):
        gc.collect()
        if self.cuda:
            torch.cuda.empty_cache()

    def answer(self, line):
        command, *words = line.split()
        if command == "list":
            return self.list()
        if command == "drop" and len(words) == 1:
            return self.drop(words[0])
        if command == "run" and len(words) == 2 and words[1].isdigit() and int(words[1]) > 0:
            return self.run(words[0], int(words[1]))
        return {"error": f"unknown command: {line.strip()}"}

    def is_well(self):
        try:
            self.synchronize()
            return True
        except RuntimeError:
            return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    device = torch.device(parser.parse_args().device)
    # Whatever else is printed goes to the log.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(device)
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            answer = worker.answer(line)
        except Exception as error:  # whatever a workload raises is an answer
            text = str(error).strip().splitlines() or [type(error).__name__]
            answer = {"error": text[0][:300]}
            error.__traceback__ = None
            worker.works.pop(line.split()[1] if len(line.split()) > 1 else "", None)
        if "error" in answer:
            worker.release()
            if not worker.is_well():
                answer["fatal"] = True
        print(json.dumps(answer), file=out, flush=True)
        if "fatal" in answer:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
