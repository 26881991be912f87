"""Second stage: tells Pushpin. Items in all formats, over HTTP or ZeroMQ, paced by a schedule."""

from realtime_kit.publisher.broadcast import BroadcastPublisher
from realtime_kit.publisher.event_stream_format import encode_event
from realtime_kit.publisher.formats import (
    JSON_TYPE,
    item_in_all_formats,
    json_page,
    text_item,
    websocket_message,
)
from realtime_kit.publisher.http import HttpPublisher
from realtime_kit.publisher.pacing import Pacer
from realtime_kit.publisher.queue import QueueingPublisher
from realtime_kit.publisher.stamp import due_of, stamped
from realtime_kit.publisher.zeromq import ZeroMqPublisher
from realtime_kit.publisher.zeromq_broadcast import ZeroMqBroadcast

__all__ = [
    "JSON_TYPE",
    "BroadcastPublisher",
    "HttpPublisher",
    "Pacer",
    "QueueingPublisher",
    "ZeroMqBroadcast",
    "ZeroMqPublisher",
    "due_of",
    "encode_event",
    "item_in_all_formats",
    "json_page",
    "stamped",
    "text_item",
    "websocket_message",
]
