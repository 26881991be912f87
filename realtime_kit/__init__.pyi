from . import (
    clients,
    errors,
    exercises,
    lab,
    measurements,
    origin,
    plots,
    publisher,
    pushpin,
    schedule,
    taps,
    theory,
)
from .clients import (
    Event,
    EventStreamParser,
    LongPollingClient,
    PollingClient,
    StreamingClient,
    WebSocketClient,
    sse_events,
)
from .lab import RaceSettings, Site, arace, race, serving
from .measurements import Run
from .origin import Backend, grip
from .pushpin import Pushpin, PushpinSettings, Route

__version__: str

__all__ = [
    "Backend",
    "Event",
    "EventStreamParser",
    "LongPollingClient",
    "PollingClient",
    "Pushpin",
    "PushpinSettings",
    "RaceSettings",
    "Route",
    "Run",
    "Site",
    "StreamingClient",
    "WebSocketClient",
    "arace",
    "clients",
    "errors",
    "exercises",
    "grip",
    "lab",
    "measurements",
    "origin",
    "plots",
    "publisher",
    "pushpin",
    "race",
    "schedule",
    "serving",
    "sse_events",
    "taps",
    "theory",
]
