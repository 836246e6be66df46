"""Trains a LeNet on the UCI optical digits: the C++ program entasis-train-digits in Python, to the
same bits. Writes DIR/model.safetensors."""

import argparse
import math
from pathlib import Path

import entasis as en
from entasis import nn, optim

DATA = Path(__file__).resolve().parent.parent / "data" / "digits.csv.gz"

class LeNet(nn.Module):
    def __init__(self, side: int = 8, classes: int = 10, dropout: float = 0.4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5, padding=2)
        self.conv2 = nn.Conv2d(16, 32, 5, padding=2)
        self.dropout1 = nn.Dropout(dropout)
        self.fc1 = nn.Linear(32 * (side // 4) ** 2, 128)
        self.dropout2 = nn.Dropout(dropout)
        self.fc2 = nn.Linear(128, classes)

    def forward(self, x: en.Tensor) -> en.Tensor:
        x = en.max_pool2d(self.conv1(x).relu(), 2)
        x = en.max_pool2d(self.conv2(x).relu(), 2)
        x = self.fc1(self.dropout1(x.flatten(1))).relu()
        return self.fc2(self.dropout2(x))


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--lr", type=float, default=3e-3)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--out", type=Path, default=Path("runs/digits-python"))
args = parser.parse_args()

en.manual_seed(args.seed)
images = en.load_digits(str(DATA))
train = en.Loader(images, batch_size=64, shuffle=True, seed=args.seed)
test = en.Loader(images, train=False, batch_size=256)
net = LeNet()
optimizer = optim.AdamW(net.parameters(), lr=args.lr, weight_decay=0.01)
steps = args.epochs * len(train)
for epoch in range(args.epochs):
    train.begin_epoch(epoch)
    for i, (x, labels) in enumerate(train):
        done = (epoch * len(train) + i + 0.5) / steps  # a tenth of the way up, then half a cosine
        fall = 1 + math.cos(math.pi * (done - 0.1) / (1 - 0.1))
        optimizer.lr = args.lr * done / 0.1 if done < 0.1 else args.lr * 0.5 * fall
        optimizer.zero_grad()
        en.cross_entropy(net(x), labels).backward()
        optimizer.step()
    net.eval()
    test.begin_epoch(0)
    with en.no_grad():
        hits = sum((net(x).argmax(1) == labels).sum().item() for x, labels in test)
    net.train()
    print(f"epoch {epoch + 1}/{args.epochs}  test accuracy {hits / images.test_count:.2%}")
args.out.mkdir(parents=True, exist_ok=True)
en.io.save_safetensors(args.out / "model.safetensors", net.state_dict())
