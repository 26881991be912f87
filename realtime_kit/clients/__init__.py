"""Sixth stage: one client per transport, the event-stream parser, receipts, and the load of many clients."""

from realtime_kit.clients.backoff import Backoff
from realtime_kit.clients.blocking import sse_events
from realtime_kit.clients.client import Client
from realtime_kit.clients.event_stream import Event, EventStreamParser
from realtime_kit.clients.long_polling import LongPollingClient
from realtime_kit.clients.polling import PollingClient
from realtime_kit.clients.receipt import Receipt, ReceiptBook, Receipts
from realtime_kit.clients.reliable_websocket import ReliableWebSocketClient
from realtime_kit.clients.streaming import StreamingClient
from realtime_kit.clients.websocket import WebSocketClient

__all__ = [
    "Backoff",
    "Client",
    "Event",
    "EventStreamParser",
    "LongPollingClient",
    "PollingClient",
    "Receipt",
    "ReceiptBook",
    "Receipts",
    "ReliableWebSocketClient",
    "StreamingClient",
    "WebSocketClient",
    "sse_events",
]
