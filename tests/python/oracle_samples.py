"""How the arguments of each row are drawn: one function a row, by the row's name."""

import math

from oracle import ALL, FLOATS, INTEGERS, Call, Drawn

SAMPLES = {}


def sample(*names):
    def register(function):
        for name in names:
            SAMPLES[name] = function
        return function
    return register


def dtype_of(d, odd=0.25):
    """Mostly f32 and f64, whose gradients are compared."""
    return d.choose(*ALL) if d.chance(odd) else d.choose("float32", "float64")


# ---- One tensor

# Where ordinary arguments lie, for functions that are not defined everywhere or grow fast.
DOMAIN = {"log": (0.05, 9), "log2": (0.05, 9), "log10": (0.05, 9), "log1p": (-0.9, 9),
          "sqrt": (0.05, 9), "rsqrt": (0.05, 9), "reciprocal": (0.2, 4), "tan": (-1.3, 1.3),
          "asin": (-0.95, 0.95), "acos": (-0.95, 0.95), "acosh": (1.05, 9), "atanh": (-0.95, 0.95),
          "erfinv": (-0.95, 0.95), "lgamma": (0.1, 9), "digamma": (0.1, 9)}
# NaN at infinities in PyTorch, on some paths.
FINITE = ("gelu", "silu", "swish", "mish", "hardswish")


@sample("exp2", "expm1", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan",
        "sinh", "cosh", "asinh", "acosh", "atanh", "deg2rad", "rad2deg", "erfc", "erfinv",
        "lgamma", "digamma", "exp", "log", "sqrt", "rsqrt", "reciprocal", "square", "tanh", "sigmoid", "erf", "neg",
        "abs", "sign", "positive", "floor", "ceil", "trunc", "frac", "isnan", "isinf", "isfinite",
        "isposinf", "isneginf", "signbit", "logical_not", "silu", "swish", "mish", "gelu",
        "softsign", "selu", "relu", "relu6", "hardswish", "clone")
def unary(d, name):
    low, high = DOMAIN.get(name, (-4, 4))
    special = 0.1 if d.chance(0.2) else 0.0
    x = d.tensor(dtype=dtype_of(d), low=low, high=high, special=special)
    if name in FINITE:
        x.values = [min(max(v, -50.0), 50.0) for v in x.values]
    return Call((x,), gradient=special == 0)


@sample("sinc")
def sinc(d, name):
    # The second derivative of both cancels in f32.
    dtype = d.choose(*ALL) if d.chance(0.3) else "float64"
    return Call((d.tensor(dtype=dtype),), gradient=dtype == "float64", scale=2)


@sample("tanhshrink")
def tanhshrink(d, name):
    # A difference of near numbers, which PyTorch forms in half types.
    dtype = d.choose("float32", "float64", *INTEGERS)
    return Call((d.tensor(dtype=dtype),), scale=2)


@sample("logsigmoid", "hardsigmoid")
def other_strides(d, name):
    # PyTorch's logsigmoid gives dense strides; its hardsigmoid has no second derivative.
    return Call((d.tensor(dtype=dtype_of(d)),), gradient=name == "logsigmoid",
                strides=name != "logsigmoid")


@sample("bitwise_not", "bitwise_not_")
def bitwise_not(d, name):
    return Call((d.tensor(dtype=d.choose(*INTEGERS, "bool", "float32")),))


@sample("exp2_", "expm1_", "log2_", "log10_", "log1p_", "sin_", "cos_", "tan_", "atan_", "sinh_",
        "cosh_", "sinc_", "deg2rad_", "rad2deg_", "erfc_", "lgamma_", "digamma_",
        "exp_", "log_", "sqrt_", "rsqrt_", "reciprocal_", "square_", "tanh_", "sigmoid_", "erf_",
        "relu_", "zero_")
def unary_in_place(d, name):
    return Call((d.tensor(dtype=dtype_of(d), low=0.05, high=4),))


@sample("asinh_")
def asinh_in_place(d, name):
    return Call((d.tensor(dtype=dtype_of(d)),), gradient=False)  # PyTorch has none in place


@sample("asin_", "acos_", "atanh_", "erfinv_", "acosh_")
def of_a_domain_in_place(d, name):
    low, high = DOMAIN[name[:-1]]
    return Call((d.tensor(dtype=dtype_of(d), low=low, high=high),),
                gradient=name not in ("acosh_", "atanh_"))  # PyTorch has none of these in place


@sample("neg_", "abs_", "sign_", "floor_", "ceil_", "trunc_", "frac_", "selu_")
def of_either_sign_in_place(d, name):
    return Call((d.tensor(dtype=dtype_of(d)),))


@sample("logical_not_")
def logical_not_in_place(d, name):
    return Call((d.tensor(dtype=d.choose(*ALL)),), gradient=False)


@sample("round", "round_")
def rounding(d, name):
    if d.chance(0.4):
        return Call((d.tensor(dtype=dtype_of(d), low=-30, high=30),))
    # PyTorch takes `decimals` by name; in half types it rounds on the way.
    decimals = d.choose(0, 1, 2, -1)
    x = d.tensor(dtype=d.choose("float32", "float64"), low=-300, high=300)
    return Call((x,), {"decimals": decimals})


@sample("nan_to_num", "nan_to_num_")
def nan_to_num(d, name):
    x = d.tensor(dtype=dtype_of(d), special=0.3)
    kwargs = {} if d.chance(0.4) else {
        "nan": d.choose(0.0, 1.5), "posinf": d.choose(None, 7.0), "neginf": d.choose(None, -7.0)}
    return Call((x,), kwargs)


@sample("logit", "logit_")
def logit(d, name):
    x = d.tensor(dtype=d.choose("float32", "float64", "float16"), low=0.05, high=0.95)
    return Call((x,) if d.chance(0.5) else (x, d.choose(1e-3, 0.2)), scale=2)


@sample("fill_")
def fill_(d, name):
    return Call((d.tensor(dtype=dtype_of(d)), d.number()))


# ---- Activations with parameters

@sample("leaky_relu", "leaky_relu_")
def leaky_relu(d, name):
    slopes = (0.01, 0.2, 0) if name.endswith("_") else (0.01, 0.2, 0, -0.3)
    return Call((d.tensor(dtype=dtype_of(d)), d.choose(*slopes)))


@sample("elu", "elu_")
def elu(d, name):
    alphas = (1.0, 0.5) if name.endswith("_") else (1.0, 0.5, -0.3)
    return Call((d.tensor(dtype=dtype_of(d)), d.choose(*alphas)))


@sample("celu", "celu_")
def celu(d, name):
    return Call((d.tensor(dtype=dtype_of(d)), d.choose(1.0, 0.5, 2.0)), scale=2)


@sample("softplus")
def softplus(d, name):
    return Call((d.tensor(dtype=dtype_of(d), low=-8, high=8), d.choose(1, 2, 0.5),
                 d.choose(20, 3)))


@sample("hardtanh", "hardtanh_")
def hardtanh(d, name):
    limits = d.choose((-1.0, 1.0), (-0.7, 2.3), (0.0, 6.0))
    if name == "hardtanh" and d.chance(0.1):
        limits = (2.0, 1.0)  # which PyTorch refuses, but not in place
    return Call((d.tensor(dtype=dtype_of(d)), *limits))


@sample("hardshrink", "softshrink")
def shrink(d, name):
    return Call((d.tensor(dtype=dtype_of(d)), d.choose(0.5, 1.25, 0.0)))


@sample("threshold", "threshold_")
def threshold(d, name):
    return Call((d.tensor(dtype=dtype_of(d)), d.choose(0.3, -1.0), d.choose(0.0, 5.0)))


@sample("prelu")
def prelu(d, name):
    shape = d.shape()
    dtype = d.choose(*FLOATS)
    channels = shape[1] if len(shape) > 1 else 1
    return Call((d.tensor(shape, dtype), d.tensor((d.choose(1, channels),), dtype)), scale=4,
                strides=False)


@sample("rrelu", "rrelu_")
def rrelu(d, name):
    # PyTorch's gives dense strides.
    return Call((d.tensor(dtype=d.choose(*FLOATS)), 0.25, d.choose(0.25, 0.5)), strides=False)


@sample("glu")
def glu(d, name):
    shape = list(d.shape(1, 3))
    dim = d.dim(len(shape))
    if d.chance(0.8):
        shape[dim] *= 2
    return Call((d.tensor(shape, d.choose(*FLOATS)), dim), scale=2, strides=False)


# ---- Gradients as functions

@sample("tanh_backward", "sigmoid_backward", "silu_backward", "swish_backward", "mish_backward",
        "gelu_backward", "hardsigmoid_backward", "hardswish_backward")
def backward(d, name):
    shape, dtype = d.shape(), d.choose("float32", "float64")
    args = (d.tensor(shape, dtype), d.tensor(shape, dtype))
    by_tanh = name == "gelu_backward" and d.chance(0.5)
    # PyTorch's explicit gradients have no gradients of their own, but for some.
    return Call(args, {"approximate": "tanh"} if by_tanh else {}, gradient=False, scale=4)


@sample("softplus_backward", "hardtanh_backward", "threshold_backward", "hardshrink_backward",
        "softshrink_backward", "leaky_relu_backward", "elu_backward", "glu_backward")
def backward_with_parameters(d, name):
    shape, dtype = d.shape(), d.choose("float32", "float64")
    grad, x = d.tensor(shape, dtype), d.tensor(shape, dtype)
    torch_args = None
    if name == "softplus_backward":
        args = (grad, x, 2.0, 3.0)
    elif name == "hardtanh_backward":
        args = (grad, x, -0.7, 2.3)
    elif name == "leaky_relu_backward":
        args = (grad, x, 0.2)
        torch_args = (*args, False)
    elif name == "elu_backward":
        args = (grad, x, 0.5)
        torch_args = (grad, 0.5, 1.0, 1.0, False, x)
    elif name == "glu_backward":
        wide = (*shape, 4)
        args = (d.tensor((*shape, 2), dtype), d.tensor(wide, dtype), -1)
    else:
        args = (grad, x, 0.5)
    return Call(args, torch_args=torch_args, gradient=False, scale=4, strides=False)


# ---- Two tensors

@sample("add", "sub", "mul", "div", "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge")
def binary(d, name):
    shape = d.shape()
    apart = name in ("maximum", "minimum")
    a = d.tensor(shape, dtype_of(d), special=0.05 if d.chance(0.2) else 0)
    if d.chance(0.25) and not apart:
        b = d.number()
    else:
        b = d.tensor(d.broadcast(shape), dtype_of(d))
    if name == "div":
        kwargs = {} if d.chance(0.6) else {"rounding_mode": d.choose(None, "floor", "trunc")}
        if not isinstance(b, (int, float)):
            b.values = [v if abs(v) > 0.2 else 1.0 for v in b.values]
        return Call((a, b), kwargs)
    if name in ("add", "sub") and d.chance(0.4):
        return Call((a, b), {"alpha": d.choose(1, 2, -3, 0.5, True)})
    return Call((a, b), gradient=not apart)


@sample("pow")
def power(d, name):
    shape = d.shape()
    a = d.tensor(shape, dtype_of(d), low=0.2, high=3)
    b = d.choose(0, 1, 2, 3, 0.5, 2.5) if d.chance(0.5) else d.tensor(
        d.broadcast(shape), dtype_of(d), low=0, high=3)
    # PyTorch subtracts 1 from an exponent in its own dtype: that rounds halves, wraps unsigned ones.
    odd = 0.0 in a.values or getattr(b, "dtype", "float64") not in ("float32", "float64")
    return Call((a, b), gradient=not odd)


@sample("add_", "sub_", "mul_", "div_")
def binary_in_place(d, name):
    shape = d.shape()
    b = d.number() if d.chance(0.3) else d.tensor(d.broadcast(shape), dtype_of(d), low=0.5, high=4)
    if name == "div_" and isinstance(b, (bool, int)) and not b:
        b = 2
    kwargs = {}
    if name in ("add_", "sub_") and d.chance(0.3):
        kwargs["alpha"] = d.choose(1, 2, -3, 0.5, True)
    elif name == "div_" and d.chance(0.4):
        kwargs["rounding_mode"] = d.choose(None, "floor", "trunc")
    return Call((d.tensor(shape, dtype_of(d)), b), kwargs)


@sample("copy_")
def copy_(d, name):
    shape = d.shape()
    return Call((d.tensor(shape, d.choose(*ALL)), d.tensor(d.broadcast(shape), dtype_of(d))))


@sample("where")
def where(d, name):
    shape = d.shape()
    a, b = (d.number() if d.chance(0.3) else d.tensor(d.broadcast(shape), dtype_of(d))
            for _ in range(2))
    return Call((d.tensor(shape, "bool"), a, b))


@sample("clamp", "clamp_")
def clamp(d, name):
    low, high = d.choose(None, -1, -0.7, 0), d.choose(None, 1, 1.3, 2)
    shape = d.shape()
    if d.chance(0.3):  # PyTorch takes two numbers or two tensors
        dtype = d.choose("float32", "float64")
        return Call((d.tensor(shape, dtype), d.tensor(shape, dtype),
                     None if d.chance(0.3) else d.tensor(shape, dtype)))
    return Call((d.tensor(shape, dtype=dtype_of(d)), low, high))


@sample("clamp_min", "clamp_max", "clamp_min_", "clamp_max_")
def one_limit(d, name):
    shape = d.shape()
    x = d.tensor(shape, dtype_of(d))
    if d.chance(0.5):
        return Call((x, d.choose(-1, 1, 0.7)))
    return Call((x, d.tensor(d.broadcast(shape), dtype_of(d))), gradient=False)


# ---- Reductions

@sample("softmax", "softmin", "log_softmax")
def softmax(d, name):
    shape = d.shape()
    return Call((d.tensor(shape, d.choose(*FLOATS)), d.dim(len(shape))), scale=4)


# ---- Products

@sample("matmul")
def matmul(d, name):
    n, k, m = (d.choose(1, 2, 3, 5, 17) for _ in range(3))
    batch = d.shape(0, 2, 3)
    dtype = d.choose("float32", "float64", "float32", "float16", "bfloat16", "int64")
    a = (k,) if d.chance(0.2) else (*d.broadcast(batch), n, k)
    b = (k,) if d.chance(0.2) else (*d.broadcast(batch), k, m)
    return Call((d.tensor(a, dtype, -2, 2), d.tensor(b, dtype, -2, 2)), scale=8, strides=False)


@sample("linear")
def linear(d, name):
    k, m = d.choose(1, 3, 8, 17), d.choose(1, 2, 5, 16)
    dtype = d.choose(*FLOATS)
    bias = d.tensor((m,), dtype) if d.chance(0.6) else None
    return Call((d.tensor((*d.shape(0, 2), k), dtype, -2, 2), d.tensor((m, k), dtype, -2, 2), bias),
                scale=8, strides=False)


@sample("conv2d")
def conv2d(d, name):
    groups = d.choose(1, 1, 2)
    channels, filters = groups * d.integer(1, 3), groups * d.integer(1, 3)
    kernel = (d.integer(1, 3), d.integer(1, 3))
    image = (d.integer(5, 9), d.integer(5, 9))
    dtype = d.choose("float32", "float64", "float32", "bfloat16")
    x = d.tensor((d.integer(1, 3), channels, *image), dtype, -1, 1)
    w = d.tensor((filters, channels // groups, *kernel), dtype, -1, 1)
    bias = d.tensor((filters,), dtype) if d.chance(0.6) else None
    stride = d.choose(1, 2, (1, 2))
    padding = d.choose(0, 1, (1, 0))
    return Call((x, w, bias, stride, padding, d.choose(1, 2), groups), scale=8, strides=False)


# ---- Pooling

@sample("max_pool2d", "avg_pool2d")
def pool(d, name):
    shape = (d.integer(1, 2), d.integer(1, 3), d.integer(5, 9), d.integer(5, 9))
    dtype = d.choose("float32", "float64", "float32", "bfloat16")
    kernel = d.integer(2, 3)
    kwargs = {"stride": d.choose(1, 2, 3), "padding": d.choose(0, 1),
              "ceil_mode": d.chance(0.3)}
    if name == "avg_pool2d":
        kwargs["count_include_pad"] = d.chance(0.5)
    elif d.chance(0.3):
        kwargs["dilation"] = 2
    return Call((d.distinct(shape, dtype), kernel), kwargs)


# ---- Normalisation, losses

@sample("layer_norm")
def layer_norm(d, name):
    normalized = tuple(d.integer(2, 6) for _ in range(d.integer(1, 2)))
    dtype = d.choose("float32", "float64", "float32", "bfloat16")
    weight = d.tensor(normalized, dtype) if d.chance(0.6) else None
    bias = d.tensor(normalized, dtype) if weight and d.chance(0.8) else None
    return Call((d.tensor((*d.shape(0, 2), *normalized), dtype), normalized, weight, bias, 1e-3),
                scale=30)


@sample("batch_norm")
def batch_norm(d, name):
    shape = (d.integer(2, 4), d.integer(1, 4), *d.shape(0, 2))
    channels = (shape[1],)
    training = d.chance(0.6)
    dtype = d.choose("float32", "float64")
    mean, var = d.tensor(channels, dtype), d.tensor(channels, dtype, 0.5, 2)
    if training and d.chance(0.3):
        mean = var = None
    weight = d.tensor(channels, dtype) if d.chance(0.7) else None
    bias = d.tensor(channels, dtype) if weight else None
    return Call((d.tensor(shape, dtype), mean, var, weight, bias, training, 0.1, 1e-3), scale=30,
                gradient=False)


@sample("cross_entropy")
def cross_entropy(d, name):
    n, classes = d.integer(1, 6), d.integer(2, 9)
    extra = d.shape(0, 2, 3)
    dtype = d.choose("float32", "float64", "float32", "bfloat16")
    target = d.tensor((n, *extra), "int64", 0, classes - 1)
    kwargs = {"reduction": d.choose("mean", "sum", "none"),
              "label_smoothing": d.choose(0.0, 0.0, 0.1)}
    if d.chance(0.3):
        kwargs["ignore_index"] = 0
    return Call((d.tensor((n, classes, *extra), dtype), target), kwargs, scale=8)


@sample("mse_loss", "l1_loss", "smooth_l1_loss", "binary_cross_entropy")
def loss(d, name):
    shape = d.shape(1, 3)
    dtype = d.choose(*FLOATS)
    low, high = (0.05, 0.95) if name == "binary_cross_entropy" else (-3, 3)
    return Call((d.tensor(shape, dtype, low, high), d.tensor(shape, dtype, low, high)),
                {"reduction": d.choose("mean", "sum", "none")}, scale=8)


# ---- Lookups

@sample("embedding")
def embedding(d, name):
    rows = d.integer(1, 6)
    ids = d.tensor(d.shape(0, 2), d.choose("int64", "int32"), 0, rows - 1)
    return Call((ids, d.tensor((rows, d.integer(1, 5)), d.choose(*FLOATS))),
                gradient=0 not in ids.shape)  # PyTorch's second gradient fails for none


@sample("gather")
def gather(d, name):
    shape = tuple(d.integer(1, 4) for _ in range(d.integer(1, 3)))
    dim = d.dim(len(shape))
    index = [d.integer(1, n) for n in shape]
    index[dim] = d.integer(1, 6)
    return Call((d.tensor(shape, dtype_of(d)), dim,
                 d.tensor(index, "int64", 0, shape[dim] - 1)))


@sample("index_select")
def index_select(d, name):
    shape = tuple(d.integer(1, 4) for _ in range(d.integer(1, 3)))
    dim = d.dim(len(shape))
    return Call((d.tensor(shape, dtype_of(d)), dim,
                 d.tensor((d.integer(0, 5),), "int64", 0, shape[dim] - 1)))


@sample("index_put_", "index_put")
def index_put(d, name):
    shape = d.shape(least=1)
    dtype = dtype_of(d)
    accumulate = d.chance(0.5)
    if d.chance(0.3):
        mask = d.tensor(shape[:d.integer(1, len(shape))], "bool")
        held = int(sum(mask.values))
        named = (held, *shape[len(mask.shape):])
        values = () if d.chance(0.4) else named
        return Call((d.tensor(shape, dtype), [mask], d.tensor(values, dtype), accumulate), scale=2)
    dims = d.integer(1, len(shape))
    # Without accumulate every place is named once: PyTorch leaves open which value it takes.
    places = [list(range(n)) for n in shape[:dims]]
    for p in places:
        d.rng.shuffle(p)
    count = min(len(p) for p in places)
    if accumulate and count:
        count = d.integer(1, 9)
        places = [[d.integer(-n, n - 1) for _ in range(count)] for n in shape[:dims]]
    indices = [Drawn([float(i) for i in p[:count]], (count,), "int64", d.layout()) for p in places]
    values = d.tensor(d.broadcast((count, *shape[dims:])), dtype)
    return Call((d.tensor(shape, dtype), indices, values, accumulate), scale=2)


@sample("histc")
def histc(d, name):
    low, high = d.choose((0, 0), (-3, 3), (-1.5, 2), (2, 2))
    x = d.tensor(dtype=d.choose("float32", "float64", "int64"), low=-4, high=4)
    return Call((x, d.integer(0, 12), low, high), gradient=False)


@sample("bincount")
def bincount(d, name):
    shape = (d.choose(0, 1, 7, 40),) if d.chance(0.9) else d.shape()
    x = d.tensor(shape, d.choose("int64", "int32", "uint8", "int8", "float32"), low=0, high=9)
    weights = d.tensor(shape, d.choose(*ALL)) if d.chance(0.5) else None
    return Call((x, weights, d.integer(0, 15)), gradient=False)


@sample("nonzero")
def nonzero(d, name):
    return Call((d.tensor(dtype=d.choose(*ALL), low=-1, high=1),), strides=False)


# ---- Types and factories

@sample("to")
def to(d, name):
    x = d.tensor(dtype=d.choose(*ALL), low=0, high=100)
    return Call((x, "dtype:" + d.choose(*ALL)))


def form(d):
    """Of what is made like a tensor: another dtype and a need for gradients."""
    kwargs = {}
    if d.chance(0.3):
        kwargs["dtype"] = "dtype:" + d.choose(*ALL)
    if d.chance(0.2):
        kwargs["requires_grad"] = True
    return kwargs


@sample("zeros_like", "ones_like", "empty_like")
def like(d, name):
    return Call((d.tensor(dtype=d.choose(*FLOATS, *INTEGERS)),), form(d), gradient=False)


@sample("rand_like", "randn_like")
def random_like(d, name):
    kwargs = {"dtype": "dtype:" + d.choose(*FLOATS)} if d.chance(0.5) else {}
    return Call((d.tensor(dtype=d.choose(*FLOATS, "int64") if kwargs else d.choose(*FLOATS)),),
                kwargs, gradient=False)


@sample("full_like")
def full_like(d, name):
    return Call((d.tensor(dtype=d.choose(*FLOATS, *INTEGERS)), d.integer(0, 2)), form(d),
                gradient=False)
