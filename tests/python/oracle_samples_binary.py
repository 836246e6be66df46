"""Draws for functions of two and three operands beyond the four of arithmetic."""

from oracle import ALL, FLOATS, INTEGERS, Call
from oracle_samples import dtype_of, sample

COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge", "not_equal", "less", "less_equal", "greater",
               "greater_equal"]


def other_of(d, shape, dtype, numbers=0.25, **kwargs):
    """A tensor that broadcasts with `shape`, or a number."""
    return d.number() if d.chance(numbers) else d.tensor(d.broadcast(shape), dtype, **kwargs)


def without_zeros(drawn):
    """Division by it is defined, and far from a pole."""
    if isinstance(drawn, (bool, int, float)):
        return drawn if abs(drawn) > 0.2 else 2
    drawn.values = [v if abs(v) > 0.2 else 1.0 for v in drawn.values]
    return drawn


# ---- Arithmetic

@sample("subtract", "multiply", "divide", "true_divide", "rsub")
def long_names(d, name):
    shape = d.shape()
    a = d.tensor(shape, dtype_of(d))
    return Call((a, without_zeros(other_of(d, shape, dtype_of(d)))))


@sample("subtract_", "multiply_", "divide_", "true_divide_")
def long_names_in_place(d, name):
    shape = d.shape()
    return Call((d.tensor(shape, dtype_of(d)), without_zeros(other_of(d, shape, dtype_of(d)))))


@sample("addcmul", "addcdiv", "addcmul_", "addcdiv_")
def ternary(d, name):
    shape = d.shape()
    dtypes = ["float32", "float64"] if d.chance(0.7) else [*FLOATS, *INTEGERS, "bool"]
    x, a, b = (d.tensor(shape if k == 0 else d.broadcast(shape), d.choose(*dtypes))
               for k in range(3))
    if "div" in name:
        b = without_zeros(b)
    whole = not any(t.dtype in FLOATS for t in (x, a, b))
    value = d.choose(1, 2, -1, True) if whole else d.choose(1, 2, -1, 0.5, True)
    # PyTorch's half types round between the steps.
    return Call((x, a, b), {"value": value} if d.chance(0.7) else {}, scale=2)


# ---- Division

@sample("floor_divide", "remainder", "fmod", "floor_divide_", "remainder_", "fmod_")
def division(d, name):
    shape = d.shape()
    dtypes = FLOATS + INTEGERS if d.chance(0.5) else ["float32", "float64"]
    a = d.tensor(shape, d.choose(*dtypes), special=0.1 if d.chance(0.2) else 0, low=-30, high=30)
    b = other_of(d, shape, d.choose(*dtypes), special=0.1 if d.chance(0.1) else 0)
    if d.chance(0.85):
        b = without_zeros(b)
    # PyTorch has no gradient of a quotient rounded down, nor one of halves' remainders in f32.
    return Call((a, b), gradient="floor" not in name)


# ---- Logic

@sample("logical_and", "logical_or", "logical_xor", "logical_and_", "logical_or_", "logical_xor_")
def logical(d, name):
    shape = d.shape()
    a = d.tensor(shape, d.choose(*ALL), low=-1.5, high=1.5, special=0.2)
    return Call((a, d.tensor(d.broadcast(shape), d.choose(*ALL), low=-1.5, high=1.5, special=0.2)),
                gradient=False)


@sample("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_and_", "bitwise_or_", "bitwise_xor_")
def bitwise(d, name):
    shape = d.shape()
    dtypes = [*INTEGERS, "bool", "bool"] if d.chance(0.9) else ALL
    return Call((d.tensor(shape, d.choose(*dtypes), low=-100, high=100),
                 d.choose(1, 6, True) if d.chance(0.2) else d.tensor(
                     d.broadcast(shape), d.choose(*dtypes), low=-100, high=100)))


@sample("bitwise_left_shift", "bitwise_right_shift", "bitwise_left_shift_", "bitwise_right_shift_")
def shift(d, name):
    shape = d.shape()
    return Call((d.tensor(shape, d.choose(*INTEGERS), low=-100, high=100),
                 d.choose(0, 1, 3) if d.chance(0.2) else d.tensor(
                     d.broadcast(shape), d.choose(*INTEGERS), low=-3, high=70)))


@sample("gcd", "lcm", "gcd_", "lcm_")
def divisor(d, name):
    shape = d.shape()
    dtypes = INTEGERS if d.chance(0.9) else ALL
    return Call((d.tensor(shape, d.choose(*dtypes), low=-100, high=100),
                 d.tensor(d.broadcast(shape), d.choose(*dtypes), low=-100, high=100)))


# ---- Comparisons

@sample(*COMPARISONS[6:], *(name + "_" for name in COMPARISONS))
def comparison(d, name):
    shape = d.shape()
    a = d.tensor(shape, dtype_of(d), special=0.1 if d.chance(0.2) else 0)
    b = d.number() if d.chance(0.25) else d.tensor(d.broadcast(shape), dtype_of(d))
    return Call((a, b), gradient=a.dtype in ("float32", "float64"))


@sample("isclose", "allclose", "equal")
def closeness(d, name):
    shape = d.shape()
    dtype = d.choose(*FLOATS, *INTEGERS, "bool")
    a = d.tensor(shape, dtype, special=0.2 if d.chance(0.5) else 0)
    b = d.tensor(shape if d.chance(0.7) else d.broadcast(shape), dtype)
    if d.chance(0.7) and len(a.values) == len(b.values):
        b.values = [v + d.choose(0, 0, 1e-6, 1e-3) for v in a.values]
    if d.chance(0.1):
        b.dtype = d.choose(*ALL)
    if name == "equal":
        return Call((a, b), gradient=False)
    kwargs = {} if d.chance(0.5) else {"rtol": d.choose(0, 1e-4, 0.01), "atol": d.choose(0, 1e-3, 1),
                                       "equal_nan": d.chance(0.5)}
    return Call((a, b), kwargs, gradient=False)


# ---- Choices

@sample("fmax", "fmin")
def number_before_nan(d, name):
    shape = d.shape()
    special = 0.3 if d.chance(0.5) else 0
    if special == 0 and d.chance(0.5):
        return Call((d.distinct(shape, "float64"), d.distinct(shape, "float64")))
    dtype = d.choose("float32", "float64")
    if special:  # of one shape, so that ties are ties on both sides
        return Call((d.tensor(shape, dtype, special=special),
                     d.tensor(shape, dtype, special=special)))
    return Call((d.tensor(shape, d.choose(*ALL)), d.tensor(d.broadcast(shape), d.choose(*ALL))),
                gradient=False)


@sample("heaviside", "heaviside_")
def heaviside(d, name):
    shape, dtype = d.shape(), d.choose(*ALL)
    a = d.tensor(shape, dtype, special=0.4)
    return Call((a, d.tensor(d.broadcast(shape), dtype if d.chance(0.9) else d.choose(*ALL))),
                gradient=False)  # PyTorch has none


@sample("lerp", "lerp_")
def lerp(d, name):
    shape = d.shape()
    dtype = d.choose("float32", "float64", *FLOATS, "int64")
    weight = d.choose(0.3, 0.75, 0, 1, 2, -0.6) if d.chance(0.4) else d.tensor(
        d.broadcast(shape), dtype if d.chance(0.9) else d.choose(*ALL))
    return Call((d.tensor(shape, dtype),
                 d.tensor(d.broadcast(shape), dtype if d.chance(0.95) else "float64"), weight),
                scale=4)


# ---- Functions of two numbers

@sample("atan2", "hypot", "logaddexp", "logaddexp2", "atan2_", "hypot_")
def smooth(d, name):
    shape = d.shape()
    special = 0.2 if d.chance(0.2) else 0
    a = d.tensor(shape, dtype_of(d), special=special)
    b = d.tensor(d.broadcast(shape), dtype_of(d), special=special)
    for x in (a, b):  # of two infinities PyTorch's atan2 is NaN on some paths
        x.values = [50.0 if abs(v) == float("inf") else v for v in x.values]
    smooth = special == 0 and 0.0 not in a.values + b.values and all(
        x.dtype in ("float32", "float64") for x in (a, b))
    # Sums of logarithms cancel.
    return Call((a, b), gradient=smooth, scale=4)


@sample("copysign", "copysign_")
def copysign(d, name):
    shape = d.shape()
    a = d.tensor(shape, dtype_of(d), special=0.2 if d.chance(0.3) else 0)
    a.values = [0.0 if v != v else v for v in a.values]
    # PyTorch's second gradient is NaN at 0, its first at infinity.
    return Call((a, other_of(d, shape, dtype_of(d))),
                gradient=not any(abs(v) == float("inf") or v == 0 for v in a.values))


@sample("nextafter", "nextafter_")
def nextafter(d, name):
    shape = d.shape()
    dtype = d.choose(*FLOATS)
    special = 0.3 if d.chance(0.5) else 0
    return Call((d.tensor(shape, dtype, special=special),
                 d.tensor(d.broadcast(shape), dtype, special=special)), gradient=special == 0)


@sample("xlogy", "xlogy_")
def xlogy(d, name):
    shape = d.shape()
    a = d.tensor(shape, dtype_of(d), special=0.3 if d.chance(0.3) else 0)
    b = d.choose(0.5, 2, 3) if d.chance(0.2) else d.tensor(d.broadcast(shape), dtype_of(d), 0.1, 4)
    return Call((a, b), gradient=not any(abs(v) == float("inf") or v != v for v in a.values),
                scale=2)


@sample("ldexp", "ldexp_")
def ldexp(d, name):
    shape = d.shape()
    return Call((d.tensor(shape, dtype_of(d), special=0.2 if d.chance(0.2) else 0),
                 d.tensor(d.broadcast(shape), d.choose(*INTEGERS, "float32"), -5, 6)))


@sample("float_power", "float_power_")
def float_power(d, name):
    shape = d.shape()
    dtype = "float64" if name.endswith("_") and d.chance(0.8) else dtype_of(d)
    a = d.tensor(shape, dtype, 0.2, 3)
    b = d.choose(0, 1, 2, 0.5, -1) if d.chance(0.4) else d.tensor(
        d.broadcast(shape), dtype_of(d), -2, 3)
    return Call((a, b), gradient=0.0 not in a.values)


@sample("pow_")
def pow_in_place(d, name):
    shape = d.shape()
    a = d.tensor(shape, dtype_of(d), low=0.2, high=3)
    b = d.choose(0, 1, 2, 3, 0.5, 2.5) if d.chance(0.5) else d.tensor(
        d.broadcast(shape), dtype_of(d), low=0, high=3)
    odd = 0.0 in a.values or getattr(b, "dtype", "float64") not in ("float32", "float64")
    return Call((a, b), gradient=not odd)
