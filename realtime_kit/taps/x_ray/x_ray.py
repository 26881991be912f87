"""The X-ray: what all taps have seen, the newest of it kept, to be looked at from any thread."""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections import deque

from realtime_kit.errors import UsageError
from realtime_kit.taps.x_ray.dialogue import Utterance
from realtime_kit.taps.x_ray.exchange import Exchange
from realtime_kit.taps.x_ray.journal import Journal
from realtime_kit.taps.x_ray.message import PARTIES, Leg, Message
from realtime_kit.taps.x_ray.pairing import exchanges
from realtime_kit.taps.x_ray.tap import Tap
from realtime_kit.taps.x_ray.wire import HOST

KEPT_MESSAGES = 10_000
"""How many messages are kept: a lesson's many times over, and some tens of megabytes at most."""

_PRINTED_WIDTH = 120


class XRay:
    """What crosses the wires, as it was there: taps pass the bytes on and decode a copy of them.

    `serving(routes, x_ray=True)` puts taps around its Pushpin. For a set-up of your own:

        x_ray = XRay()
        with x_ray.tap("origin", 8000) as behind, Pushpin(behind.port) as pushpin:
            with x_ray.tap("client", pushpin.url.port) as before:
                print(before.port)          # clients connect here
        print(x_ray)

    Args:
        kept_messages: How many of the newest are kept.

    Raises:
        UsageError: if that is less than 1.
    """

    def __init__(self, *, kept_messages: int = KEPT_MESSAGES) -> None:
        if kept_messages < 1:
            message = f"kept_messages is {kept_messages}: it has to be 1 or more"
            raise UsageError(message)
        self._journal = Journal()
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._kept: deque[Message] = deque(maxlen=kept_messages)
        self._dropped = 0
        self._numbers = itertools.count(1)
        self._connections = itertools.count(1)
        self._exchanges = itertools.count(1)

    def tap(self, leg: Leg, port: int, *, host: str = HOST, listen_port: int = 0) -> Tap:
        """A tap on the way to a port, to be used with `with` or `async with`; its `port` is the way in.

        Args:
            leg: `client` before Pushpin, `origin` before the origin, `publish` before Pushpin's publish port.
            port: Where everything is passed on to.
            host: Of that port, and to listen on.
            listen_port: Port to listen on; 0 is a free one.

        Raises:
            UsageError: if there is no such leg.
        """
        if leg not in PARTIES:
            message = f"leg is {leg!r}: it has to be one of {', '.join(map(repr, PARTIES))}"
            raise UsageError(message)
        recorder, publishes = _LegRecorder(self, leg), leg == "publish"
        return Tap(recorder, (host, port), publishes=publishes, host=host, port=listen_port)

    def messages(self, since: int = 0) -> list[Message]:
        """What was seen, oldest first: whatever a client has received by now is among it.

        Args:
            since: Only messages with a higher number: those that have come since a look before.
        """
        self._journal.catch_up()
        with self._lock:
            newest = itertools.takewhile(lambda message: message.number > since, reversed(self._kept))
            return list(newest)[::-1]

    def exchanges(self) -> list[Exchange]:
        """What was seen, by request; with those to the origin goes why Pushpin made them."""
        return list(exchanges(self.messages()).values())

    def exchange(self, number: int) -> Exchange:
        """One of them.

        Raises:
            UsageError: if nothing of it is kept.
        """
        found = exchanges(self.messages()).get(number)
        if found is None:
            message = f"nothing is kept of an exchange number {number}"
            raise UsageError(message)
        return found

    def wait_for_hold(self, *, timeout_s: float = 10.0) -> Exchange:
        """Wait until the origin has told Pushpin to hold a client's request, and give that; of several, the latest.

        Pushpin follows the instruction within milliseconds. Not for the kit's own thread, which it would stop.

        Args:
            timeout_s: Longest wait, seconds.

        Raises:
            UsageError: if none is held by then.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            messages = self.messages()
            for found in reversed(exchanges(messages).values()):
                if found.hold is not None and found.hold.until_ns is None:
                    return found
            if not self._wait_for_news(messages[-1].number if messages else 0, until_s):
                message = f"no client's request was held within {timeout_s:g} s"
                raise UsageError(message)

    def _wait_for_news(self, seen: int, until_s: float) -> bool:
        """Wait for a message with a higher number; whether it has come in time."""
        with self._news:
            return self._news.wait_for(
                lambda: bool(self._kept) and self._kept[-1].number > seen, until_s - time.monotonic()
            )

    @property
    def dropped(self) -> int:
        """How many messages were dropped to keep the newest."""
        self._journal.catch_up()
        with self._lock:
            return self._dropped

    def clear(self) -> None:
        """Forget what was seen; what is under way goes on being seen."""
        self._journal.catch_up()
        with self._lock:
            self._kept.clear()
            self._dropped = 0

    def __len__(self) -> int:
        return len(self.messages())

    def __repr__(self) -> str:
        return f"<XRay: {len(self)} messages, {self.dropped} dropped>"

    def __str__(self) -> str:
        # Drawing comes after tapping; only what is to be shown needs it.
        from rich.console import Console

        from realtime_kit.plots import sequence_table

        text = io.StringIO()
        Console(file=text, width=_PRINTED_WIDTH).print(sequence_table(self.messages(), dropped=self.dropped))
        return text.getvalue()

    def _repr_html_(self) -> str:
        from realtime_kit.plots import sequence_html

        return sequence_html(self.messages(), dropped=self.dropped)

    def _record(self, leg: Leg, utterance: Utterance, connection: int, at_ns: int) -> None:
        told, (opener, acceptor) = utterance.told, PARTIES[leg]
        sender, receiver = (opener, acceptor) if utterance.from_opener else (acceptor, opener)
        with self._lock:
            self._dropped += len(self._kept) == self._kept.maxlen
            self._kept.append(
                Message(
                    number=next(self._numbers),
                    at_ns=at_ns,
                    leg=leg,
                    connection=connection,
                    exchange=utterance.exchange,
                    sender=sender,
                    receiver=receiver,
                    kind=told.kind,
                    title=told.title,
                    details=told.details,
                    text=told.text,
                    size_bytes=told.size_bytes,
                    head=told.head,
                    grip=told.grip,
                    last=utterance.last,
                )
            )
            self._news.notify_all()


class _LegRecorder:
    """Where the taps of one leg write down what they see."""

    def __init__(self, x_ray: XRay, leg: Leg) -> None:
        self._x_ray = x_ray
        self._leg = leg
        self.journal = x_ray._journal

    def next_connection(self) -> int:
        return next(self._x_ray._connections)

    def next_exchange(self) -> int:
        return next(self._x_ray._exchanges)

    def record(self, utterance: Utterance, *, connection: int, at_ns: int) -> None:
        self._x_ray._record(self._leg, utterance, connection, at_ns)
