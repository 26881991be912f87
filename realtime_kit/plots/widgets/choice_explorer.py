"""The choice explorer: which transport for my API? Theory at once, a check by measurement on request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Self

from realtime_kit.measurements.progress import Progress, ProgressReport
from realtime_kit.measurements.run import Run
from realtime_kit.plots.sentences import verdict
from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.choice_scene import ChoiceScene
from realtime_kit.plots.widgets.choice_view import Check, ChoiceView
from realtime_kit.plots.widgets.controls import Slider, Sliders
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.predictions import Api, Prediction, advice
from realtime_kit.plots.words import format_bytes, format_rate, format_seconds

StartCheck = Callable[[Api, ProgressReport, asyncio.Event], Coroutine[Any, Any, Run]]
"""Runs a short race for an API on the kit's loop; it reports as it goes, and ends early when the event is set."""

_HEADINGS = (
    ("transport", "how the clients get their events"),
    ("p50", "latency that half of the deliveries do not exceed"),
    ("p99", "latency that 99 % of the deliveries do not exceed"),
    ("origin requests /s", "requests per second that reach the origin"),
    ("bytes /s", "bytes per second on the wire to all clients together"),
)


class ChoiceExplorer(Board[ChoiceView, Run]):
    """Sliders for an API, what theory expects of the four transports, and a check.

    Args:
        start: Runs the check.
        limits: Smallest and largest value that a check is run with, by field of `Api`. When it is started, sliders
            beyond them move to them, so that theory and measurement are of the same API.
        api: Where the sliders stand at first.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = "Check it", "Run a short race of all four with what the sliders say"

    def __init__(
        self,
        start: StartCheck,
        *,
        limits: Mapping[str, tuple[float, float]],
        api: Api | None = None,
        theme: Theme | None = None,
    ) -> None:
        self._start_check = start
        self._limits = limits
        first = api or Api()
        self._sliders = Sliders(first, self._make_sliders(first))
        super().__init__(
            title="Which one for my API?",
            lead="Describe it with the sliders: hollow marks are what theory expects. Then check it.",
            describe="Latency, requests at the origin and bytes per second of four transports: theory and "
            "measurement. The table below has the same numbers.",
            first=ChoiceView(first),
            controls=[self._sliders.widget],
            theme=theme,
        )

    def _make_sliders(self, first: Api) -> dict[str, Slider]:
        moved = self._moved
        return {
            "clients": Slider(
                "Clients",
                "How many wait for your events",
                first.clients,
                least=1,
                most=10_000,
                write=lambda clients: f"{clients:,.0f}",
                on_change=moved,
            ),
            "rate_per_s": Slider(
                "Events",
                "Events per second, at random moments",
                first.rate_per_s,
                least=0.001,
                most=100,
                write=lambda rate: f"{format_rate(rate)} /s",
                on_change=moved,
            ),
            "interval_s": Slider(
                "Polling interval",
                "How often a polling client would ask",
                first.interval_s,
                least=0.1,
                most=100,
                write=format_seconds,
                on_change=moved,
            ),
            "payload_bytes": Slider(
                "Size of an event",
                "Bytes of an event's text",
                first.payload_bytes,
                least=10,
                most=10_000,
                write=format_bytes,
                on_change=moved,
            ),
        }

    @property
    def api(self) -> Api:
        """What the sliders say."""
        return self._sliders.value

    def choose(self, **values: float) -> None:
        """Move sliders, by their names in `Api`, such as `clients=500`.

        Raises:
            UsageError: for a name that is none of them, or a value outside a slider's ends.
        """
        self._sliders.set(**values)

    @property
    def run(self) -> Run | None:
        """The last check; None while there is none."""
        return self._view.check.run if self._view.check else None

    def start(self) -> Self:
        """Move the sliders to what can be checked, and begin; otherwise like every board's."""
        if not self.running:
            self._sliders.set(**self._checkable())
        return super().start()

    def _checkable(self) -> dict[str, float]:
        return {
            name: min(max(getattr(self.api, name), least), most)
            for name, (least, most) in self._limits.items()
        }

    def _moved(self) -> None:
        self._change(lambda view: replace(view, api=self._sliders.value))

    def _make_scene(self) -> ChoiceScene:
        return ChoiceScene()

    async def _measure(self, stop: asyncio.Event) -> Run:
        self._checked = self._sliders.value
        self._change(lambda view: replace(view, share=0.0))
        return await self._start_check(self._checked, self._progressed, stop)

    def _progressed(self, progress: Progress) -> None:
        self._say_phase(progress)
        self._change(lambda view: replace(view, share=progress.share))

    def _ended(self, outcome: Run | None, error: BaseException | None) -> None:
        self._change(lambda view: replace(view, share=0.0))  # also of a check that failed
        super()._ended(outcome, error)

    def _finished(self, outcome: Run) -> str:
        self._change(lambda view: replace(view, check=Check(self._checked, outcome)))
        return f"Checked with {self._checked}. {verdict(outcome)}."

    def _table(self, view: ChoiceView) -> Tabular:
        measured = view.measured()
        rows = []
        for name, prediction in view.predictions().items():
            rows.append((f"{name}, theory", *_cells(prediction)))
            if name in measured:
                rows.append((f"{name}, measured", *_cells(measured[name])))
        notes = advice(view.api, view.surroundings)
        if view.check is not None:
            notes.append(f"Measured with {view.check.api}.")
        return DataTable(f"Theory for {view.api}", _HEADINGS, rows, notes)


def _cells(each: Prediction) -> tuple[str, ...]:
    latency = each.latency
    times = format_seconds(latency.p50), format_seconds(latency.p99)
    return (*times, format_rate(each.origin_requests_per_s), format_bytes(each.bytes_per_s))
