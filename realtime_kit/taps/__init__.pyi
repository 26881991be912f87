from .byte_count import ByteCount
from .x_ray import Exchange, Message, XRay

__all__ = ["ByteCount", "Exchange", "Message", "XRay"]
