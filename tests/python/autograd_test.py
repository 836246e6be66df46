"""Gradients in Python: modes, hooks, functions of one's own, errors that name the Python line."""

import gc
import sys
import unittest
import weakref

import entasis as en
from entasis import nn


class Modes(unittest.TestCase):
    def test_no_grad_as_block_and_decorator(self):
        x = en.ones(2, requires_grad=True)
        with en.no_grad():
            self.assertFalse((x * 2).requires_grad)
            with en.enable_grad():
                self.assertTrue((x * 2).requires_grad)

        @en.no_grad()
        def double(t):
            return t * 2
        self.assertFalse(double(x).requires_grad)
        self.assertTrue((x * 2).requires_grad)
        with en.set_grad_enabled(False):
            self.assertFalse(en.is_grad_enabled())

    def test_inference_mode(self):
        x = en.ones(2, requires_grad=True)
        with en.inference_mode():
            y = x * 2
        with self.assertRaises(en.AutogradError):
            y * x

    def test_grad(self):
        x = en.tensor([3.0], requires_grad=True)
        (first,) = en.grad(x ** 3, x, create_graph=True)
        (second,) = en.grad(first, x)
        self.assertEqual((first.item(), second.item()), (27, 18))
        self.assertIsNone(x.grad)
        unused = en.ones(1, requires_grad=True)
        self.assertIsNone(en.grad(x * 2, [x, unused], allow_unused=True)[1])


class Hooks(unittest.TestCase):
    def test_hooks_see_and_replace_gradients(self):
        x = en.ones(2, requires_grad=True)
        seen = []
        handle = x.register_hook(lambda g: seen.append(g.tolist()))
        double = x.register_hook(lambda g: g * 2)
        (x * 3).sum().backward()
        self.assertEqual((seen, x.grad.tolist()), ([[3, 3]], [6, 6]))
        handle.remove()
        double.remove()
        x.grad = None
        (x * 3).sum().backward()
        self.assertEqual((len(seen), x.grad.tolist()), (1, [3, 3]))

    def test_a_hook_after_accumulation_runs_in_mid_backward(self):
        x, order = en.ones(1, requires_grad=True), []
        y = en.ones(1, requires_grad=True)
        x.register_post_accumulate_grad_hook(lambda t: order.append(t.grad.item()))
        h = y * 2
        h.register_hook(lambda g: order.append("h"))
        (h * x).sum().backward()
        self.assertCountEqual(order, [2, "h"])

    def test_hooks_survive_the_collector_while_the_graph_lives(self):
        x, seen = en.ones(1, requires_grad=True), []

        def hook_with(tensor):
            def hook(gradient):
                seen.append(tensor.shape)
            return hook
        h = x * 2
        h.register_hook(hook_with(h))
        y = h * 3
        del h
        gc.collect()
        y.backward()
        self.assertEqual(seen, [(1,)])

    def test_gradients_are_one_object(self):
        w, kept = en.ones(2, requires_grad=True), en.ones(2)
        self.assertIsNone(w.grad)
        (w * 2).sum().backward()
        self.assertIs(w.grad, w.grad)
        first = w.grad
        (w * 2).sum().backward()
        self.assertIs(w.grad, first)
        w.grad = kept
        self.assertIs(w.grad, kept)
        for _ in range(1000):  # the objects that are known are forgotten again
            w.grad = None
            (w * 2).sum().backward()
            self.assertEqual(w.grad.tolist(), [2, 2])
        with self.assertRaisesRegex(TypeError, "must be a Tensor or None"):
            w.grad = 2

    def test_errors_in_hooks_arrive(self):
        x = en.ones(1, requires_grad=True)

        def fail(g):
            raise KeyError("from the hook")
        x.register_hook(fail)
        with self.assertRaisesRegex(KeyError, "from the hook"):
            (x * 2).backward()


class Cube(en.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x)
        ctx.scale = scale
        return x * x * x * scale

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 3 * ctx.scale * x * x * grad_output, None


class Functions(unittest.TestCase):
    def test_first_and_second_gradients(self):
        x = en.tensor([2.0], requires_grad=True)
        y = Cube.apply(x, 0.5)
        self.assertEqual((y.item(), y.grad_fn), (4, "Cube"))
        (first,) = en.grad(y, x, create_graph=True)
        (second,) = en.grad(first, x)
        self.assertEqual((first.item(), second.item()), (6, 6))

    def test_a_wrong_number_of_gradients_is_named(self):
        class Wrong(en.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g, g
        with self.assertRaisesRegex(en.AutogradError, "2 gradients for 1"):
            Wrong.apply(en.ones(1, requires_grad=True)).backward()

    def test_overwritten_saved_tensors_are_noticed(self):
        x = en.ones(1, requires_grad=True)
        h = x * 1
        y = Cube.apply(h, 1.0)
        h.add_(1)
        with self.assertRaisesRegex(en.AutogradError, "overwritten"):
            y.backward()

    def test_nothing_leaks(self):
        class Payload:
            pass
        payload = Payload()
        gone = weakref.ref(payload)

        class Holds(en.autograd.Function):
            @staticmethod
            def forward(ctx, x, what):
                ctx.what = what
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g * 2, None
        y = Holds.apply(en.ones(1, requires_grad=True), payload)
        y.backward()
        del y, payload
        gc.collect()
        self.assertIsNone(gone())

    def test_a_function_may_keep_its_output(self):
        class Holds(en.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.output, ctx.payload = x * 2, Box()
                seen.append(weakref.ref(ctx.payload))
                return ctx.output

            @staticmethod
            def backward(ctx, g):
                return ctx.output * g

        class Box:
            pass
        seen = []
        x = en.ones(1, requires_grad=True)
        y = Holds.apply(x)
        loss = y * 3
        del y
        gc.collect()  # which leaves alone what the graph needs
        loss.backward()
        self.assertEqual(x.grad.item(), 6)
        del loss
        gc.collect()
        self.assertIsNone(seen[0]())


class Places(unittest.TestCase):
    def line_of(self, error):
        return str(error).rsplit(":", 1)[1]

    def test_errors_name_the_python_line(self):
        for call in (lambda: en.ones(2) + en.ones(3), lambda: en.zeros(2).to("nope"),
                     lambda: en.zeros(2, device="nope"), lambda: en.device("nope"),
                     lambda: en.load_mnist("/nope"), lambda: en.zeros(2).reshape(3)):
            with self.assertRaises(en.Error) as caught:
                call()
            self.assertIn("autograd_test.py:", str(caught.exception))
            self.assertEqual(self.line_of(caught.exception), str(call.__code__.co_firstlineno))

    def test_modules_are_named_and_skipped(self):
        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.encoder = nn.Sequential(nn.Linear(3, 4), nn.ReLU())

            def forward(self, x):
                return self.encoder(x)
        expected = sys._getframe().f_lineno - 1
        with self.assertRaises(en.ShapeError) as caught:
            Model()(en.ones(2, 5))
        self.assertIn("in model.encoder.0, autograd_test.py:", str(caught.exception))
        self.assertEqual(self.line_of(caught.exception), str(expected))

    def test_backward_names_the_forward_line(self):
        x = en.ones(3, requires_grad=True)
        h = x * 1
        y = h.exp(); line = sys._getframe().f_lineno  # noqa: E702
        y.add_(1)
        with self.assertRaises(en.AutogradError) as caught:
            y.sum().backward()
        self.assertEqual(self.line_of(caught.exception), str(line))

    def test_anomaly_mode_names_the_forward_line(self):
        x = en.zeros(1, requires_grad=True)
        with en.autograd.detect_anomaly():
            y = x.sqrt() * 0; line = sys._getframe().f_lineno  # noqa: E702
            with self.assertRaises(en.AutogradError) as caught:
                y.backward()
        self.assertEqual(self.line_of(caught.exception), str(line))


if __name__ == "__main__":
    unittest.main()
