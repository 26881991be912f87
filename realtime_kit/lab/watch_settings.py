"""What to watch: a service of somebody's own, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yarl import URL

from realtime_kit.clients.swarm.connect import shown
from realtime_kit.errors import UsageError
from realtime_kit.numbers import check_number
from realtime_kit.pushpin.attached import AttachedPushpin

LONGEST_S = 3600
_BY_SCHEME = {"http": "streaming", "https": "streaming", "ws": "websocket", "wss": "websocket"}


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What to watch, and how.

    Attributes:
        url: An event stream (http://, https://) or a WebSocket (ws://, wss://) that sends everybody the same. Who
            asks is said in `headers`, not before the host.
        clients: How many.
        pushes: How many events.
        control_url: Where to publish, if the service is a GRIP proxy: its publish port or a GRIP URL; of several
            instances behind one address each one's, since each has clients of its own. None: the events are whatever
            comes.
        channel: The channel that `url` subscribes to; with `control_url`.
        seconds: Longest wait for events that others publish, s.
        payload_bytes: Size of an event's text, bytes; with `control_url`.
        headers: Header fields of every request, such as `Authorization`.
    """

    url: str
    clients: int = 1_000
    pushes: int = 5
    control_url: str | tuple[str, ...] | None = None
    channel: str | None = None
    seconds: float = 30.0
    payload_bytes: int = 64
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        ranges = {"pushes": (1, 1000), "seconds": (1, LONGEST_S), "payload_bytes": (0, 10_000)}
        for name, (least, most) in ranges.items():
            check_number(name, value := getattr(self, name), whole=name != "seconds")
            if not least <= value <= most:
                message = f"{name} is {value:g}: allowed is {least} to {most}"
                raise UsageError(message)
        try:
            url = URL(self.url)
        except ValueError:
            url = URL()
        if url.scheme not in _BY_SCHEME or not url.host:
            message = f"url is {self.url!r}: it has to be an http://, https://, ws:// or wss:// address"
            raise UsageError(message)
        if url.user is not None or url.password is not None:
            message = (
                f"url has a name or a password before {shown(url)}: leave them out, and give a header, "
                "--header 'Authorization: Basic …' with both and a colon between in base64"
            )
            raise UsageError(message)
        if bool(self.control_urls) != (self.channel is not None):
            given, missing = ("control_url", "channel") if self.control_urls else ("channel", "control_url")
            message = f"{given} is given without {missing}: publishing needs both"
            raise UsageError(message)
        for name, value in self.headers:
            if not name or not (name + value).isprintable() or ":" in name:
                message = f"the header {name!r}: {value!r} cannot be sent; a header is like 'Authorization: Bearer …'"
                raise UsageError(message)
        self.publisher_options()

    @property
    def transport(self) -> str:
        """`streaming` or `websocket`."""
        return _BY_SCHEME[URL(self.url).scheme]

    @property
    def control_urls(self) -> tuple[str, ...]:
        """All addresses to publish to; empty if others publish."""
        given = self.control_url
        return () if given is None else (given,) if isinstance(given, str) else tuple(given)

    def publisher_options(self) -> list[dict[str, Any]]:
        """Arguments of an `HttpPublisher` for each control address."""
        return [AttachedPushpin("http://127.0.0.1", url).publisher_options() for url in self.control_urls]
