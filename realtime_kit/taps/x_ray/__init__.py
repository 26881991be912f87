"""The X-ray: both legs of every exchange, decoded from the wire."""

from realtime_kit.taps.x_ray.exchange import Cause, Exchange, Hold
from realtime_kit.taps.x_ray.message import Head, Instruction, Message
from realtime_kit.taps.x_ray.pairing import exchanges
from realtime_kit.taps.x_ray.tap import Tap
from realtime_kit.taps.x_ray.x_ray import XRay

__all__ = ["Cause", "Exchange", "Head", "Hold", "Instruction", "Message", "Tap", "XRay", "exchanges"]
