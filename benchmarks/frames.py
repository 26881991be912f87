"""What live pictures cost: the time of a frame, and what a board at four frames a second does to what is measured."""

from __future__ import annotations

import asyncio
import importlib.util
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from realtime_kit import Run, background, lab
from realtime_kit.lab.race import Race
from realtime_kit.lab.rig import Rig
from realtime_kit.lab.settings import RaceSettings
from realtime_kit.measurements.progress import ProgressReport
from realtime_kit.plots.style import LIGHT
from realtime_kit.plots.widgets import Course, RaceBoard
from realtime_kit.plots.widgets.chat_scene import ChatScene
from realtime_kit.plots.widgets.frames import Frames
from realtime_kit.plots.widgets.scene import MakeScene
from realtime_kit.worker import Worker

VIEWS = Path(__file__).parent.parent / "tests" / "plots" / "widgets"
FRAME_S = 0.010
MORE_LAG_S = 0.001
ROUNDS = 5
RACE_S = 8.0

TableRow = tuple[str, str, str, bool]
"""What was measured, what was found, what is allowed, and whether it was reached."""


def rows() -> Iterator[TableRow]:
    """The rows for docs/benchmarks.md; takes about three minutes."""
    for name, example in _load("pictures").EXAMPLES.items():
        yield _frame(name, example.make_scene, example.views)
    yield _frame("chat", ChatScene, _chat_views())
    yield _lag()


def _chat_views() -> list[Any]:
    """What a real room has seen, message by message."""
    views: list[Any] = []
    room = lab.chat(("Ada", "Ben"))
    room.start()
    for number in range(10):
        room.say("Ada", f"line {number}")
    whole = room._view
    room.close()
    views += [replace(whole, seen=whole.seen[:count]) for count in range(10, len(whole.seen) + 1)]
    return views


def _frame(name: str, make_scene: MakeScene[Any], views: list[Any]) -> TableRow:
    """A frame of one board, drawn and encoded, beside one in which everything is drawn anew."""
    frames = Frames(make_scene, LIGHT)
    frames.png(views[0])
    took_s, sizes = [], []
    for view in (views * (200 // len(views) + 1))[:200]:
        begun_s = time.perf_counter()
        sizes.append(len(frames.png(view)))
        took_s.append(time.perf_counter() - begun_s)
    begun_s = time.perf_counter()
    Frames(make_scene, LIGHT).png(views[-1])
    anew_s = time.perf_counter() - begun_s
    median_s, p99_s = np.quantile(took_s, [0.5, 0.99])
    found = (
        f"{median_s * 1e3:.1f} ms, p99 {p99_s * 1e3:.1f} ms, {statistics.median(sizes) / 1e3:.0f} kB "
        f"(all anew: {anew_s * 1e3:.0f} ms)"
    )
    return f"{name} board: a frame, median", found, f"{FRAME_S * 1e3:g} ms", bool(median_s <= FRAME_S)


def _lag() -> TableRow:
    """How much later the clients' event loops are with a board than without, in turns: both have the same machine.

    The machine's own noise is larger than what is looked for, so each pair of races that follow each other gives one
    difference for each transport, and the median of all counts.
    """
    more_s, without_s = [], []
    for _ in range(ROUNDS):
        without, with_board = _race_without_board(), _race_with_board()
        without_s += without.values()
        more_s += [with_board[name] - lag_s for name, lag_s in without.items()]
    found_s = statistics.median(more_s)
    found = f"{found_s * 1e3:+.2f} ms (without: {statistics.median(without_s) * 1e3:.2f} ms)"
    what = (
        f"race board at 4 frames/s: what it adds to the p99 lag of the clients' event loops, median of {len(more_s)} "
        f"differences ({ROUNDS} pairs of races)"
    )
    return what, found, f"{MORE_LAG_S * 1e3:g} ms", found_s <= MORE_LAG_S


SETTINGS = RaceSettings(clients=10, rate=5, interval_s=2, seconds=RACE_S)


def _race_without_board() -> dict[str, float]:
    lags_s: dict[str, float] = {}
    background.run(_race(lags_s, lambda _: None, asyncio.Event()))
    return lags_s


def _race_with_board() -> dict[str, float]:
    lags_s: dict[str, float] = {}
    course = Course(
        SETTINGS.transports, SETTINGS.clients, SETTINGS.rate, SETTINGS.interval_s, SETTINGS.seconds
    )
    board = RaceBoard(lambda report, stop: _race(lags_s, report, stop), course)
    board.start().wait()
    board.close()
    return lags_s


async def _race(lags_s: dict[str, float], report: ProgressReport, stop: asyncio.Event) -> Run:
    """A race that also tells how late the event loop of each load was at p99."""
    rig = Rig(SETTINGS)
    for name, load in rig.loads.items():
        _listen(name, load, lags_s)
    return await Race(SETTINGS, rig, stop, report).run()


def _listen(name: str, load: Worker, lags_s: dict[str, float]) -> None:
    ask = load.ask

    async def ask_and_note(do: str, **arguments: Any) -> Any:
        answer = await ask(do, **arguments)
        if do == "report":
            lags_s[name] = answer["lag_s"]
        return answer

    load.ask = ask_and_note  # type: ignore[method-assign]


def _load(name: str) -> ModuleType:
    """The made-up views of the tests."""
    path = VIEWS / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
