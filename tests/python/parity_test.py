"""Training parity: the same models, weights and batches follow PyTorch's loss for 200 steps. One
source makes both libraries' models."""

import math
import random
import sys
import unittest

try:
    import torch
except ImportError:
    print("PyTorch is not there; skipped")
    sys.exit(77)

import entasis

STEPS = 200
torch.set_num_threads(1)  # its threads do badly on a busy machine


def mlp(lib):
    nn = lib.nn
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh(),
                         nn.Linear(64, 10))


def lenet(lib):
    nn = lib.nn
    return nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.BatchNorm2d(8), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2),
                         nn.Flatten(), nn.Linear(16 * 2 * 2, 10))


def transformer(lib):
    nn = lib.nn
    width, heads, length, words = 32, 4, 12, 17

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv = nn.Linear(width, 3 * width)
            self.out = nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(),
                                     nn.Linear(4 * width, width))

        def forward(self, x):
            batch = x.shape[0]
            q, k, v = (self.qkv(self.norm1(x)).reshape(batch, length, 3, heads, width // heads)
                       .permute(2, 0, 3, 1, 4))
            scores = q @ k.transpose(-2, -1) / math.sqrt(width // heads)
            rows = lib.arange(length)
            allowed = rows.reshape(length, 1) >= rows.reshape(1, length)
            weights = lib.where(allowed, scores, -1e9).softmax(-1)
            mixed = (weights @ v).permute(0, 2, 1, 3).reshape(batch, length, width)
            x = x + self.out(mixed)
            return x + self.mlp(self.norm2(x))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(words, width)
            self.places = nn.Embedding(length, width)
            self.blocks = nn.Sequential(Block(), Block())
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, words)

        def forward(self, ids):
            x = self.words(ids) + self.places(lib.arange(length))
            return self.head(self.norm(self.blocks(x))).reshape(-1, words)

    return Model()


def batches(seed, shape, classes, is_index, labels):
    rng = random.Random(seed)
    count = math.prod(shape)
    for _ in range(STEPS):
        x = [rng.randrange(classes) if is_index else rng.gauss(0, 1) for _ in range(count)]
        yield x, [rng.randrange(classes) for _ in range(labels)]


def losses(lib, model, optimizer, data, shape, is_index):
    result = []
    for x, y in data:
        dtype = lib.int64 if is_index else lib.float32
        optimizer.zero_grad()
        loss = lib.nn.CrossEntropyLoss()(model(lib.tensor(x, dtype=dtype).reshape(shape)),
                                         lib.tensor(y))
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


class Parity(unittest.TestCase):
    def follow(self, make, optimizer, shape, classes, labels, is_index=False, tolerance=1e-4):
        torch.manual_seed(0)
        theirs, ours = make(torch), make(entasis)
        ours.load_state_dict(theirs.state_dict())
        self.assertEqual(list(ours.state_dict()), list(theirs.state_dict()))
        runs = [losses(lib, model, optimizer(lib)(model.parameters()),
                       batches(1, shape, classes, is_index, labels), shape, is_index)
                for lib, model in ((entasis, ours), (torch, theirs))]
        worst = max(abs(a - b) / max(abs(b), 1e-2) for a, b in zip(*runs))
        print(f"{make.__name__}: loss {runs[1][0]:.4f} to {runs[1][-1]:.4f}, "
              f"largest relative difference {worst:.1e}")
        self.assertLess(worst, tolerance)
        back = {name: torch.from_dlpack(t) for name, t in ours.state_dict().items()}
        theirs.load_state_dict(back)

    def test_mlp(self):
        self.follow(mlp, lambda lib: lambda p: lib.optim.SGD(p, lr=0.05, momentum=0.9), (32, 20),
                    10, 32)

    def test_lenet(self):
        self.follow(lenet, lambda lib: lambda p: lib.optim.Adam(p, lr=1e-3), (16, 1, 8, 8), 10, 16)

    def test_transformer(self):
        self.follow(transformer, lambda lib: lambda p: lib.optim.AdamW(p, lr=1e-3), (4, 12), 17, 48,
                    is_index=True)

    def test_optimizer_states_travel(self):
        torch.manual_seed(0)
        theirs, ours = mlp(torch), mlp(entasis)
        ours.load_state_dict(theirs.state_dict())
        their_optimizer = torch.optim.AdamW(theirs.parameters(), lr=1e-2)
        first = list(batches(1, (8, 20), 10, False, 8))[:10]
        second = list(batches(2, (8, 20), 10, False, 8))[:10]
        losses(torch, theirs, their_optimizer, first, (8, 20), False)
        ours.load_state_dict(theirs.state_dict())
        our_optimizer = entasis.optim.AdamW(ours.parameters())
        our_optimizer.load_state_dict(their_optimizer.state_dict())
        self.assertEqual(our_optimizer.lr, 1e-2)
        a = losses(entasis, ours, our_optimizer, second, (8, 20), False)
        b = losses(torch, theirs, their_optimizer, second, (8, 20), False)
        for x, y in zip(a, b):
            self.assertAlmostEqual(x, y, places=4)


if __name__ == "__main__":
    unittest.main()
