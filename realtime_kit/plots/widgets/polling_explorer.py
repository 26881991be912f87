"""The polling explorer: move a slider, see what theory says, and let it be measured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from realtime_kit.measurements.progress import Progress, ProgressReport
from realtime_kit.measurements.run import Run
from realtime_kit.plots.sentences import verdict
from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.controls import Slider, Sliders
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.polling_scene import PollingScene
from realtime_kit.plots.widgets.polling_view import Measured, PollingSettings, PollingView
from realtime_kit.plots.words import NOTHING, format_rate, format_seconds, format_share

StartPolling = Callable[[PollingSettings, ProgressReport, asyncio.Event], Coroutine[Any, Any, Run]]
"""Measures polling on the kit's loop; it reports as it goes, and ends early when the event is set."""

_HEADINGS = (
    ("quantity", "what is compared"),
    ("theory", "what the formulas say for the sliders"),
    ("measured", "what the last measurement found"),
)


class PollingExplorer(Board[PollingView, Run]):
    """Sliders for the formulas of polling, and a measurement beside them.

    Args:
        start: Measures.
        settings: Where the sliders stand at first.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = "Measure", "Let real clients poll a real origin with what the sliders say"

    def __init__(
        self, start: StartPolling, settings: PollingSettings | None = None, *, theme: Theme | None = None
    ) -> None:
        self._start_polling = start
        first = settings or PollingSettings()
        self._sliders = Sliders(first, self._make_sliders(first))
        super().__init__(
            title="How late is polling, and what does it cost?",
            lead="Move the sliders: the dashed lines are what theory expects. Then measure.",
            describe="Share of deliveries seen against latency, requests per second and share of empty answers: "
            "theory and measurement. The table below has the same numbers.",
            first=PollingView(first),
            controls=[self._sliders.widget],
            theme=theme,
        )

    def _make_sliders(self, first: PollingSettings) -> dict[str, Slider]:
        moved = self._moved
        return {
            "interval_s": Slider(
                "Polling interval",
                "Time from one question of a client to its next",
                first.interval_s,
                least=0.1,
                most=10,
                write=format_seconds,
                on_change=moved,
            ),
            "rate_per_s": Slider(
                "Events",
                "Events per second, at random moments",
                first.rate_per_s,
                least=0.02,
                most=20,
                write=lambda rate: f"{format_rate(rate)} /s",
                on_change=moved,
            ),
            "clients": Slider(
                "Clients",
                "How many clients poll",
                first.clients,
                least=1,
                most=100,
                write=lambda clients: f"{clients:.0f}",
                on_change=moved,
            ),
            "seconds": Slider(
                "Measure for",
                "Length of a measurement; it takes a little longer, for starting and for the last deliveries",
                first.seconds,
                least=5,
                most=60,
                write=format_seconds,
                on_change=moved,
            ),
        }

    @property
    def settings(self) -> PollingSettings:
        """What the sliders say."""
        return self._sliders.value

    def choose(self, **settings: float) -> None:
        """Move sliders, by their names in `PollingSettings`, such as `interval_s=0.5`.

        Raises:
            UsageError: for a name that is none of them, or a value outside a slider's ends.
        """
        self._sliders.set(**settings)

    @property
    def run(self) -> Run | None:
        """The last finished measurement; None while there is none."""
        measured = self._view.measured
        return measured.run if measured else None

    def _moved(self) -> None:
        self._change(lambda view: replace(view, settings=self._sliders.value))

    def _make_scene(self) -> PollingScene:
        return PollingScene()

    async def _measure(self, stop: asyncio.Event) -> Run:
        settings = self._sliders.value
        self._change(lambda view: replace(view, measured=Measured(settings)))
        return await self._start_polling(settings, self._progressed, stop)

    def _progressed(self, progress: Progress) -> None:
        self._say_phase(progress)
        self._change(
            lambda view: replace(view, measured=view.measured.after(progress) if view.measured else None)
        )

    def _finished(self, outcome: Run) -> str:
        self._change(
            lambda view: replace(view, measured=view.measured.finished(outcome) if view.measured else None)
        )
        return f"Done. {verdict(outcome)}."

    def _table(self, view: PollingView) -> Tabular:
        law, load, found = view.settings.latency(view.downstream_s), view.settings.load(), view.measured
        quantiles = found.quantiles_s(0.5, 0.9, 0.99) if found else [float("nan")] * 3
        latencies = zip(("p50", "p90", "p99"), (law.p50, law.p90, law.p99), quantiles, strict=True)
        rows = [
            (f"{name} of the latency", format_seconds(theory), format_seconds(seen))
            for name, theory, seen in latencies
        ]
        rows += [
            (
                "origin requests per second",
                format_rate(load.origin_requests_per_s),
                format_rate(found.requests_per_s if found else None),
            ),
            (
                "answers without an event",
                format_share(load.empty_fraction),
                format_share(found.empty_fraction if found else None),
            ),
            ("deliveries", NOTHING, f"{found.deliveries:,}" if found else NOTHING),
        ]
        notes = [f"Measured: {found.settings}. Theory: {view.settings}."] if found and view.differs else []
        if found and found.is_sampled:
            notes.append(
                f"Until the end the latencies are those of an even sample, one delivery in {found.sampled} where it "
                "is thinnest."
            )
        return DataTable("Polling in theory and measured", _HEADINGS, rows, notes)
