"""Boards for notebooks: live pictures and buttons over what the lab measures."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from realtime_kit.errors import MissingDependency
from realtime_kit.lab.fanout import FanoutSettings, afanout
from realtime_kit.lab.fanout_size import fanout_size
from realtime_kit.lab.race import arace
from realtime_kit.lab.settings import RaceSettings, default_clients
from realtime_kit.lab.site import Site
from realtime_kit.measurements.fanout import FanoutRun
from realtime_kit.measurements.progress import ProgressReport
from realtime_kit.measurements.run import Run
from realtime_kit.plots.style import Theme
from realtime_kit.pushpin import Pushpin
from realtime_kit.theory.statistics import samples_needed

if TYPE_CHECKING:
    from realtime_kit.plots.widgets.choice_explorer import ChoiceExplorer
    from realtime_kit.plots.widgets.fanout_wall import FanoutWall
    from realtime_kit.plots.widgets.polling_explorer import PollingExplorer
    from realtime_kit.plots.widgets.polling_view import PollingSettings
    from realtime_kit.plots.widgets.predictions import Api
    from realtime_kit.plots.widgets.race_board import RaceBoard
    from realtime_kit.plots.widgets.statistics_panel import StatisticsPanel

CHECK_S = (5.0, 15.0)
"""Shortest and longest check of the choice explorer, seconds."""

CHECK_RATE_PER_S = (1.0, 20.0)
CHECK_INTERVAL_S = (0.2, 5.0)


def race_board(
    settings: RaceSettings | None = None, *, theme: Theme | None = None, **changes: Any
) -> RaceBoard:
    """A race to look at: `start()` it or press the button, then `wait()` for its run or `await` the board.

    Args:
        settings: The race; None is one that suits the machine and takes about half a minute.
        theme: Colours of the picture; None follows the notebook's.
        **changes: Fields of `RaceSettings` to change, such as `clients=10` or `seconds=5`.

    Raises:
        UsageError: for a setting outside what is allowed.
        MissingDependency: if there is no ipywidgets.
    """
    chosen = replace(settings or RaceSettings(), **changes)

    def start(report: ProgressReport, stop: asyncio.Event) -> Coroutine[Any, Any, Run]:
        return arace(chosen, on_progress=report, stop=stop)

    widgets = _widgets()
    course = widgets.Course(
        transports=chosen.transports,
        clients=chosen.clients,
        rate_per_s=chosen.rate,
        interval_s=chosen.interval_s,
        seconds=chosen.seconds,
    )
    board: RaceBoard = widgets.RaceBoard(start, course, theme=theme)
    return board


def polling_explorer(*, theme: Theme | None = None, **settings: Any) -> PollingExplorer:
    """Sliders for polling: theory moves at once, `start()` or the button measures.

    Args:
        theme: Colours of the picture; None follows the notebook's.
        **settings: Where sliders stand at first: `interval_s`, `clients`, `rate_per_s`, `seconds`.

    Raises:
        UsageError: for a value outside a slider's ends.
        MissingDependency: if there is no ipywidgets.
    """
    widgets = _widgets()
    explorer: PollingExplorer = widgets.PollingExplorer(
        _measure_polling, widgets.PollingSettings(**settings), theme=theme
    )
    return explorer


def choice_explorer(*, theme: Theme | None = None, **api: Any) -> ChoiceExplorer:
    """Which transport for my API? Theory moves with the sliders, `start()` or the button checks it.

    A check has to fit on this machine and into a few seconds. It begins by moving the sliders to what does.

    Args:
        theme: Colours of the picture; None follows the notebook's.
        **api: Where sliders stand at first: `clients`, `rate_per_s`, `interval_s`, `payload_bytes`.

    Raises:
        UsageError: for a value outside a slider's ends.
        MissingDependency: if there is no ipywidgets.
    """
    widgets = _widgets()
    explorer: ChoiceExplorer = widgets.ChoiceExplorer(
        _check,
        limits={
            "clients": (1, default_clients()),
            "rate_per_s": CHECK_RATE_PER_S,
            "interval_s": CHECK_INTERVAL_S,
        },
        api=widgets.Api(**api),
        theme=theme,
    )
    return explorer


def statistics_panel(site: Site | Pushpin, *, theme: Theme | None = None, **options: Any) -> StatisticsPanel:
    """What a Pushpin counts by itself, live; it looks at once, for ten minutes at most.

    Args:
        site: A site or an embedded Pushpin that is up.
        theme: Colours of the picture; None follows the notebook's.
        **options: Those of `StatisticsPanel`.

    Raises:
        UsageError: if the site is not up.
        MissingDependency: if there is no ipywidgets.
    """
    pushpin = site.pushpin if isinstance(site, Site) else site
    panel: StatisticsPanel = _widgets().StatisticsPanel(pushpin, theme=theme, **options)
    return panel.start()


def fanout_wall(
    settings: FanoutSettings | None = None,
    *,
    replay_s: float | None = None,
    theme: Theme | None = None,
    **changes: Any,
) -> FanoutWall:
    """A fan-out to look at: `start()` it or press the button, then `wait()` for its run or `await` the board.

    Args:
        settings: The fan-out; None is one of comfortable size.
        replay_s: For how long each push is shown, seconds, 0 to 60; None is three.
        theme: Colours of the picture; None follows the notebook's.
        **changes: Fields of `FanoutSettings` to change, such as `instances=2`.

    Raises:
        UsageError: for a setting outside what is allowed.
        MissingDependency: if there is no ipywidgets.
    """
    first = settings or FanoutSettings(clients=fanout_size().comfortable, pushes=3)
    chosen = replace(first, **changes)

    def start(tell: Callable[[str], None], stop: asyncio.Event) -> Coroutine[Any, Any, FanoutRun]:
        return afanout(chosen, on_phase=tell, stop=stop)

    widgets = _widgets()
    audience = widgets.Audience(chosen.clients, chosen.instances, chosen.transport)
    options = {} if replay_s is None else {"replay_s": replay_s}
    board: FanoutWall = widgets.FanoutWall(start, audience, theme=theme, **options)
    return board


def _measure_polling(
    settings: PollingSettings, report: ProgressReport, stop: asyncio.Event
) -> Coroutine[Any, Any, Run]:
    return arace(
        transports=("polling",),
        clients=int(settings.clients),
        rate=settings.rate_per_s,
        interval_s=settings.interval_s,
        seconds=settings.seconds,
        on_progress=report,
        stop=stop,
    )


def _check(api: Api, report: ProgressReport, stop: asyncio.Event) -> Coroutine[Any, Any, Run]:
    """A race just long enough for a 99th percentile, if that is not too long."""
    enough_s = 1.2 * samples_needed(0.99) / (api.clients * api.rate_per_s)
    return arace(
        clients=int(api.clients),
        rate=api.rate_per_s,
        interval_s=api.interval_s,
        payload_bytes=int(api.payload_bytes),
        seconds=float(math.ceil(min(max(enough_s, CHECK_S[0]), CHECK_S[1]))),
        on_progress=report,
        stop=stop,
    )


def _widgets() -> ModuleType:
    """The boards; imported when the first is made, so that the lab needs no notebook."""
    try:
        from realtime_kit.plots import widgets
    except ImportError as error:
        missing = f"Boards need {error.name}, which is not installed."
        raise MissingDependency(missing, "Type: pip install 'realtime-kit[notebooks]'") from error
    return widgets
