"""How the arguments of reductions and scans are drawn."""

import math

from oracle import ALL, FLOATS, INTEGERS, Call
from oracle_samples import dtype_of, sample

ORDERED = (*FLOATS, *INTEGERS)


def joined(shape, dims):
    """How many elements make one of the result."""
    return math.prod(shape[i] for i in (dims or range(len(shape))))


@sample("sum", "mean", "amax", "amin", "nansum", "nanmean")
def reduction(d, name):
    shape = d.shape()
    if name in ("amax", "amin"):
        x = d.distinct(shape, dtype_of(d))
    else:
        special = 0.2 if name.startswith("nan") and d.chance(0.7) else 0
        x = d.tensor(shape, dtype_of(d), special=special)
        x.values = [v if not math.isinf(v) else math.nan for v in x.values]
    dims = d.dims(len(shape))
    kwargs = {"keepdim": d.chance(0.5)} if dims else {}
    if name not in ("amax", "amin") and d.chance(0.15):
        kwargs["dtype"] = "dtype:" + d.choose("float64", "float32", "int64")
    whole = "int64" in kwargs.get("dtype", "")
    if whole:  # NaN as an integer
        x.values = [v if not math.isnan(v) else 1.0 for v in x.values]
    return Call((x, dims), kwargs, torch_args=(x, dims) if dims else (x,), scale=4,
                gradient=not whole and name != "nanmean")


@sample("var", "std", "var_mean", "std_mean")
def variance(d, name):
    shape = d.shape()
    x = d.tensor(shape, dtype_of(d))
    dims = d.dims(len(shape))
    kwargs = {"keepdim": d.chance(0.5)} if dims else {}
    kwargs["correction"] = d.choose(0, 1)
    count = joined(shape, dims)
    # 0 / 0, and so are its gradients; of a single element the root has no second derivative.
    smooth = count > max(1, kwargs["correction"])
    return Call((x, dims), kwargs, torch_args=(x, dims) if dims else (x,), scale=8,
                gradient=smooth)


@sample("vector_norm", "norm")
def norm(d, name):
    shape = d.shape()
    order = d.choose(2.0, 1.0, 0.0, 3.0, 0.5, 1.5, -1.0, math.inf, -math.inf)
    x = d.tensor(shape, dtype_of(d))
    x.values = [v if abs(v) > 0.1 else 0.5 for v in x.values]
    dims = d.dims(len(shape))
    kwargs = {"keepdim": d.chance(0.5)} if dims else {}
    # Of no elements PyTorch's second gradient is NaN for some orders.
    return Call((x, order, dims), kwargs, torch_args=(x, order, dims) if dims else (x, order),
                scale=16, gradient=joined(shape, dims) > 0)


@sample("logsumexp")
def logsumexp(d, name):
    shape = d.shape(1)
    dims = d.dims(len(shape)) or (0,)
    return Call((d.tensor(shape, dtype_of(d)), dims, d.chance(0.5)), scale=4,
                gradient=joined(shape, dims) > 0)


@sample("any", "all", "count_nonzero")
def truth(d, name):
    shape = d.shape()
    x = d.tensor(shape, d.choose(*ALL), 0, 1, special=0.2)
    x.values = [v if d.chance(0.5) else 0.0 for v in x.values]
    dims = d.dims(len(shape))
    kwargs = {"keepdim": d.chance(0.5)} if dims and name != "count_nonzero" else {}
    return Call((x, dims), kwargs, torch_args=(x, dims) if dims else (x,), gradient=False)


@sample("argmax", "argmin", "aminmax")
def along_one_or_all(d, name):
    shape = d.shape()
    x = d.distinct(shape, d.choose(*FLOATS, "int64"))
    if d.chance(0.3):
        return Call((x,))
    kwargs = {"dim": d.dim(len(shape)), "keepdim": d.chance(0.5)}
    return Call((x,), kwargs)


@sample("max", "min")
def of_all(d, name):
    return Call((d.distinct(d.shape(), d.choose(*ORDERED)),))


@sample("max_dim", "min_dim")
def along_one(d, name):
    shape = d.shape()
    return Call((d.distinct(shape, dtype_of(d)), d.dim(len(shape)), d.chance(0.5)))


# ---- Scans

@sample("cumsum", "cumprod", "cumsum_", "cumprod_")
def running_total(d, name):
    shape = d.shape()
    x = d.tensor(shape, dtype_of(d), -2, 2)
    if "prod" in name and d.chance(0.4):
        x.values = [v if d.chance(0.7) else 0.0 for v in x.values]
    kwargs = {}
    if not name.endswith("_") and d.chance(0.15):
        kwargs["dtype"] = "dtype:" + d.choose("float64", "float32", "int64")
    return Call((x, d.dim(len(shape))), kwargs, scale=8, gradient="int64" not in str(kwargs))


@sample("cummax", "cummin")
def running_extremum(d, name):
    shape = d.shape()
    x = d.tensor(shape, dtype_of(d), special=0.1 if d.chance(0.2) else 0)
    return Call((x, d.dim(len(shape))))


@sample("logcumsumexp")
def logcumsumexp(d, name):
    shape = d.shape()
    # PyTorch takes the logarithm of the gradient: where that is 0 its second gradient is NaN.
    return Call((d.tensor(shape, d.choose(*FLOATS)), d.dim(len(shape))), scale=8, gradient=False)


@sample("prod")
def prod(d, name):
    shape = d.shape()
    x = d.tensor(shape, dtype_of(d), -2, 2)
    if d.chance(0.4):
        x.values = [v if d.chance(0.7) else 0.0 for v in x.values]
    if d.chance(0.3):
        return Call((x,), scale=8)
    return Call((x, d.dim(len(shape)), d.chance(0.5)), scale=8)


@sample("diff")
def diff(d, name):
    shape = d.shape(1)
    dtype = dtype_of(d)
    dim = d.dim(len(shape))
    kwargs = {"n": d.choose(0, 1, 1, 2, 3), "dim": dim}
    for end in ("prepend", "append"):
        if kwargs["n"] > 0 and d.chance(0.3):
            sizes = list(shape)
            sizes[dim] = d.integer(1, 2)
            kwargs[end] = d.tensor(sizes, dtype)
    return Call((d.tensor(shape, dtype),), kwargs, scale=4, strides=False)


@sample("trapezoid")
def trapezoid(d, name):
    shape = d.shape(1)
    dtype = d.choose("float32", "float64", "float32", "int64")
    dim = d.dim(len(shape))
    y = d.tensor(shape, dtype)
    if d.chance(0.4):
        return Call((y,), {"dx": d.choose(1.0, 0.5), "dim": dim}, scale=4, strides=False)
    x = d.tensor((shape[dim],) if d.chance(0.5) else shape, dtype)
    return Call((y, x), {"dim": dim}, scale=4, strides=False)


# ---- Order

@sample("median", "nanmedian")
def median_of_all(d, name):
    x = d.distinct(d.shape(), d.choose(*FLOATS))
    return Call((x,), gradient=len(x.values) > 0)


@sample("median_dim", "nanmedian_dim")
def median_along_one(d, name):
    shape = d.shape()
    return Call((d.distinct(shape, d.choose("float32", "float64")), d.dim(len(shape)),
                 d.chance(0.5)), strides=False)


@sample("mode")
def mode(d, name):
    shape = d.shape()
    if d.chance(0.5):
        x = d.distinct(shape, "float64")
        return Call((x, d.dim(len(shape)), d.chance(0.5)), strides=False)
    # PyTorch's place is the last one of short slices alone.
    shape = tuple(min(size, 9) for size in shape)
    return Call((d.tensor(shape, d.choose(*INTEGERS, "float32"), 0, 3), d.dim(len(shape))),
                strides=False, gradient=False)


@sample("quantile", "nanquantile")
def quantile(d, name):
    shape = d.shape()
    dtype = d.choose("float32", "float64", "float32", "float16")
    x = d.distinct(shape, dtype)
    if name == "nanquantile" or d.chance(0.1):
        x.values = [v if d.chance(0.8) else math.nan for v in x.values]
    q = d.choose(0.0, 0.3, 0.5, 1.0, 1.25)
    if d.chance(0.5):
        q = d.tensor(d.choose((), (1,), (3,)), dtype, 0.05, 0.95, layout="dense")
    kwargs = {"interpolation": d.choose("linear", "lower", "higher", "midpoint", "nearest")}
    if d.chance(0.7):
        kwargs |= {"dim": d.dim(len(shape)), "keepdim": d.chance(0.5)}
    elif d.chance(0.3):
        kwargs["keepdim"] = True
    return Call((x, q), kwargs, scale=8, strides=False, gradient=False)
