"""entasis.cuda and tensors on CUDA devices: on the emulated device where the build has one (a GPU is
asked for by ENTASIS_TEST_GPU=1), else skipped. What kernels compute is tested in C++."""

import gc
import os
import subprocess
import sys
import unittest
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("NumPy is not there; skipped")
    sys.exit(77)

EMULATED = Path(os.environ.get("ENTASIS_BIN_DIR", "build/release/bin")).parent / "lib/emulated"
if os.environ.get("ENTASIS_TEST_GPU") != "1":
    os.environ["ENTASIS_PLUGIN_PATH"] = str(EMULATED)

import entasis as en  # noqa: E402

if not en.cuda.is_available():
    print(f"no CUDA device, real or emulated: {en.cuda.why_not_available()}; skipped")
    sys.exit(77)

N = 3000


def run_program(text, **environment):
    """In a process of its own, with more in its environment."""
    result = subprocess.run([sys.executable, "-c", text], env={**os.environ, **environment},
                            text=True, capture_output=True)
    if result.returncode != 0:
        raise AssertionError(result.stderr)


class Devices(unittest.TestCase):
    def test_properties(self):
        properties = en.cuda.get_device_properties()
        self.assertEqual(properties.name, en.cuda.get_device_name("cuda:0"))
        self.assertEqual((properties.major, properties.minor),
                         en.cuda.get_device_capability(en.device("cuda")))
        self.assertGreater(properties.multi_processor_count, 0)
        self.assertGreater(properties.L2_cache_size, 0)
        self.assertGreaterEqual(properties.shared_memory_per_block_optin, 48 * 1024)
        self.assertIn(properties.name, repr(properties))

    def test_memory(self):
        free, total = en.cuda.mem_get_info(0)
        self.assertLessEqual(free, total)
        self.assertEqual(total, en.cuda.get_device_properties(0).total_memory)
        keep = en.zeros(50 << 20, dtype="uint8", device="cuda")
        self.assertLess(en.cuda.mem_get_info()[0], free)
        del keep
        en.cuda.empty_cache()

    def test_versions(self):
        versions = en.cuda.versions()
        for name in ("CUDA driver", "CUDA runtime", "cuBLASLt", "cuDNN"):
            self.assertTrue(versions[name])

    def test_devices_that_are_not_there(self):
        for device in (99, -1, "cuda:99", en.device("cuda:99")):
            with self.assertRaisesRegex(en.DeviceError, "no device cuda:.*there are"):
                en.cuda.get_device_name(device)
        with self.assertRaisesRegex(en.ValueError, "cpu"):
            en.cuda.synchronize("cpu")


class Pinned(unittest.TestCase):
    def test_pin_memory(self):
        x = en.arange(N, dtype="float32")
        pinned = x.pin_memory()
        self.assertEqual((x.is_pinned(), pinned.is_pinned()), (False, True))
        self.assertIs(type(pinned), en.Tensor)
        self.assertEqual(pinned.tolist(), x.tolist())
        np.testing.assert_array_equal(pinned.numpy(), x.numpy())
        with self.assertRaisesRegex(en.DeviceError, "pin_memory: only tensors of the CPU"):
            x.to("cuda").pin_memory()

    def test_factories(self):
        for tensor in (en.empty(3, pin_memory=True), en.zeros((2, 3), pin_memory=True),
                       en.full((2,), 1, pin_memory=True), en.arange(3, pin_memory=True),
                       en.linspace(0, 1, 3, pin_memory=True), en.eye(2, pin_memory=True),
                       en.randint(0, 9, (2,), pin_memory=True), en.randperm(4, pin_memory=True),
                       en.tensor([1, 2], pin_memory=True)):
            self.assertTrue(tensor.is_pinned())
        with self.assertRaises(en.DeviceError):
            en.zeros(2, device="cuda", pin_memory=True)

    def test_non_blocking(self):
        x = en.arange(N, dtype="float32", pin_memory=True)
        for there in (x.to("cuda", non_blocking=True), x.cuda(non_blocking=True),
                      x.to("cuda", en.float32, True), x.cuda(0, True)):
            home = there.to("cpu", non_blocking=True)
            self.assertTrue(home.is_pinned())
            en.cuda.current_stream().synchronize()
            self.assertEqual(home.tolist(), x.tolist())
        half = there.to("cpu", en.float16, non_blocking=True)
        target = en.empty(N, pin_memory=True)
        target.copy_(there * 2, non_blocking=True)
        there.copy_(x + 1, non_blocking=True)
        en.cuda.synchronize()
        self.assertEqual(half.dtype, en.float16)
        self.assertEqual(half[:2000].tolist(), x[:2000].tolist())
        self.assertEqual(target.tolist(), (x * 2).tolist())
        self.assertEqual(there[N - 1].item(), N)

    def test_modules(self):
        net = en.nn.Linear(2, 3).to("cuda", non_blocking=True)
        self.assertEqual(str(net.weight.device), "cuda:0")

    def test_copy(self):
        x = en.zeros(3)
        self.assertIs(x.to("cpu"), x)
        copy = x.to("cpu", copy=True)
        self.assertNotEqual(copy.data_ptr(), x.data_ptr())


class Library:
    """Another library's array, which notes what it is asked for."""

    def __init__(self, tensor, versions=True):
        self.tensor, self.versions, self.asked = tensor, versions, {}

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()

    def __dlpack__(self, *, stream=None, **more):
        if more and not self.versions:
            raise TypeError("no such argument")
        self.asked = {"stream": stream, **more}
        return self.tensor.__dlpack__(stream=stream, **more)


class DLPack(unittest.TestCase):
    def test_there_and_back(self):
        x = en.arange(N, dtype="float32").to("cuda").reshape(N // 2, 2).t()
        self.assertEqual(x.__dlpack_device__(), (2, 0))
        for versions in (True, False):
            library = Library(x, versions)
            taken = en.from_dlpack(library)
            self.assertEqual(library.asked["stream"], en.cuda.current_stream().cuda_stream)
            self.assertEqual(library.asked.get("max_version"), (1, 0) if versions else None)
            self.assertEqual((taken.data_ptr(), taken.stride()), (x.data_ptr(), x.stride()))
            self.assertEqual(taken.tolist(), x.tolist())
        taken.zero_()
        self.assertEqual(x.sum().item(), 0)

    def test_the_current_stream_is_named(self):
        side = en.cuda.Stream()
        with en.cuda.stream(side):
            library = Library(en.ones(3, device="cuda"))
            en.from_dlpack(library)
            self.assertEqual(library.asked["stream"], side.cuda_stream)

    def test_streams(self):
        for _ in range(10):
            x = en.full((N,), 3.0, device="cuda") * 2
            for stream in (None, 1, 2, -1, en.cuda.Stream().cuda_stream):
                self.assertEqual(en.from_dlpack(x.__dlpack__(stream=stream))[N - 1].item(), 6)
            x.add_(1)
            self.assertEqual(x[0].item(), 7)
        for stream in (0, -2):
            with self.assertRaisesRegex(en.ValueError, "no stream"):
                x.__dlpack__(stream=stream)
        for stream in ("1", True, 1.5):
            with self.assertRaises(TypeError):
                x.__dlpack__(stream=stream)

    def test_memory_lives_as_long_as_either_side(self):
        gc.collect()
        en.cuda.synchronize()
        before = en.cuda.memory_allocated()
        x = en.ones(N, device="cuda")
        taken = en.from_dlpack(Library(x))
        del x
        gc.collect()
        self.assertEqual((taken * 2).sum().item(), 2 * N)
        del taken
        en.cuda.synchronize()
        self.assertEqual(en.cuda.memory_allocated(), before)

    def test_other_devices(self):
        x = en.arange(6, dtype="float32").to("cuda")
        home = en.from_dlpack(x.__dlpack__(dl_device=(1, 0), max_version=(1, 0)))
        self.assertEqual((str(home.device), home.tolist()), ("cpu", x.tolist()))
        there = en.from_dlpack(home.__dlpack__(dl_device=(2, 0)))
        self.assertEqual((str(there.device), there.tolist()), ("cuda:0", x.tolist()))
        with self.assertRaises(BufferError):
            x.__dlpack__(dl_device=(1, 0), copy=False)
        with self.assertRaises(BufferError):
            x.__dlpack__(dl_device=(10, 0))
        self.assertEqual(str(en.from_dlpack(x, device="cpu").device), "cpu")
        self.assertEqual(str(en.from_dlpack(np.ones(3), device="cuda").device), "cuda:0")
        with self.assertRaises(BufferError):
            en.from_dlpack(x, device="cpu", copy=False)

    def test_copies(self):
        x = en.ones(4, device="cuda")
        for copy in (en.from_dlpack(x, copy=True), en.from_dlpack(x.__dlpack__(copy=True))):
            copy.zero_()
            self.assertEqual(x.sum().item(), 4)
        self.assertEqual(en.from_dlpack(x, copy=False).data_ptr(), x.data_ptr())

    def test_pinned_memory_is_the_cpus(self):
        x = en.ones(3, pin_memory=True)
        self.assertEqual(x.__dlpack_device__(), (1, 0))
        np.testing.assert_array_equal(np.from_dlpack(x), [1, 1, 1])

    def test_array_interface(self):
        x = en.arange(6, dtype="float32").to("cuda").reshape(2, 3)
        interface = x.__cuda_array_interface__
        stream = interface.pop("stream")
        self.assertEqual(stream, en.cuda.current_stream().cuda_stream)
        self.assertEqual(interface, {"version": 3, "shape": (2, 3), "strides": None,
                                     "typestr": "<f4", "data": (x.data_ptr(), False)})
        turned = x.t().__cuda_array_interface__
        self.assertEqual((turned["shape"], turned["strides"]), ((3, 2), (4, 12)))
        for dtype, text in (("uint8", "|u1"), ("bool", "|b1"), ("int64", "<i8"), ("float16", "<f2")):
            tensor = en.zeros(2, dtype=dtype, device="cuda")
            self.assertEqual(tensor.__cuda_array_interface__["typestr"], text)
        self.assertFalse(hasattr(en.zeros(2), "__cuda_array_interface__"))
        with self.assertRaisesRegex(TypeError, "bf16"):
            en.zeros(2, dtype="bfloat16", device="cuda").__cuda_array_interface__
        with self.assertRaisesRegex(TypeError, "detach"):
            en.zeros(2, device="cuda", requires_grad=True).__cuda_array_interface__


class CurrentDevice(unittest.TestCase):
    """torch.cuda.current_device() and set_device()."""

    def test_one(self):
        self.assertEqual(en.cuda.current_device(), 0)
        for device in (0, -1, "cuda", "cuda:0", en.device("cuda:0")):
            en.cuda.set_device(device)  # a negative number changes nothing
            self.assertEqual(en.cuda.current_device(), 0)
        for device in (99, "cuda:99"):
            for choose in (en.cuda.set_device, en.cuda.device):
                with self.assertRaisesRegex(en.DeviceError, "no device cuda:99: there are"):
                    choose(device)
        for choose in (en.cuda.set_device, en.cuda.device):
            with self.assertRaisesRegex(en.ValueError, "cpu"):
                choose("cpu")
            with self.assertRaisesRegex(TypeError, "a device is wanted"):
                choose([])
        with self.assertRaises(TypeError):
            en.cuda.set_device()

    @unittest.skipIf(os.environ.get("ENTASIS_TEST_GPU") == "1" and en.cuda.device_count() < 2,
                     "one GPU")
    def test_two(self):
        run_program('''
import threading
import entasis as en
cuda = en.cuda
seen = []
def places():
    x = en.ones(4, device="cuda")
    graph = en.cuda.CUDAGraph()  # of the device whose work it captures
    graph.capture(lambda: x.add_(1))
    graph.replay()
    assert x.tolist() == [2] * 4
    return {str(d) for d in (x.device, (x * 2).device, x.cpu().cuda().device, en.device("cuda"),
                             en.zeros(2).to("cuda").device, cuda.Stream().device,
                             cuda.current_stream().device,
                             en.nn.Linear(2, 2).to("cuda").weight.device,
                             en.from_dlpack(x.cpu(), device="cuda").device)}
def note():
    seen.append(cuda.current_device())
assert places() == {"cuda:0"}
cuda.set_device(1)
assert cuda.current_device() == 1 and places() == {"cuda:1"}
before = cuda.memory_allocated(1)
keep = en.zeros(1 << 20, dtype="uint8", device="cuda")
assert cuda.memory_allocated() == cuda.memory_allocated(1) == before + (1 << 20)
assert cuda.get_device_name() == cuda.get_device_name(1)
assert str(en.ones(2).to("cuda:0").device) == "cuda:0"
thread = threading.Thread(target=note)
thread.start()
thread.join()
assert seen == [0]  # each thread has its own
with cuda.device(0):
    assert places() == {"cuda:0"}
    with cuda.device("cuda:1"):
        assert cuda.current_device() == 1
    with cuda.stream(cuda.Stream("cuda:1")):
        assert cuda.current_device() == 1
    assert cuda.current_device() == 0
assert cuda.current_device() == 1
for nothing in (None, -1):
    with cuda.device(nothing):
        assert cuda.current_device() == 1
try:
    with cuda.device(0):
        raise KeyError
except KeyError:
    assert cuda.current_device() == 1
w = en.ones(3, device="cuda", requires_grad=True)
(w * w).sum().backward()
assert str(w.grad.device) == "cuda:1" and w.grad.tolist() == [2, 2, 2]
try:
    cuda.set_device(2)
except en.DeviceError as error:
    assert "no device cuda:2: there are 2" in str(error), error
else:
    raise SystemExit("no error")
cuda.set_device(-1)
assert cuda.current_device() == 1
cuda.set_device("cuda:0")
assert places() == {"cuda:0"}
''', ENTASIS_EMULATION_DEVICES="2")


class WithoutADevice(unittest.TestCase):
    """In a process of its own, to which the emulation shows no GPU."""

    def test_says_so(self):
        run_program('''
import entasis as en
assert not en.cuda.is_available() and en.cuda.device_count() == 0
x = en.zeros(3)
assert not x.is_pinned()
assert x.to("cpu", non_blocking=True) is x
assert x.copy_(en.ones(3), non_blocking=True) is x and x.sum().item() == 3
for call in (x.pin_memory, lambda: en.zeros(3, pin_memory=True), en.cuda.versions, x.cuda,
             en.cuda.mem_get_info, en.cuda.get_device_properties, en.cuda.current_device,
             lambda: en.cuda.set_device(0), lambda: en.cuda.device(0)):
    try:
        call()
    except en.DeviceError as error:
        assert "no cuda device: " in str(error), error
        assert "shows no GPU" in str(error), error
    else:
        raise SystemExit(f"{call}: no error")
''', ENTASIS_EMULATION_DEVICES="0", CUDA_VISIBLE_DEVICES="")


if __name__ == "__main__":
    unittest.main()
