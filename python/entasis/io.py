"""Files of weights in the safetensors format, which PyTorch and others read too."""

from __future__ import annotations

import os
from collections.abc import Mapping

from . import _entasis
from ._entasis import Tensor

__all__ = ["load_metadata", "load_safetensors", "save_safetensors"]


def save_safetensors(path: str | os.PathLike[str], tensors: Mapping[str, Tensor],
                     metadata: Mapping[str, str] | None = None) -> None:
    """Writes a dictionary of tensors, atomically. `metadata` maps strings to strings."""
    _entasis._save_safetensors(str(path), dict(tensors), metadata or {})


def load_safetensors(path: str | os.PathLike[str], map: bool = False) -> dict[str, Tensor]:
    """A dictionary of the file's tensors, on the CPU. With `map` they look into the file, which
    must not be shortened meanwhile."""
    return _entasis._load_safetensors(str(path), map)[0]


def load_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The file's metadata."""
    return _entasis._load_safetensors(str(path), True)[1]
