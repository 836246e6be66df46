"""How the arguments of the rows that rearrange elements are drawn."""

import math

from oracle import ALL, INTEGERS, Call
from oracle_samples import dtype_of, sample


@sample("reshape")
def reshape(d, name):
    shape = d.shape()
    new = list(shape)
    d.rng.shuffle(new)
    if new and 0 not in new and d.chance(0.3):
        new[d.integer(0, len(new) - 1)] = -1
    return Call((d.tensor(shape, dtype_of(d)), tuple(new)))


@sample("flatten")
def flatten(d, name):
    shape = d.shape()
    start, end = sorted((d.dim(len(shape)) % max(len(shape), 1) for _ in range(2)))
    return Call((d.tensor(shape, dtype_of(d)), start, end))


@sample("transpose")
def transpose(d, name):
    shape = d.shape()
    return Call((d.tensor(shape, dtype_of(d)), d.dim(len(shape)), d.dim(len(shape))))


@sample("permute")
def permute(d, name):
    shape = d.shape()
    return Call((d.tensor(shape, dtype_of(d)), tuple(d.rng.sample(range(len(shape)), len(shape)))))


@sample("expand")
def expand(d, name):
    shape = d.shape()
    x = d.tensor(d.broadcast(shape), dtype_of(d))
    return Call((x, shape))


@sample("sum_to")
def sum_to(d, name):
    shape = d.shape()
    return Call((d.tensor(shape, d.choose("float32", "float64")), d.broadcast(shape)), scale=4)


@sample("select")
def select(d, name):
    shape = tuple(d.integer(1, 4) for _ in range(d.integer(1, 4)))
    dim = d.dim(len(shape))
    return Call((d.tensor(shape, dtype_of(d)), dim, d.integer(-shape[dim], shape[dim] - 1)))


@sample("narrow")
def narrow(d, name):
    shape = tuple(d.integer(1, 5) for _ in range(d.integer(1, 3)))
    dim = d.dim(len(shape))
    start = d.integer(0, shape[dim])
    return Call((d.tensor(shape, dtype_of(d)), dim, start, d.integer(0, shape[dim] - start)))


@sample("squeeze")
def squeeze(d, name):
    shape = d.shape()
    x = d.tensor(shape, dtype_of(d))
    if d.chance(0.4):
        return Call((x,))
    return Call((x, d.dims(len(shape)) or (0,) if shape else 0))


@sample("unsqueeze")
def unsqueeze(d, name):
    shape = d.shape()
    return Call((d.tensor(shape, dtype_of(d)), d.integer(-len(shape) - 1, len(shape))))


@sample("contiguous")
def contiguous(d, name):
    return Call((d.tensor(dtype=dtype_of(d)),))


@sample("cat")
def cat(d, name):
    shape = list(d.shape(1, 4))
    dim = d.dim(len(shape))
    parts = []
    for _ in range(d.integer(1, 4)):
        shape[dim] = d.integer(0, 4)
        parts.append(d.tensor(shape, dtype_of(d, 0.15)))
    return Call((parts, dim))


@sample("stack")
def stack(d, name):
    shape = d.shape(0, 3)
    parts = [d.tensor(shape, dtype_of(d, 0.15)) for _ in range(d.integer(1, 4))]
    return Call((parts, d.integer(-len(shape) - 1, len(shape))))


@sample("hstack", "vstack", "dstack", "column_stack")
def stacks(d, name):
    shape = d.shape(0, 4)
    return Call(([d.tensor(shape, dtype_of(d, 0.15)) for _ in range(d.integer(1, 4))],))


@sample("split", "split_with_sizes", "chunk", "tensor_split", "hsplit", "vsplit", "dsplit")
def split(d, name):
    shape = d.shape(0, 4)
    dim = d.dim(len(shape)) if name in ("split", "split_with_sizes", "chunk", "tensor_split") else (
        {"vsplit": 0, "dsplit": 2}.get(name, 0 if len(shape) == 1 else 1))
    size = shape[dim] if -len(shape) <= dim < len(shape) else 1
    x = d.tensor(shape, dtype_of(d))
    where = d.integer(0, 4) if d.chance(0.5) or name == "chunk" else None
    if name == "split_with_sizes" or (name == "split" and where is None):
        cuts = sorted(d.integer(0, size) for _ in range(d.integer(0, 2)))
        where = [b - a for a, b in zip([0, *cuts], [*cuts, size])]
        if d.chance(0.1):
            where[0] += 1
    elif where is None:
        where = tuple(d.integer(-size - 1, size + 2) for _ in range(d.integer(0, 3)))
    return Call((x, where) if name[1:] == "split" else (x, where, dim))


@sample("unbind")
def unbind(d, name):
    shape = d.shape(0, 3)
    return Call((d.tensor(shape, dtype_of(d)), d.dim(len(shape))))


@sample("view")
def view(d, name):
    shape = d.shape()
    new = [n for n in shape if n != 1 or d.chance(0.5)]
    if new and 0 not in new and d.chance(0.3):
        new[d.integer(0, len(new) - 1)] = -1
    elif len(new) > 1 and d.chance(0.5):
        k = d.integer(0, len(new) - 2)
        new[k:k + 2] = [new[k] * new[k + 1]]
    return Call((d.tensor(shape, dtype_of(d)), tuple(new)))


@sample("unflatten")
def unflatten(d, name):
    shape = list(d.shape(1, 3))
    dim = d.dim(len(shape))
    sizes = [d.integer(1, 3) for _ in range(d.integer(1, 3))]
    shape[dim] = math.prod(sizes)
    if d.chance(0.5):
        sizes[0] = -1
    elif d.chance(0.2):
        sizes[0] += 1
    return Call((d.tensor(shape, dtype_of(d)), dim, sizes))


@sample("ravel")
def ravel(d, name):
    return Call((d.tensor(dtype=dtype_of(d)),))


@sample("movedim", "moveaxis")
def movedim(d, name):
    shape = d.shape()
    source = d.dims(len(shape))
    to = tuple(d.rng.sample(range(len(shape)), len(source)))
    if source and d.chance(0.1):
        to = (to[0],) * len(to)
    return Call((d.tensor(shape, dtype_of(d)), source, to))


@sample("swapaxes", "swapdims")
def swapaxes(d, name):
    return transpose(d, name)


@sample("broadcast_to")
def broadcast_to(d, name):
    return expand(d, name)


@sample("broadcast_tensors")
def broadcast_tensors(d, name):
    shape = d.shape()
    parts = [d.tensor(d.broadcast(shape), dtype_of(d, 0.15)) for _ in range(d.integer(0, 3))]
    return Call(tuple(parts))


@sample("pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
def shuffle(d, name):
    r = d.integer(1, 3)
    up, down = (r, 1) if name == "pixel_shuffle" else (1, r)
    if d.chance(0.05):
        up = down = 1
    if name == "channel_shuffle":
        shape = (d.integer(0, 2), d.integer(1, 3) * r, *d.shape(1, 2))
    else:
        shape = (*d.shape(0, 2, 2), d.integer(1, 2) * up * up, d.integer(1, 3) * down,
                 d.integer(1, 3) * down)
    # Of inputs that are neither NCHW nor NHWC PyTorch keeps some strides.
    if name != "channel_shuffle":  # of images without elements PyTorch's shapes are wrong
        shape = tuple(max(size, 1) for size in shape)
    x = d.tensor(shape, dtype_of(d, 0.15), layout=d.choose("dense", "channels_last"))
    return Call((x, r))


@sample("diagonal")
def diagonal(d, name):
    shape = d.shape(1, 4)
    rank = len(shape)
    return Call((d.tensor(shape, dtype_of(d)), d.integer(-4, 4), d.dim(rank), d.dim(rank)))


@sample("diag_embed")
def diag_embed(d, name):
    shape = d.shape(0, 3)
    rank = len(shape) + 1
    return Call((d.tensor(shape, dtype_of(d)), d.integer(-3, 3), d.dim(rank), d.dim(rank)))


@sample("diag", "diagflat")
def diag(d, name):
    return Call((d.tensor(d.shape(0, 3), dtype_of(d)), d.integer(-4, 4)))


@sample("unfold")
def unfold(d, name):
    shape = d.shape(0, 3)
    dim = d.dim(len(shape))
    size = shape[dim] if shape else 1
    return Call((d.tensor(shape, dtype_of(d)), dim, d.integer(0, size + (d.chance(0.1))),
                 d.integer(0 if d.chance(0.1) else 1, 4)))


@sample("as_strided")
def as_strided(d, name):
    size = d.shape(0, 3, 3)
    stride = tuple(d.integer(0 if d.chance(0.8) else -1, 3) for _ in size)
    offset = d.choose(None, 0, 1, 2)
    # Other layouts have room between the elements, where PyTorch's and ours differ in content.
    return Call((d.tensor(d.shape(0, 3), dtype_of(d), layout=d.choose("dense", "transposed")), size,
                 stride, offset))


@sample("view_dtype")
def view_dtype(d, name):
    shape = (*d.shape(0, 2), d.integer(0, 3) * d.choose(1, 2, 4))
    bits = d.choose(*INTEGERS, "float32", "float64")
    # An offset does not travel by DLPack.
    return Call((d.tensor(shape, d.choose(*ALL), layout=d.choose("dense", "transposed")),
                 "dtype:" + bits))


@sample("tril", "triu", "tril_", "triu_")
def triangle(d, name):
    return Call((d.tensor(d.shape(1, 4), dtype_of(d)), d.integer(-4, 4)))


@sample("flip")
def flip(d, name):
    shape = d.shape()
    dims = d.dims(len(shape))
    return Call((d.tensor(shape, dtype_of(d)), dims + dims[:1] if d.chance(0.1) else dims))


@sample("fliplr", "flipud")
def flip_one(d, name):
    return Call((d.tensor(dtype=dtype_of(d)),))


@sample("roll")
def roll(d, name):
    shape = d.shape()
    if d.chance(0.3):
        return Call((d.tensor(shape, dtype_of(d)), d.integer(-7, 7)))
    dims = tuple(d.dim(len(shape)) for _ in range(d.integer(1, 3)))
    x = d.tensor(shape, dtype_of(d))
    # PyTorch joins parts, of which some no longer look like NHWC.
    return Call((x, tuple(d.integer(-7, 7) for _ in dims), dims),
                strides=x.layout != "channels_last")


@sample("rot90")
def rot90(d, name):
    shape = d.shape(1, 4)
    return Call((d.tensor(shape, dtype_of(d)), d.integer(-5, 5),
                 [d.dim(len(shape)), d.dim(len(shape))]))


@sample("repeat", "tile")
def repeat(d, name):
    shape = d.shape(0, 3)
    count = len(shape) + d.integer(-1 if d.chance(0.2) or name == "tile" else 0, 2)
    return Call((d.tensor(shape, dtype_of(d)), tuple(d.integer(0, 3) for _ in range(count))))


@sample("repeat_interleave")
def repeat_interleave(d, name):
    shape = d.shape(0, 3)
    dim = d.choose(None, d.dim(len(shape))) if shape else None
    size = math.prod(shape) if dim is None else shape[dim]
    if d.chance(0.1):
        return Call((d.tensor((d.integer(0, 4),), d.choose("int64", "int32"), 0, 3),))
    if d.chance(0.4):
        return Call((d.tensor(shape, dtype_of(d)), d.integer(0, 3), dim))
    count = d.choose((size,), (size,), (1,), (), (size + 1,))
    repeats = d.tensor(count, d.choose("int64", "int32"), -1 if d.chance(0.1) else 0, 3)
    if 0 in count or (-1.0 in repeats.values and 0 in shape):
        repeats = 2
    return Call((d.tensor(shape, dtype_of(d)), repeats, dim))


@sample("pad")
def pad(d, name):
    mode = d.choose("constant", "constant", "reflect", "replicate", "circular")
    if mode == "constant":
        shape = d.shape(0, 4)
        pads = [d.integer(-2, 3) for _ in range(2 * d.integer(0, len(shape)))]
        return Call((d.tensor(shape, dtype_of(d)), pads, mode, d.choose(None, 0, 1.5, 2)))
    # PyTorch pads the last one to three dimensions of as many and one or two more.
    padded = d.integer(1, 3)
    shape = tuple(d.integer(1, 5) for _ in range(padded + d.integer(1, 2)))
    pads = [d.integer(0, 3) for _ in range(2 * padded)]
    if mode != "circular" and d.chance(0.2):
        pads[0] = -1
    dtype = d.choose("float32", "float64", "float32", "bfloat16", "float16")
    # PyTorch's strides follow NHWC, NDHWC and more; ours NHWC.
    x = d.tensor(shape, dtype, layout=d.choose("dense", "transposed", "sliced"))
    return Call((x, pads, mode), strides=False)


@sample("meshgrid")
def meshgrid(d, name):
    dtype = dtype_of(d)
    vectors = [d.tensor(d.choose((), (d.integer(0, 4),)), dtype) for _ in range(d.integer(0, 3))]
    indexing = d.choose("ij", "xy")
    return Call(tuple(vectors), {"indexing": indexing})


@sample("cartesian_prod")
def cartesian_prod(d, name):
    dtype = dtype_of(d)
    return Call(tuple(d.tensor((d.integer(0, 4),), dtype) for _ in range(d.integer(0, 3))))


@sample("combinations")
def combinations(d, name):
    return Call((d.tensor((d.integer(0, 5),), dtype_of(d)), d.integer(0, 3), d.chance(0.5)))


@sample("block_diag")
def block_diag(d, name):
    blocks = tuple(d.tensor(d.shape(0, 3 if d.chance(0.1) else 2, 3), dtype_of(d, 0.15))
                   for _ in range(d.integer(0, 3)))
    # PyTorch's gradient forgets the row that a vector without elements takes.
    return Call(blocks, gradient=all(b.shape != (0,) for b in blocks))


@sample("vander")
def vander(d, name):
    return Call((d.tensor((d.integer(0, 4),), dtype_of(d), -2, 2), d.choose(None, 0, 1, 3, 5),
                 d.chance(0.5)), scale=4, gradient=False)  # PyTorch's overwrites what it needs
