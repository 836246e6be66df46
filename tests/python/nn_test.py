"""Modules, optimizers, files, and the two styles of training that people know."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import entasis as en
from entasis import io, nn, optim
from entasis import (ReLU, Sigmoid, Tanh, Variable, Tensor, Linear, SGD, MSELoss,  # noqa: F401
                     CrossEntropyLoss, tensor)


class Modules(unittest.TestCase):
    def test_assignment_registers(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(2, 3)
                self.scale = nn.Parameter(en.ones(1))
                self.register_buffer("count", en.zeros(1))
                self.register_buffer("scratch", en.zeros(1), persistent=False)
                self.blocks = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])

            def forward(self, x):
                return self.fc(x) * self.scale
        net = Net()
        self.assertEqual([n for n, _ in net.named_parameters()],
                         ["scale", "fc.weight", "fc.bias", "blocks.0.weight", "blocks.0.bias",
                          "blocks.1.weight", "blocks.1.bias"])
        self.assertEqual(list(net.state_dict())[:2], ["scale", "count"])
        self.assertNotIn("scratch", net.state_dict())
        self.assertIs(net.fc, dict(net.named_modules())["fc"])
        del net.fc
        with self.assertRaises(AttributeError):
            net.fc

    def test_super_init_is_asked_for(self):
        class Net(nn.Module):
            def __init__(self):
                self.fc = nn.Linear(1, 1)
        with self.assertRaisesRegex(AttributeError, "super"):
            Net()

    def test_tied_parameters_count_once(self):
        a = nn.Linear(2, 2)
        net = nn.Sequential(a, a)
        self.assertEqual(len(list(net.parameters())), 2)
        self.assertEqual(len(net.state_dict()), 4)

    def test_train_eval_and_dropout(self):
        net = nn.Sequential(nn.Dropout(0.5), nn.Identity())
        x = en.ones(1000)
        self.assertTrue(0 < (net(x) == 0).sum().item() < 1000)
        self.assertEqual((net.eval()(x) == 0).sum().item(), 0)

    def test_batch_norm_without_running_statistics(self):
        norm = nn.BatchNorm2d(2, affine=False, track_running_stats=False)
        x = en.randn(3, 2, 4, 4)
        for module in (norm.train(), norm.eval()):  # the batch's own statistics in both
            self.assertLess(module(x).mean((0, 2, 3)).abs().amax().item(), 1e-6)
        self.assertEqual(norm.state_dict(), {})
        with self.assertRaisesRegex(en.Error, "running"):
            en.batch_norm(x)

    def test_to_keeps_the_parameters(self):
        net = nn.Linear(2, 2)
        weight = net.weight
        net.to(en.float64)
        self.assertIs(net.weight, weight)
        self.assertEqual(weight.dtype, en.float64)
        self.assertEqual(net(en.ones(1, 2, dtype=en.float64)).dtype, en.float64)

    def test_state_dicts_fit_or_change_nothing(self):
        a, b = nn.Linear(2, 3), nn.Linear(2, 3)
        b.load_state_dict(a.state_dict())
        self.assertEqual(a.weight.tolist(), b.weight.tolist())
        bad = dict(a.state_dict(), extra=en.ones(1))
        bad["bias"] = en.ones(7)
        before = b.weight.tolist()
        with self.assertRaisesRegex(en.ValueError, r"'bias' has shape \[7\].*\n.*'extra'"):
            b.load_state_dict(bad)
        self.assertEqual(b.weight.tolist(), before)
        self.assertEqual(b.load_state_dict({}, strict=False).missing_keys, ["weight", "bias"])

    def test_text(self):
        self.assertEqual(repr(nn.Sequential(nn.ReLU())), "Sequential(\n  (0): ReLU()\n)")


class Styles(unittest.TestCase):
    def test_the_loop_that_people_know(self):
        en.manual_seed(1)
        x = Variable(tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), requires_grad=False)
        y = Variable(tensor([[0.0], [1.0], [1.0], [0.0]]), requires_grad=False)
        hidden, out = Linear(2, 4, True), Linear(4, 1, True)
        act, last = Tanh(), Sigmoid()
        loss_fn = MSELoss(reduction="mean")
        optimizer = SGD([hidden.weight, hidden.bias, out.weight, out.bias], lr=0.01, momentum=0.9)
        optimizer.set_lr(0.5)
        self.assertEqual(optimizer.lr, 0.5)
        for _ in range(500):
            optimizer.zero_grad()
            loss = loss_fn.forward(last.forward(out.forward(act.forward(hidden.forward(x)))), y)
            loss.backward()
            optimizer.step()
        self.assertLess(loss.data.item(), 0.01)
        self.assertEqual(ReLU(inplace=True)(tensor([-1.0, 2.0])).tolist(), [0, 2])
        self.assertGreater(CrossEntropyLoss()(en.zeros(2, 3), tensor([0, 2])).item(), 1)

    def test_the_style_in_which_the_caller_keeps_the_state(self):
        pred, target = Tensor.from_vec([0.9, 0.1], [2]), Tensor.from_vec([1.0, 0.0], [2])
        self.assertEqual(Tensor.ones([100]).shape, (100,))
        self.assertEqual(Tensor.zeros([2, 3]).sum().item(), 0)
        self.assertEqual(pred.add_scalar(1.0).mul_scalar(2.0).shape, (2,))
        self.assertAlmostEqual(en.mse_loss(pred, target).item(), 0.01, places=6)
        self.assertAlmostEqual(en.l1_loss(pred, target).item(), 0.1, places=6)
        self.assertAlmostEqual(en.smooth_l1_loss(pred, target).item(), 0.005, places=6)
        self.assertAlmostEqual(en.binary_cross_entropy_loss(pred, target, 1e-7).item(), 0.10536,
                               places=4)
        logits = Tensor.from_vec([1.0, 2.0, 0.5, 0.1], [2, 2])
        self.assertGreater(en.cross_entropy_loss(logits, tensor([0, 1])).item(), 0)
        for name in ("relu leaky_relu elu selu sigmoid tanh softsign gelu swish mish "
                     "softplus").split():
            self.assertEqual(getattr(en, name)(logits).shape, (2, 2), name)
        self.assertEqual(en.softmax(logits, 1).shape, en.log_softmax(logits, 1).shape)

        params, grads = [en.ones(3), en.ones(2)], [en.ones(3) * 0.5, en.ones(2)]
        new_params = en.sgd_update(params, grads, 0.1)
        self.assertAlmostEqual(new_params[0][0].item(), 0.95, places=6)
        velocity = [en.zeros(3), en.zeros(2)]
        new_params, new_velocity = en.sgd_momentum_update(params, grads, velocity, 0.1, 0.9)
        self.assertEqual((len(new_params), new_velocity[1].tolist()), (2, [1, 1]))
        m, v = [en.zeros(3), en.zeros(2)], [en.zeros(3), en.zeros(2)]
        new_params, new_m, new_v = en.adam_update(params, grads, m, v, learning_rate=0.001,
                                                  beta1=0.9, beta2=0.999, epsilon=1e-8, timestep=1)
        self.assertAlmostEqual(new_params[0][0].item(), 0.999, places=5)
        new_params, new_m, new_v = en.adamw_update(params, grads, m, v, weight_decay=0.01)
        self.assertAlmostEqual(new_params[1][0].item(), 0.99899, places=5)
        single, _ = en.sgd_momentum_update(en.ones(1), en.ones(1), en.zeros(1), 0.1, 0.9)
        self.assertAlmostEqual(single.item(), 0.9, places=6)


class Optimizers(unittest.TestCase):
    def test_groups_and_state(self):
        a, b = nn.Parameter(en.ones(2)), nn.Parameter(en.ones(3))
        optimizer = optim.AdamW([{"params": [a], "lr": 0.1}, {"params": b}], lr=0.01)
        (a.sum() + b.sum()).backward()
        optimizer.step()
        state = optimizer.state_dict()
        self.assertEqual([g["lr"] for g in state["param_groups"]], [0.1, 0.01])
        self.assertEqual(state["state"][1]["exp_avg"].shape, (3,))
        other = optim.AdamW([{"params": [a]}, {"params": b}])
        other.load_state_dict(state)
        self.assertEqual(other.lr, 0.1)
        self.assertEqual(other.state_dict()["state"][0]["step"].item(), 1)

    def test_param_groups_change_the_rate(self):
        p = nn.Parameter(en.ones(1))
        optimizer = optim.SGD([p], lr=1.0)
        optimizer.param_groups[0]["lr"] = 0.25
        p.sum().backward()
        optimizer.step()
        self.assertEqual(p.item(), 0.75)

    def test_errors(self):
        with self.assertRaisesRegex(en.ValueError, "may not be negative"):
            optim.SGD([nn.Parameter(en.ones(1))], lr=-1)
        with self.assertRaises(en.ValueError):
            optim.SGD([])


class Files(unittest.TestCase):
    def test_safetensors(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net.safetensors"
            net = nn.Linear(3, 2)
            io.save_safetensors(path, net.state_dict(), {"made": "by a test"})
            for mapped in (False, True):
                state = io.load_safetensors(path, map=mapped)
                self.assertEqual(state["weight"].tolist(), net.weight.tolist())
            self.assertEqual(io.load_metadata(path), {"made": "by a test"})
            with self.assertRaisesRegex(OSError, "none.safetensors"):
                io.load_safetensors(Path(folder) / "none.safetensors")

    def test_safetensors_own_package_reads_and_writes_the_same(self):
        try:
            from safetensors import numpy as theirs
        except ImportError:
            self.skipTest("safetensors is not there")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.safetensors"
            io.save_safetensors(path, {"w": en.arange(6).reshape(2, 3), "b": en.ones(2).half()})
            loaded = theirs.load_file(path)
            self.assertEqual(loaded["w"].tolist(), [[0, 1, 2], [3, 4, 5]])
            theirs.save_file(loaded, path)
            self.assertEqual(io.load_safetensors(path)["b"].tolist(), [1, 1])


class Examples(unittest.TestCase):
    def test_the_digits_trainer_gives_the_bits_of_the_cpp_one(self):
        program = Path(os.environ["ENTASIS_BIN_DIR"]) / "entasis-train-digits"
        source = Path(os.environ["ENTASIS_SOURCE_DIR"])
        script = source / "examples/python/train_digits.py"
        self.assertLessEqual(len(script.read_text().splitlines()), 60)
        with tempfile.TemporaryDirectory() as folder:
            cpp, python = Path(folder) / "cpp", Path(folder) / "python"
            subprocess.run([program, "--epochs", "3", "--seed", "5", "--out", cpp], check=True,
                           capture_output=True)
            subprocess.run([sys.executable, script, "--epochs", "3", "--seed", "5", "--out", python],
                           check=True, capture_output=True)
            ours = io.load_safetensors(python / "model.safetensors")
            theirs = io.load_safetensors(cpp / "model.safetensors")
            self.assertEqual(list(ours), list(theirs))
            for name in ours:
                self.assertEqual(ours[name].tolist(), theirs[name].tolist(), name)
            self.assertEqual(json.loads((cpp / "options.json").read_text())["epochs"], 3)


if __name__ == "__main__":
    unittest.main()
