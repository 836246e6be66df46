"""Modules: layers, activations, losses, and the class that user models derive from."""

from . import activation, container, layers, loss, module
from . import functional as functional, init as init
from .activation import *  # noqa: F403
from .container import *  # noqa: F403
from .layers import *  # noqa: F403
from .loss import *  # noqa: F403
from .module import *  # noqa: F403

__all__: list[str] = []
__all__ += activation.__all__
__all__ += container.__all__
__all__ += layers.__all__
__all__ += loss.__all__
__all__ += module.__all__
