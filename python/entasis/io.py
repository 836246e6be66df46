"""Files of weights in the safetensors format, which PyTorch and others read too."""

from . import _entasis

__all__ = ["load_metadata", "load_safetensors", "save_safetensors"]


def save_safetensors(path, tensors, metadata=None):
    """Writes a dictionary of tensors, atomically. `metadata` maps strings to strings."""
    _entasis._save_safetensors(str(path), dict(tensors), metadata or {})


def load_safetensors(path, map=False):
    """A dictionary of the file's tensors, on the CPU. With `map` they look into the file, which
    must not be shortened meanwhile."""
    return _entasis._load_safetensors(str(path), map)[0]


def load_metadata(path):
    """The file's metadata."""
    return _entasis._load_safetensors(str(path), True)[1]
