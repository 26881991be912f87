"""A stream to look at: history in pages, live events, and a client that leaves and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime_kit.clients import StreamingClient
from realtime_kit.errors import MissingDependency, UsageError
from realtime_kit.lab.x_rayed import LEAD_S, Readers, XRayed, happening, until, x_rayed
from realtime_kit.numbers import check_number
from realtime_kit.origin import EventLog, streaming_app
from realtime_kit.plots.style import Theme
from realtime_kit.schedule import Schedule, poisson

if TYPE_CHECKING:
    from realtime_kit.plots.widgets.history_timeline import HistoryTimeline, ReportHistory
    from realtime_kit.plots.widgets.history_timeline_view import HistoryView

MOST_HISTORY = 400
MOST_PER_PAGE = 50
"""The X-ray keeps 2,000 characters of a page, which is about 75 events of this length."""

MOST_PER_S = 20.0
LONGEST_S = 30.0

LEAVES = (0.2, 0.4)
COMES_BACK = (0.6, 0.8)
"""Between when the client leaves and comes back, in shares of the time that events happen. It does both in the middle
of a pause: a stream that is opened while an event is on its way can miss it, or get it twice."""

HELD_WITHIN_S = 10.0
DRAIN_S = 5.0
ALONE_S = 0.5
"""Time shown before the first event can happen."""

AFTER_S = 0.3
ROOM = 1.25
"""Least height of the axis of ids, in lengths of the history: what is live needs to be seen."""


@dataclass(frozen=True, slots=True)
class TimelineSettings:
    """What happens on the timeline.

    Attributes:
        history: Events that have happened before the client connects.
        page_events: Events in a page of history.
        rate: Events per second from then on, on average (Poisson).
        seconds: How long they happen, seconds.
        reconnect: Whether the client leaves in the middle, and comes back with `Last-Event-ID`.
        seed: Same seed, same events.

    Raises:
        UsageError: for a setting outside what can be looked at.
    """

    history: int = 40
    page_events: int = 10
    rate: float = 3.0
    seconds: float = 6.0
    reconnect: bool = True
    seed: int = 7

    def __post_init__(self) -> None:
        for name, most in (
            ("history", MOST_HISTORY),
            ("page_events", MOST_PER_PAGE),
            ("rate", MOST_PER_S),
            ("seconds", LONGEST_S),
        ):
            check_number(name, value := getattr(self, name), whole=name in {"history", "page_events"})
            if not 0 < value <= most:
                message = f"{name} is {value!r}: it has to be above 0, and {most:g} at most"
                raise UsageError(message)

    def schedule(self) -> Schedule:
        """When the live events happen."""
        return poisson(rate_per_s=self.rate, duration_s=self.seconds, seed=self.seed)


def history_timeline(*, theme: Theme | None = None, **settings: Any) -> HistoryTimeline:
    """A stream to look at: `start()` it or press the button, then `wait()` for what was seen.

    Args:
        theme: Colours of the picture; None follows the notebook's.
        **settings: Those of `TimelineSettings`: `history`, `page_events`, `rate`, `seconds`, `reconnect`, `seed`.

    Raises:
        UsageError: for a setting outside what can be looked at.
        MissingDependency: if there is no ipywidgets.
    """
    chosen = TimelineSettings(**settings)
    try:
        from realtime_kit.plots.widgets.history_timeline import HistoryTimeline
    except ImportError as error:
        missing = f"Boards need {error.name}, which is not installed."
        raise MissingDependency(missing, "Type: pip install 'realtime-kit[notebooks]'") from error

    def watch(report: ReportHistory, stop: asyncio.Event) -> Coroutine[Any, Any, HistoryView]:
        return _Run(chosen, report, stop).run()

    until_s, events_until = _ends(chosen)
    return HistoryTimeline(
        watch,
        page_events=chosen.page_events,
        until_s=until_s,
        events_until=events_until,
        theme=theme,
    )


def _ends(settings: TimelineSettings) -> tuple[float, int]:
    most = max(settings.history + len(settings.schedule()), math.ceil(ROOM * settings.history))
    return ALONE_S + settings.seconds + AFTER_S, most


class _Run:
    """One stream, from its history to its end."""

    def __init__(self, settings: TimelineSettings, report: ReportHistory, stop: asyncio.Event) -> None:
        self._settings = settings
        self._report = report
        self._stop = stop
        self._phase = "Starting Pushpin and the origin …"
        self._until_s, self._events_until = _ends(settings)
        self._schedule = settings.schedule()
        self._start_ns = 0
        self._bench: XRayed

    async def run(self) -> HistoryView:
        """Ends in about the time that events happen, and a few seconds."""
        settings, log = self._settings, EventLog()
        for number in range(settings.history):
            log.append(f"event {number + 1}")
        app = streaming_app(log, page_events=settings.page_events)
        async with x_rayed(app, log) as self._bench:
            with contextlib.ExitStack() as events:
                client = StreamingClient(self._bench.url, last_event_id="0")
                async with Readers([client]) as readers:
                    self._phase = "The client connects, and reads history …"
                    await self._until(lambda view: view.is_held, HELD_WITHIN_S, readers)
                    await self._until(lambda _: False, ALONE_S, readers)
                    self._begin(events, log)
                    if not settings.reconnect:
                        return await self._see_the_end(readers, events)
                    await self._until_share(LEAVES, readers)
                self._phase = "The client is away …"
                await self._until_share(COMES_BACK)
                back = StreamingClient(self._bench.url, last_event_id=client.last_event_id)
                async with Readers([back]) as readers:
                    self._phase = "The client is back …"
                    return await self._see_the_end(readers, events)

    def _begin(self, events: contextlib.ExitStack, log: EventLog) -> None:
        """Let events happen, unless the end has been asked for already."""
        self._phase = "Events happen …"
        self._start_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        self._until_s = self._look().now_s + LEAD_S + self._settings.seconds + AFTER_S
        if not self._stop.is_set():
            events.enter_context(happening(self._schedule, log, self._start_ns))

    async def _see_the_end(self, readers: Readers, events: contextlib.ExitStack) -> HistoryView:
        """Wait until all events have happened, and come."""
        await self._until(lambda _: False, self._left_s(self._settings.seconds), readers)
        events.close()
        self._phase = "Waiting for the last events …"
        await self._until(
            lambda view: view.is_held and not view.missing, DRAIN_S, readers, stop=asyncio.Event()
        )
        return self._look()

    async def _until_share(self, shares: tuple[float, float], readers: Readers | None = None) -> None:
        at_s = _middle_of_a_pause(self._schedule, *shares)
        await self._until(lambda _: False, self._left_s(at_s), readers)

    def _left_s(self, at_s: float) -> float:
        return max(0.0, at_s - (time.monotonic_ns() - self._start_ns) / 1e9)

    async def _until(
        self,
        seen: Callable[[HistoryView], bool],
        longest_s: float,
        readers: Readers | None = None,
        stop: asyncio.Event | None = None,
    ) -> None:
        def look() -> HistoryView:
            if readers is not None:
                readers.check()
            view = self._look()
            self._report(view)
            return view

        await until(look, seen, longest_s, stop or self._stop)

    def _look(self) -> HistoryView:
        from realtime_kit.plots.widgets.history_timeline_view import HistoryView

        return HistoryView.of(
            self._bench.x_ray.exchanges(),
            published=self._bench.log.last_id,
            now_ns=time.monotonic_ns(),
            until_s=self._until_s,
            events_until=self._events_until,
            phase=self._phase,
        )


def _middle_of_a_pause(schedule: Schedule, first: float, last: float) -> float:
    """The middle of the longest time without an event, seconds from the start.

    Args:
        schedule: When events happen.
        first: Where to look from, as a share of its length.
        last: Where to look to, likewise.
    """
    begin_s, end_s = first * schedule.duration_s, last * schedule.duration_s
    due_s = schedule.offsets_ns / 1e9
    edges_s = np.concatenate([[begin_s], due_s[(due_s > begin_s) & (due_s < end_s)], [end_s]])
    longest = int(np.argmax(np.diff(edges_s)))
    return float(edges_s[longest] + edges_s[longest + 1]) / 2
