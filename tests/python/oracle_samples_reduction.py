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
