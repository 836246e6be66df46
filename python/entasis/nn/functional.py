"""Layers, activations and losses as functions: PyTorch's torch.nn.functional by name."""

from .. import _entasis

_NAMES = """avg_pool2d batch_norm binary_cross_entropy conv2d cross_entropy dropout elu embedding gelu
l1_loss layer_norm leaky_relu linear log_softmax max_pool2d mish mse_loss relu selu sigmoid silu
smooth_l1_loss softmax softplus softsign tanh""".split()

globals().update({name: getattr(_entasis, name) for name in _NAMES if hasattr(_entasis, name)})
__all__ = [name for name in _NAMES if hasattr(_entasis, name)]
