"""What the GPU benchmarks measure: for each row the workload's name, which both sides set it up from,
the fewest bytes and the arithmetic it takes, and what is aimed at.

Names are op/precision/sizes. `--scale tiny` gives the same rows at sizes for a test of the benchmarks.
"""

from dataclasses import dataclass, field
from math import prod

SIZE = {"f32": 4, "tf32": 4, "bf16": 2, "f16": 2}
PAIR = ("eager", "compile")
# What PyTorch offers for steps that are the same each time; the first three are modes of torch.compile.
CAPTURED = ("compile", "reduce-overhead", "max-autotune", "graph", "compile-graph")


@dataclass
class Row:
    title: str
    name: str
    bytes: float = 0  # each input read once, each output written once
    flop: float = 0
    variants: tuple = PAIR
    # Aim, and what it is about: "share" of the floor, "ratio" to the peer's best, "compile" (ratio to
    # torch.compile's best mode), "over" (seconds above the floor).
    aim: tuple = ()
    alone: tuple = field(default=())  # the floor is the slowest of these rows

    @property
    def precision(self):
        return self.name.split("/")[1]


def gpt2_parameters(width, layers, vocabulary, context):
    return (vocabulary + context + 2) * width + layers * (12 * width * width + 13 * width)


# Elements that each op moves.
MOVED = {
    "copy": lambda *s: 2 * prod(s),
    "add": lambda *s: 3 * prod(s),
    "gelu": lambda *s: 2 * prod(s),
    "sum": lambda *s: prod(s),
    "transpose": lambda *s: 2 * prod(s),
    "softmax": lambda *s: 2 * prod(s),
    "layer_norm": lambda *s: 2 * prod(s),
    "layer_norm_backward": lambda *s: 3 * prod(s),
    "cross_entropy": lambda *s: prod(s),
    "cross_entropy_backward": lambda *s: 2 * prod(s),
    "embedding": lambda tokens, vocabulary, width: 2 * tokens * width,
    "embedding_backward": lambda tokens, vocabulary, width: (tokens + vocabulary) * width,
    "matmul": lambda m, k, n: m * k + k * n + m * n,
    "conv": lambda n, c, side, out: n * (c + out) * side * side + 9 * c * out,
    "adamw": lambda *s: 7 * gpt2_parameters(*s),  # reads w, g, m, v; writes w, m, v
}
MOVED["conv_data"] = MOVED["conv_weight"] = MOVED["conv"]
FLOP = {
    "matmul": lambda m, k, n: 2 * m * k * n,
    "conv": lambda n, c, side, out: 2 * 9 * n * c * out * side * side,
}
FLOP["conv_data"] = FLOP["conv_weight"] = FLOP["conv"]


def name_of(op, precision, *sizes):
    return f"{op}/{precision}/{'x'.join(map(str, sizes))}"


def row(title, op, precision, sizes, **more):
    return Row(title, name_of(op, precision, *sizes),
               bytes=MOVED[op](*sizes) * SIZE[precision] if op in MOVED else 0,
               flop=FLOP[op](*sizes) if op in FLOP else 0, **more)


def ceilings(tiny):
    """Rows whose best time tells what the device can do: copies, and products by precision."""
    n, side = (2**10, 32) if tiny else (2**28, 8192)
    square = (side, side, side)
    return {
        "copy": row(f"copy, f32, {n:,}", "copy", "f32", (n,), aim=("share", 0.9)),
        "bf16": row(f"matmul {side}³ bf16", "matmul", "bf16", square, aim=("ratio", 1)),
        "tf32": row(f"matmul {side}³ tf32", "matmul", "tf32", square, aim=("ratio", 1)),
        "f32": row(f"matmul {side}³ f32", "matmul", "f32", square, aim=("ratio", 1)),
    }


def rows(tiny):
    """All rows, the ceilings first."""
    many = 2**10 if tiny else 2**28
    softmax = (16, 128) if tiny else (16384, 50304)
    norm = (16, 64) if tiny else (16384, 4096)
    entropy = (32, 128) if tiny else (65536, 50304)
    mid = (16,) * 3 if tiny else (4096,) * 3
    tall = (64, 32, 48) if tiny else (65536, 768, 3072)
    conv = (2, 8, 8, 8) if tiny else (256, 64, 56, 64)
    gpt2 = (16, 2, 100, 32) if tiny else (768, 12, 50257, 1024)
    matrix = (32, 32) if tiny else (8192, 8192)
    tokens = (32, 100, 16) if tiny else (32768, 50257, 768)
    chain = (16, 20) if tiny else (1024, 1000)
    lenet, mlp = (4, 4) if tiny else (64, 32)
    beside = (2**12, 32, 2) if tiny else (2**26, 4096, 3)
    copy_in, products = name_of("copy_in", "f32", *beside), name_of("products", "f32", *beside)

    def text(sizes):
        return "×".join(map(str, sizes))

    out = list(ceilings(tiny).values())
    out += [
        row(f"add, f32, {many:,}", "add", "f32", (many,), aim=("share", 0.9)),
        row(f"gelu, bf16, {many:,}", "gelu", "bf16", (many,), aim=("share", 0.9)),
        row(f"sum of all, f32, {many:,}", "sum", "f32", (many,), aim=("share", 0.9)),
        row(f"sum of all, bf16, {many:,}", "sum", "bf16", (many,), aim=("share", 0.9)),
        row(f"softmax {text(softmax)} bf16", "softmax", "bf16", softmax, aim=("share", 0.8)),
        row(f"layer_norm {text(norm)} bf16", "layer_norm", "bf16", norm, aim=("share", 0.8)),
        row(f"layer_norm {text(norm)} bf16, backward", "layer_norm_backward", "bf16", norm,
            aim=("share", 0.7)),
        row(f"cross_entropy {text(entropy)} bf16", "cross_entropy", "bf16", entropy),
        row(f"cross_entropy {text(entropy)} bf16, backward", "cross_entropy_backward", "bf16",
            entropy),
        row(f"transposed copy {text(matrix)} f32", "transpose", "f32", matrix),
        row(f"embedding {text(tokens)} f32", "embedding", "f32", tokens),
        row(f"embedding {text(tokens)} f32, backward", "embedding_backward", "f32", tokens),
        row(f"AdamW, {gpt2_parameters(*gpt2):,} parameters in {gpt2[1] * 12 + 4} tensors", "adamw",
            "f32", gpt2, aim=("share", 0.9)),
    ]
    for precision in ("bf16", "tf32", "f32"):
        out.append(row(f"matmul {text(mid)} {precision}", "matmul", precision, mid,
                       aim=("ratio", 1)))
    out.append(row(f"matmul {text(tall)} bf16", "matmul", "bf16", tall, aim=("ratio", 1)))
    for op, what in (("conv", "forward"), ("conv_data", "data gradient"),
                     ("conv_weight", "weight gradient")):
        n, c, side, o = conv
        out.append(row(f"conv 3×3 {c}→{o}, {side}², batch {n}, bf16 channels-last, {what}", op,
                       "bf16", conv))
    steps = [("chain", f"{chain[1]:,} dependent adds of {chain[0]:,} elements", chain),
             ("lenet", f"LeNet-5 training step, batch {lenet}", (lenet,)),
             ("mlp", f"MLP 784-256-10 training step, batch {mlp}", (mlp,))]
    for op, title, sizes in steps:
        out.append(row(title, op, "f32", sizes))
        out.append(row(f"{title}, captured", f"{op}_captured", "f32", sizes, variants=CAPTURED,
                       aim=("compile", 1.5)))
    out += [
        row("call of add, 1 element: host's time", "launch", "f32", (1,), aim=("over", 0.4e-6)),
        row("the same, recorded", "launch_recorded", "f32", (1,)),
        Row(f"copy to the device, {beside[0] * 4 / 2**20:g} MiB", copy_in, variants=("eager",)),
        Row(f"{beside[2]} matmuls {beside[1]}³ f32", products, variants=("eager",)),
        Row("both at once", name_of("overlap", "f32", *beside), variants=("eager",),
            alone=(copy_in, products)),
    ]
    return out
