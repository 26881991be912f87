"""Long-polls to look at: an origin that holds, a few clients, and events, with an X-ray on every wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from realtime_kit.clients import LongPollingClient
from realtime_kit.errors import MissingDependency, UsageError
from realtime_kit.lab.x_rayed import LEAD_S, Readers, happening, until, x_rayed
from realtime_kit.numbers import check_number
from realtime_kit.origin import EventLog, long_polling_app
from realtime_kit.plots.style import Theme
from realtime_kit.schedule import Schedule, poisson

if TYPE_CHECKING:
    from realtime_kit.plots.widgets.long_poll_microscope import LongPollMicroscope, ReportLongPolls
    from realtime_kit.plots.widgets.long_poll_microscope_view import LongPollView

MOST_CLIENTS = 8
MOST_PER_S = 10.0
LONGEST_S = 30.0

HELD_WITHIN_S = 10.0
"""How long the first holds are waited for."""

QUIET_S = 3.0
"""How long Pushpin's second request is waited for; it comes 1.0 to 1.2 s after the first subscriber."""

USUALLY_QUIET_S = 1.4
DRAIN_S = 5.0
MESSAGES_EACH = 4
"""Of an event for each client: its question and Pushpin's to the origin, and two answers. Beside them are the publish
and its answer, and what Pushpin asks by itself."""

AFTER_S = 0.3
"""Time shown after the last event could happen."""


@dataclass(frozen=True, slots=True)
class MicroscopeSettings:
    """What happens under the microscope.

    Attributes:
        clients: How many clients ask.
        rate: Events per second, on average (Poisson).
        seconds: How long events happen, seconds.
        seed: Same seed, same events.

    Raises:
        UsageError: for a setting outside what can be looked at.
    """

    clients: int = 4
    rate: float = 2.0
    seconds: float = 6.0
    seed: int = 7

    def __post_init__(self) -> None:
        for name, most in (("clients", MOST_CLIENTS), ("rate", MOST_PER_S), ("seconds", LONGEST_S)):
            check_number(name, value := getattr(self, name), whole=name == "clients")
            if not 0 < value <= most:
                message = f"{name} is {value!r}: it has to be above 0, and {most:g} at most"
                raise UsageError(message)

    def schedule(self) -> Schedule:
        """When the events happen."""
        return poisson(rate_per_s=self.rate, duration_s=self.seconds, seed=self.seed)

    @property
    def kept_messages(self) -> int:
        """Messages that the X-ray has to keep, so that none of them is dropped: twice what is to be expected."""
        return 2 * (len(self.schedule()) + 1) * (MESSAGES_EACH * self.clients + 2)


def long_poll_microscope(*, theme: Theme | None = None, **settings: Any) -> LongPollMicroscope:
    """Long-polls to look at: `start()` it or press the button, then `wait()` for what was seen.

    Args:
        theme: Colours of the picture; None follows the notebook's.
        **settings: Those of `MicroscopeSettings`: `clients`, `rate`, `seconds`, `seed`.

    Raises:
        UsageError: for a setting outside what can be looked at.
        MissingDependency: if there is no ipywidgets.
    """
    chosen = MicroscopeSettings(**settings)
    try:
        from realtime_kit.plots.widgets.long_poll_microscope import LongPollMicroscope
    except ImportError as error:
        missing = f"Boards need {error.name}, which is not installed."
        raise MissingDependency(missing, "Type: pip install 'realtime-kit[notebooks]'") from error

    def watch(report: ReportLongPolls, stop: asyncio.Event) -> Coroutine[Any, Any, LongPollView]:
        return _Run(chosen, report, stop).run()

    until_s = USUALLY_QUIET_S + chosen.seconds + AFTER_S
    return LongPollMicroscope(watch, clients=chosen.clients, until_s=until_s, theme=theme)


class _Run:
    """One look through the microscope."""

    def __init__(self, settings: MicroscopeSettings, report: ReportLongPolls, stop: asyncio.Event) -> None:
        self._settings = settings
        self._report = report
        self._stop = stop
        self._phase = "Starting Pushpin and the origin …"
        self._until_s = USUALLY_QUIET_S + settings.seconds + AFTER_S

    async def run(self) -> LongPollView:
        """Ends in about the time that events happen, and a few seconds."""
        from realtime_kit.plots.widgets.long_poll_microscope_view import NAME, LongPollView

        settings, log = self._settings, EventLog()
        async with x_rayed(long_polling_app(log), log, kept_messages=settings.kept_messages) as bench:
            began_ns = time.monotonic_ns()
            names = range(1, settings.clients + 1)
            clients = [LongPollingClient(bench.url.with_query({NAME: name})) for name in names]
            async with Readers(clients) as readers:

                def look() -> LongPollView:
                    readers.check()
                    view = LongPollView.of(
                        bench.x_ray.exchanges(),
                        clients=settings.clients,
                        began_ns=began_ns,
                        now_ns=time.monotonic_ns(),
                        until_s=self._until_s,
                        dropped=bench.x_ray.dropped,
                        phase=self._phase,
                    )
                    self._report(view)
                    return view

                self._phase = "The clients ask, and are held …"
                await until(look, lambda view: view.all_held, HELD_WITHIN_S, self._stop)
                self._phase = "Quiet: now comes Pushpin's second request …"
                await until(
                    look,
                    lambda view: len(view.second_requests) >= settings.clients,
                    QUIET_S,
                    self._stop,
                )
                self._phase = "Events happen …"
                start_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
                self._until_s = (start_ns - began_ns) / 1e9 + settings.seconds + AFTER_S
                if not self._stop.is_set():
                    with happening(settings.schedule(), log, start_ns) as is_over:
                        await until(look, lambda _: is_over(), LEAD_S + settings.seconds, self._stop)
                self._phase = "Waiting for the last answers …"
                await until(
                    look,
                    lambda view: view.all_held and view.events == log.last_id,
                    DRAIN_S,
                    asyncio.Event(),
                )
                return look()
