"""Fifth stage: what crosses the wire."""

from realtime_kit.taps.byte_count import ByteCount

__all__ = ["ByteCount"]
