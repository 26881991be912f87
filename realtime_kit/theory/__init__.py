"""What to expect, from formulas: the latency and load each transport should show before anything is run."""

from realtime_kit.theory import (
    broadcast,
    bytes_on_wire,
    coordinated_omission,
    long_polling,
    polling,
    reliability,
    statistics,
    streaming,
    websocket,
)

__all__ = [
    "broadcast",
    "bytes_on_wire",
    "coordinated_omission",
    "long_polling",
    "polling",
    "reliability",
    "statistics",
    "streaming",
    "websocket",
]
