"""Tensors in Python: exchange with NumPy and DLPack, subscripts, pickling, text, lifetimes."""

import copy
import gc
import inspect
import pickle
import resource
import sys
import unittest
import weakref

try:
    import numpy as np
except ImportError:
    print("NumPy is not there; skipped")
    sys.exit(77)

import entasis as en


class NumPy(unittest.TestCase):
    def test_shares_memory_both_ways(self):
        array = np.arange(6, dtype=np.float32).reshape(2, 3).T
        tensor = en.from_numpy(array)
        self.assertEqual((tensor.shape, tensor.stride()), ((3, 2), (1, 3)))
        tensor[0, 1] = 9
        self.assertEqual(array[0, 1], 9)
        back = tensor.numpy()
        back[2, 0] = -1
        self.assertEqual(array[2, 0], -1)
        self.assertEqual(back.strides, array.strides)

    def test_every_dtype(self):
        for name in ("float32 float64 float16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
                     "bool").split():
            array = np.array([[1, 0, 1]], dtype=name)
            tensor = en.from_numpy(array)
            self.assertEqual(str(tensor.dtype), "entasis." + name)
            np.testing.assert_array_equal(tensor.numpy(), array)
            self.assertEqual(tensor.numpy().dtype, array.dtype)

    def test_zero_dimensional_and_empty(self):
        self.assertEqual(en.from_numpy(np.array(2.5)).item(), 2.5)
        self.assertEqual(en.from_numpy(np.zeros((0, 3))).shape, (0, 3))
        self.assertEqual(en.zeros(0, 3).numpy().shape, (0, 3))
        self.assertEqual(en.tensor(4).numpy().shape, ())

    def test_what_cannot_be_shared_says_why(self):
        array = np.zeros(3)
        array.flags.writeable = False
        with self.assertRaisesRegex(en.ValueError, "read-only"):
            en.from_numpy(array)
        with self.assertRaisesRegex(en.ValueError, "strides"):
            en.from_numpy(np.zeros(3)[::-1])
        with self.assertRaisesRegex(TypeError, "no dtype"):
            en.from_numpy(np.zeros(3, dtype=np.complex64))
        with self.assertRaisesRegex(TypeError, "detach"):
            en.zeros(2, requires_grad=True).numpy()
        with self.assertRaisesRegex(TypeError, "bfloat16"):
            en.zeros(2, dtype=en.bfloat16).numpy()

    def test_memory_lives_as_long_as_either_side(self):
        array = np.arange(4.0)
        gone = weakref.ref(array)
        tensor = en.from_numpy(array)
        del array
        gc.collect()
        self.assertIsNotNone(gone())
        self.assertEqual(tensor.tolist(), [0, 1, 2, 3])
        view = tensor.numpy()
        del tensor
        gc.collect()
        np.testing.assert_array_equal(view, [0, 1, 2, 3])
        del view
        gc.collect()
        self.assertIsNone(gone())

    def test_numpy_functions_take_tensors(self):
        tensor = en.tensor([[1.0, 2.0], [3.0, 4.0]])
        np.testing.assert_array_equal(np.asarray(tensor), [[1, 2], [3, 4]])
        self.assertEqual(np.array(tensor, dtype=np.int64).dtype, np.int64)
        self.assertEqual(en.tensor(np.float32(2)).item(), 2)
        self.assertEqual((tensor * np.float64(2))[0, 0].item(), 2)


class DLPack(unittest.TestCase):
    def test_numpy_takes_and_gives(self):
        tensor = en.tensor([[1.0, 2.0, 3.0]]).t()
        array = np.from_dlpack(tensor)
        self.assertEqual(array.shape, (3, 1))
        array = np.ascontiguousarray(np.arange(3, dtype=np.int32))
        taken = en.from_dlpack(array)
        taken[1] = 7
        self.assertEqual(array[1], 7)

    def test_a_capsule_that_nobody_takes_is_freed(self):
        tensor = en.zeros(4)
        for version in (None, (1, 0)):
            for _ in range(100):
                tensor.__dlpack__(max_version=version)
        self.assertEqual(tensor.__dlpack_device__(), (1, 0))

    def test_a_capsule_is_taken_once(self):
        capsule = en.zeros(4).__dlpack__()
        en.from_dlpack(capsule)
        with self.assertRaises(ValueError):
            en.from_dlpack(capsule)

    def test_read_only_memory_is_refused(self):
        array = np.zeros(3)
        array.flags.writeable = False
        with self.assertRaises((BufferError, en.ValueError)):
            en.from_dlpack(array)

    def test_bfloat16_travels(self):
        tensor = en.tensor([1.5, -2.0], dtype=en.bfloat16)
        self.assertEqual(en.from_dlpack(tensor).tolist(), [1.5, -2.0])


class Subscripts(unittest.TestCase):
    def setUp(self):
        self.array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        self.tensor = en.tensor(self.array)

    def test_reading(self):
        for key in (0, -1, (1, 2), slice(None), (slice(0, 2), slice(1, None, 2)), Ellipsis,
                    (Ellipsis, 1), None, (0, None, slice(2)), ([0, 1],), ([1, 0], [2, 2]),
                    self.array > 7):
            ours = key if not isinstance(key, np.ndarray) else en.tensor(key)
            np.testing.assert_array_equal(self.tensor[ours].numpy(), self.array[key], str(key))

    def test_assignment(self):
        for key, value in ((0, 5), ((1, 2), -1.0), (slice(0, 1), 3), ((Ellipsis, 2), 8),
                           ((0, slice(1, 3)), np.ones((2, 4), np.float32))):
            self.array[key] = value
            self.tensor[key] = en.tensor(value) if isinstance(value, np.ndarray) else value
        self.array[self.array > 6] = 0
        self.tensor[self.tensor > 6] = 0
        for key, value in ((([1, 0], [2, 2]), 7), ((slice(None), [2, 0]), np.full(4, 2.5)),
                           ((Ellipsis, [1, -1]), [[1], [2], [3]]),
                           (np.array([True, False]), -1), (([0, 0, 0], [1, 1, 1]), [[1], [2], [3]]),
                           ((slice(None), None, np.array([True, False, True])),
                            np.arange(4, dtype=np.float32))):
            self.array[key] = value
            ours = tuple(en.tensor(k) if isinstance(k, np.ndarray) else k for k in key) \
                if isinstance(key, tuple) else en.tensor(key)
            self.tensor[ours] = value
        np.testing.assert_array_equal(self.tensor.numpy(), self.array)

    def test_errors(self):
        with self.assertRaisesRegex(IndexError, "tensor_test.py"):
            self.tensor[5]
        with self.assertRaisesRegex(TypeError, "str"):
            self.tensor["a"]
        with self.assertRaisesRegex(en.ShapeError, r"\[3\].*\[2, 4\]"):
            self.tensor[0, [0, 1]] = en.zeros((3,))
        with self.assertRaisesRegex(en.DtypeError, "f64"):
            self.tensor[[0, 1]] = en.zeros((4,), dtype=en.float64)
        with self.assertRaisesRegex(IndexError, "index 2 at position 1"):
            self.tensor[[0, 2]] = 1

    def test_iteration_and_len(self):
        self.assertEqual(len(self.tensor), 2)
        self.assertEqual([t.shape for t in self.tensor], [(3, 4), (3, 4)])
        with self.assertRaises(TypeError):
            len(en.tensor(1))
        with self.assertRaises(TypeError):
            iter(en.tensor(1))


class Objects(unittest.TestCase):
    def test_pickle_and_deepcopy(self):
        for tensor in (en.tensor([[1.0, 2.0]], requires_grad=True), en.tensor(True),
                       en.zeros(0, 2), en.tensor([1.5], dtype=en.bfloat16),
                       en.nn.Parameter(en.ones(2))):
            for other in (pickle.loads(pickle.dumps(tensor)), copy.deepcopy(tensor)):
                self.assertIs(type(other), type(tensor))
                self.assertEqual((other.dtype, other.shape, other.requires_grad),
                                 (tensor.dtype, tensor.shape, tensor.requires_grad))
                self.assertEqual(other.tolist(), tensor.tolist())
        for thing in (en.float32, en.add, en.device("cuda:1")):
            self.assertEqual(pickle.loads(pickle.dumps(thing)), thing)

    def test_truth_hash_and_numbers(self):
        self.assertTrue(en.tensor(2.0))
        self.assertFalse(en.tensor([0]))
        with self.assertRaisesRegex(en.ValueError, "ambiguous"):
            bool(en.zeros(2))
        x = en.ones(2)
        self.assertEqual(len({x, x, en.ones(2)}), 2)
        self.assertEqual((float(en.tensor(2.5)), int(en.tensor(2.5)), [7, 8, 9][en.tensor(1)]),
                         (2.5, 2, 8))
        self.assertEqual(f"{en.tensor(2.5):.2f}", "2.50")

    def test_in_place_ops_return_the_same_object(self):
        x = y = en.ones(2)
        y += 1
        self.assertIs(x, y)
        self.assertIs(x.mul_(2), x)
        self.assertEqual(x.tolist(), [4, 4])

    def test_operators(self):
        x = en.tensor([2.0, 4.0])
        self.assertEqual((1 - x).tolist(), [-1, -3])
        self.assertEqual((8 / x).tolist(), [4, 2])
        self.assertEqual((2 ** x).tolist(), [4, 16])
        self.assertEqual((-x).tolist(), [-2, -4])
        self.assertEqual((x == 2).tolist(), [True, False])
        self.assertFalse(x == None)  # noqa: E711 (as for any object)
        with self.assertRaises(TypeError):
            x + "a"

    def test_arguments(self):
        x = en.ones(2, 3)
        self.assertEqual(x.sum(axis=1, keepdims=True).shape, (2, 1))
        self.assertEqual(en.softmax(x=x, dim=1).shape, (2, 3))
        self.assertEqual(x.reshape(3, 2).shape, (3, 2))
        self.assertEqual(x.permute(1, 0).shape, (3, 2))
        for call, text in ((lambda: x.sum(foo=1), "foo"), (lambda: en.add(x), "other"),
                           (lambda: en.mul(x, x, x), "at most 2"),
                           (lambda: en.add(x, input=x), "twice"),
                           (lambda: en.softmax(x, 1.5), "must be int")):
            with self.assertRaisesRegex(TypeError, text):
                call()

    def test_factories_take_sizes_as_pytorch_does(self):
        for made in (en.zeros(2, 3), en.zeros((2, 3)), en.zeros([2, 3]), en.zeros(size=(2, 3)),
                     en.randint(5, (2, 3)), en.randint(0, 5, (2, 3)),
                     en.randint(high=5, size=(2, 3)), en.full((2, 3), 1.0)):
            self.assertEqual(made.shape, (2, 3))
            self.assertEqual((made.size(), made.size(None), made.size(1)), ((2, 3), (2, 3), 3))
        self.assertEqual((en.ones().shape, en.ones(()).shape, en.ones(4).shape), ((), (), (4,)))
        with self.assertRaisesRegex(TypeError, "sizes must be ints"):
            en.zeros(2.5)
        with self.assertRaisesRegex(TypeError, "sizes must be ints"):
            en.zeros(2, "3")

    def test_lists_of_tensors_one_by_one(self):
        a, b = en.arange(3), en.arange(2)
        for given in ((a, b), ([a, b],)):
            x, y = en.meshgrid(*given, indexing="xy")
            self.assertEqual(x.tolist(), [[0, 1, 2], [0, 1, 2]])
            self.assertEqual(y.tolist(), [[0, 0, 0], [1, 1, 1]])
        self.assertEqual(en.broadcast_tensors(), ())
        self.assertEqual(en.block_diag().shape, (1, 0))
        self.assertRaises(TypeError, en.meshgrid, a, 2)
        self.assertRaises(en.ValueError, en.meshgrid)

    def test_one_number_or_a_list(self):
        x = en.arange(12)
        self.assertEqual([len(p) for p in x.split(5)], [5, 5, 2])
        self.assertEqual([len(p) for p in x.split([1] * 12)], [1] * 12)  # more than dimensions
        self.assertEqual([len(p) for p in x.tensor_split(en.tensor([2, 5]))], [2, 3, 7])
        self.assertEqual([len(p) for p in x.tensor_split(en.tensor(2))], [6, 6])
        self.assertRaises(TypeError, x.split, 1.5)
        self.assertRaises(TypeError, x.split, en.tensor([1.5]))

    def test_views(self):
        x = en.tensor([1.0, -2.0])
        self.assertEqual(x.view(en.int32).tolist(), [1065353216, -1073741824])
        self.assertEqual(x.view(2, 1).shape, (2, 1))
        self.assertEqual(x.view((1, 2)).shape, (1, 2))
        self.assertRaises(en.ShapeError, en.zeros(2, 3).t().view, 6)

    def test_limits_of_types(self):
        info = en.finfo(en.float16)
        self.assertEqual((info.bits, info.max, info.eps, info.dtype),
                         (16, 65504.0, 2**-10, "float16"))
        self.assertEqual(repr(en.finfo()), "finfo(resolution=1e-06, min=-3.40282e+38, "
                         "max=3.40282e+38, eps=1.19209e-07, smallest_normal=1.17549e-38, "
                         "tiny=1.17549e-38, dtype=float32)")
        self.assertEqual(en.iinfo("uint64").max, 2**64 - 1)
        self.assertEqual(repr(en.iinfo(en.int8)), "iinfo(min=-128, max=127, dtype=int8)")
        self.assertEqual(en.finfo(en.float32), en.finfo("float32"))
        self.assertNotEqual(en.iinfo(en.int8), en.iinfo(en.int16))
        self.assertRaises(TypeError, en.finfo, en.int8)
        self.assertRaises(TypeError, en.iinfo, en.bool)

    def test_types_of_results(self):
        self.assertIs(en.result_type(en.ones(2, dtype=en.int32), 1.0), en.float32)
        self.assertIs(en.result_type(en.ones(2, dtype=en.uint8), en.tensor(1)), en.uint8)
        self.assertIs(en.promote_types(en.uint8, en.int8), en.int16)
        self.assertTrue(en.can_cast(en.double, en.float) and en.can_cast(en.int8, en.uint8))
        self.assertFalse(en.can_cast(en.float, en.int) or en.can_cast(en.int, en.bool))
        self.assertTrue(en.is_floating_point(en.ones(1)) and not en.is_floating_point(en.arange(1)))

    def test_complex_numbers_are_refused_by_name(self):
        for ask in (lambda: en.complex64, lambda: en.zeros(2, dtype="complex64"),
                    lambda: en.zeros(2, dtype=complex), lambda: en.tensor([1j]),
                    lambda: en.ones(1).to(np.complex128)):
            with self.assertRaisesRegex(Exception, "no complex numbers yet"):
                ask()
        self.assertFalse(hasattr(en, "complex64"))

    def test_factories_of_this_family(self):
        self.assertEqual(en.logspace(0, 3, 4, base=2).tolist(), [1, 2, 4, 8])
        self.assertEqual(en.empty_strided((2, 3), (1, 2), dtype=en.int8).stride(), (1, 2))
        self.assertEqual(en.tril_indices(2, 2, dtype=en.int32).tolist(), [[0, 1, 1], [0, 0, 1]])
        self.assertEqual(en.triu_indices(2, 3, offset=1).tolist(), [[0, 0, 1], [1, 2, 2]])

    def test_signatures(self):
        self.assertEqual(str(inspect.signature(en.softmax)), "(input, dim)")
        self.assertEqual(str(inspect.signature(en.ones(1).sum)),
                         "(dim=(), keepdim=False, dtype=None)")
        self.assertEqual(str(inspect.signature(en.Tensor.softmax)), "(self, dim)")
        self.assertEqual(str(inspect.signature(en.Tensor.__add__)), "(self, other, /)")
        for row in en._entasis._rows:
            function = getattr(en._entasis, row["name"])
            self.assertEqual(str(inspect.signature(function)), row["signature"])
            self.assertTrue(function.__doc__)

    def test_named_results(self):
        results = [r for r in en._entasis._rows if r["results"]]
        self.assertTrue(results)
        step = en._entasis.adam_update(*(en.ones(2) for _ in range(4)))
        self.assertEqual(step[0].tolist(), step.parameter.tolist())


class Leaks(unittest.TestCase):
    def flat(self, work, rounds):
        """Memory must not grow while work() runs again and again."""
        for _ in range(rounds // 10):
            work()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(rounds):
            work()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        self.assertLess(grown, 4096, "KiB")

    def test_a_million_calls(self):
        a, b = en.ones(4), en.ones(4)
        self.flat(lambda: a + b, 1_000_000)

    def test_round_trips(self):
        array = np.ones(1000)
        self.flat(lambda: en.from_numpy(array).numpy(), 100_000)
        self.flat(lambda: en.from_dlpack(en.from_numpy(array)), 100_000)

    def test_errors_and_gradients(self):
        a, b = en.ones(2, 3), en.ones(4)

        def fail():
            try:
                a + b
            except en.ShapeError:
                pass
        self.flat(fail, 100_000)
        w = en.ones(100, requires_grad=True)

        def step():
            (w * w).sum().backward()
            w.grad = None
        self.flat(step, 50_000)


    def test_hooks_that_hold_their_tensor(self):
        def cycle():
            x = en.ones(1000, requires_grad=True)
            x.register_hook(lambda g: g + 0 * x)
            (x * 2).sum().backward()
            h = x * 2
            h.register_hook(lambda g: g + 0 * h.detach())

        def tensors():
            for _ in range(3):  # a leaf is free once the graph above it is gone
                gc.collect()
            return sum(isinstance(o, en.Tensor) for o in gc.get_objects())
        cycle()
        before = tensors()
        for _ in range(100):
            cycle()
        self.assertEqual(tensors(), before)


if __name__ == "__main__":
    unittest.main()
