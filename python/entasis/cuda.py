"""CUDA devices: what is there, memory, streams, events and graphs, under the names of torch.cuda.

    if en.cuda.is_available():
        x = en.randn(64, 784).to("cuda")
    else:
        print(en.cuda.why_not_available())
"""

from ._entasis import CUDAGraph, Event, Stream
from ._entasis import _DeviceScope as device
from ._entasis import _StreamScope as stream
from ._entasis import _cuda_current_device as current_device
from ._entasis import _cuda_current_stream as current_stream
from ._entasis import _cuda_device_count as device_count
from ._entasis import _cuda_empty_cache as empty_cache
from ._entasis import _cuda_get_device_capability as get_device_capability
from ._entasis import _cuda_get_device_name as get_device_name
from ._entasis import _cuda_get_device_properties as get_device_properties
from ._entasis import _cuda_is_available as is_available
from ._entasis import _cuda_max_memory_allocated as max_memory_allocated
from ._entasis import _cuda_max_memory_reserved as max_memory_reserved
from ._entasis import _cuda_mem_get_info as mem_get_info
from ._entasis import _cuda_memory_allocated as memory_allocated
from ._entasis import _cuda_memory_reserved as memory_reserved
from ._entasis import _cuda_memory_summary as memory_summary
from ._entasis import _cuda_reset_peak_memory_stats as reset_peak_memory_stats
from ._entasis import _cuda_set_device as set_device
from ._entasis import _cuda_synchronize as synchronize
from ._entasis import _cuda_versions as versions
from ._entasis import _cuda_why_not_available as why_not_available

__all__ = [
    "CUDAGraph",
    "Event",
    "Stream",
    "current_device",
    "current_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_summary",
    "reset_peak_memory_stats",
    "set_device",
    "stream",
    "synchronize",
    "versions",
    "why_not_available",
]
