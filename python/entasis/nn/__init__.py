"""Modules: layers, activations, losses, and the class that user models derive from."""

from . import functional, init
from .activation import (  # noqa: F401
    GELU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softsign,
    Tanh,
)
from .container import ModuleDict, ModuleList, Sequential  # noqa: F401
from .layers import (  # noqa: F401
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    Identity,
    LayerNorm,
    Linear,
    MaxPool2d,
)
from .loss import BCELoss, CrossEntropyLoss, MSELoss  # noqa: F401
from .module import Module, Parameter  # noqa: F401

__all__ = ["AvgPool2d", "BCELoss", "BatchNorm2d", "Conv2d", "CrossEntropyLoss", "Dropout", "Embedding",
           "Flatten", "GELU", "Identity", "LayerNorm", "Linear", "LogSoftmax", "MSELoss", "MaxPool2d",
           "Module", "ModuleDict", "ModuleList", "Parameter", "ReLU", "Sequential", "SiLU", "Sigmoid",
           "Softmax", "Softsign", "Tanh"]
