"""Fourth stage: apps behind Pushpin. One short file per lesson, GRIP for aiohttp, and how they are served."""

from realtime_kit.origin import grip
from realtime_kit.origin.announcer import Announcer
from realtime_kit.origin.backend import Backend
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.lessons import LESSONS, LessonOrigin, find_lesson, lessons_app
from realtime_kit.origin.long_polling import long_polling_app
from realtime_kit.origin.polling import polling_app
from realtime_kit.origin.server import OriginServer
from realtime_kit.origin.streaming import streaming_app
from realtime_kit.origin.websocket import websocket_app

__all__ = [
    "LESSONS",
    "Announcer",
    "Backend",
    "EventLog",
    "LessonOrigin",
    "OriginServer",
    "find_lesson",
    "grip",
    "lessons_app",
    "long_polling_app",
    "polling_app",
    "streaming_app",
    "websocket_app",
]
