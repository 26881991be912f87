"""Example views for each scene, and the frames they give. Run as a script it writes the baselines anew."""

import io
import runpy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from realtime_kit.clients.receipt import ReceiptBook
from realtime_kit.measurements import Expectation, Ledger, Result, Run, Verdict
from realtime_kit.measurements.deliveries import deliveries
from realtime_kit.measurements.fanout import FanoutRun, Push, completion, per_delivery_s
from realtime_kit.measurements.latency import latency
from realtime_kit.measurements.progress import Progress
from realtime_kit.plots.style import DARK, LIGHT
from realtime_kit.plots.widgets.choice_scene import ChoiceScene
from realtime_kit.plots.widgets.choice_view import Check, ChoiceView
from realtime_kit.plots.widgets.fault_scene import FaultScene
from realtime_kit.plots.widgets.fault_view import FaultView, Press
from realtime_kit.plots.widgets.frames import Frames
from realtime_kit.plots.widgets.history_timeline_scene import HistoryScene
from realtime_kit.plots.widgets.history_timeline_view import HistoryView
from realtime_kit.plots.widgets.id_timeline_scene import IdScene
from realtime_kit.plots.widgets.long_poll_microscope_scene import LongPollScene
from realtime_kit.plots.widgets.long_poll_microscope_view import LongPollView
from realtime_kit.plots.widgets.polling_scene import PollingScene
from realtime_kit.plots.widgets.polling_view import Measured, PollingSettings, PollingView
from realtime_kit.plots.widgets.predictions import Api
from realtime_kit.plots.widgets.race_scene import RaceScene
from realtime_kit.plots.widgets.race_view import Course, RaceView
from realtime_kit.plots.widgets.statistics_scene import StatisticsScene
from realtime_kit.plots.widgets.statistics_view import Sample, StatisticsView
from realtime_kit.plots.widgets.wall_scene import WallScene
from realtime_kit.plots.widgets.wall_view import Audience, WallView, last_s
from realtime_kit.pushpin.statistics import Statistics
from realtime_kit.quantities import Latency, Load

BASELINES = Path(__file__).with_name("baselines")
TRANSPORTS = ("polling", "long-polling", "streaming", "websocket")
COURSE = Course(TRANSPORTS, clients=30, rate_per_s=2.5, interval_s=5.0, seconds=20.0)
FASTEST_S = {"long-polling": 0.0045, "streaming": 0.0022, "websocket": 0.0026}


def reports(course: Course = COURSE, *, until_s: float = 18.0, every_s: float = 0.25) -> Iterator[Progress]:
    """Made-up reports of a race as they would come: polling uniform, the others a few milliseconds."""
    rng = np.random.default_rng(3)
    due = np.cumsum(rng.exponential(1 / course.rate_per_s, int(2 * course.rate_per_s * course.seconds)))
    due = due[due < course.seconds]
    due_s = np.repeat(due, course.clients)
    latency_s = {
        name: rng.uniform(0.002, course.interval_s, due_s.size)
        if name == "polling"
        else FASTEST_S[name] + rng.gamma(1.5, FASTEST_S[name] / 2, due_s.size)
        for name in course.transports
    }
    asked = {
        "polling": lambda now_s: int(course.clients * min(now_s, course.seconds) / course.interval_s),
        "long-polling": lambda now_s: course.clients * int((due <= now_s).sum()),
    }
    for now_s in np.arange(every_s, until_s + every_s / 2, every_s).tolist():
        seen_s = {name: due_s + latency for name, latency in latency_s.items()}
        new = {name: (each > now_s - every_s) & (each <= now_s) for name, each in seen_s.items()}
        requests = {name: asked.get(name, lambda _: 0)(now_s) for name in course.transports}
        yield Progress(
            "measuring",
            now_s / (course.seconds + course.interval_s),
            {name: int((each <= now_s).sum()) for name, each in seen_s.items()},
            now_s,
            {name: tuple(latency_s[name][mask].tolist()) for name, mask in new.items()},
            {name: tuple(due_s[mask].tolist()) for name, mask in new.items()},
            requests,
            {name: count // 3 if name == "polling" else 0 for name, count in requests.items()},
        )


def race_views() -> list[RaceView]:
    views = [RaceView(COURSE)]
    for report in reports():
        views.append(views[-1].after(report))
    return views


def polling_views() -> list[PollingView]:
    settings = PollingSettings(interval_s=2.0, clients=20, rate_per_s=0.5, seconds=20.0)
    course = Course(
        ("polling",), settings.clients, settings.rate_per_s, settings.interval_s, settings.seconds
    )
    measured = [Measured(settings)]
    for report in reports(course):
        measured.append(measured[-1].after(report))
    moved = replace(settings, interval_s=5.0, clients=50)
    return [
        PollingView(settings),
        *(PollingView(settings, each) for each in measured),
        PollingView(moved, measured[-1]),
    ]


def finished_run(*transports: str) -> Run:
    """A small run with plausible figures."""
    times_s = {
        "polling": (2.6, 4.9),
        "long-polling": (0.006, 0.03),
        "streaming": (0.003, 0.006),
        "websocket": (0.0032, 0.007),
    }
    costs = {
        "polling": (4.0, 15_000),
        "long-polling": (61.0, 90_000),
        "streaming": (0.0, 25_000),
        "websocket": (0.0, 23_000),
    }
    inputs_s = {"push_s": 0.003, "round_trip_s": 0.004, "upstream_s": 0.01, "turnaround_s": 0.0001}
    results = []
    for name in transports or TRANSPORTS:
        half, most = times_s[name]
        figures_s = Latency(
            mean=half, p50=half, p90=0.8 * most, p99=most, max=1.1 * most, min=half / 3, count=1200
        )
        asked, sent = costs[name]
        load = Load(asked, 0.0, sent / 1200, origin_requests=int(5 * asked), bytes_to_clients=sent)
        curve = tuple(np.linspace(figures_s.min, figures_s.max, 201).tolist())
        results.append(
            Result(
                name,
                20,
                60,
                Ledger(1200, 1200, 0, 0, 0, 0),
                figures_s,
                load,
                Expectation(figures_s, load),
                Verdict(),
                latency_curve_s=curve,
                measured_inputs=inputs_s,
            )
        )
    return Run("race", "2026-01-01T00:00:00Z", {"window_s": 5.0, "config": {}}, tuple(results))


def choice_views() -> list[ChoiceView]:
    check = Check(Api(clients=20, rate_per_s=3.0), finished_run())
    return [
        ChoiceView(
            Api(clients=number, rate_per_s=0.05 * number),
            share=number / 60,
            check=check if number > 30 else None,
        )
        for number in range(1, 61)
    ]


def statistics_views() -> list[StatisticsView]:
    rng = np.random.default_rng(4)
    statistics, views = Statistics(), [StatisticsView()]
    statistics.receivers = Counter()
    for number in range(130):
        statistics.connections = min(62, number)
        statistics.subscriptions = {
            ("events", "stream"): min(20, number // 2),
            ("events", "ws"): min(20, number // 3),
            ("news", "response"): min(22, number // 2),
        }
        for kind in ("http-stream", "ws-message", "http-response"):
            statistics.receivers[kind] += 20 * int(rng.poisson(1.3))
        views.append(views[-1].after(Sample.of(statistics, number / 2)))
    return views


FAULTY = ("push only", "streaming", "reliable", "polling", "long-polling")
DROP, DOWN = (3.0, 6.0), (9.0, 11.0)
S = 1_000_000_000


def fault_view(
    now_s: float, *, transports: tuple[str, ...] = FAULTY, rate_per_s: float = 5.0, until_s: float = 15.0
) -> FaultView:
    """Made up: every third publish is lost for a while, and then nobody can connect."""
    start_ns = 1000 * S
    due_s = np.arange(0, min(now_s, until_s), 1 / rate_per_s)
    lost = (due_s >= DROP[0]) & (due_s < DROP[1]) & (np.arange(len(due_s)) % 3 == 0)
    away = (due_s >= DOWN[0]) & (due_s < DOWN[1])
    found = {}
    for transport in transports:
        book = ReceiptBook()
        for event, at_s in enumerate(due_s.tolist()):
            came_s, opened_s = at_s + 0.003, 0.0
            if lost[event]:
                came_s = {"reliable": at_s + 2.0, "polling": at_s + 0.3, "long-polling": at_s + 1.0}.get(
                    transport
                )
            elif away[event]:
                came_s, opened_s = (None if transport == "push only" else DOWN[1] + 0.4), DOWN[1] + 0.3
            if came_s is not None and came_s <= now_s:
                book.write(0, event, start_ns + int(came_s * S), start_ns + int(opened_s * S))
        found[transport] = deliveries(
            book.receipts(),
            np.arange(len(due_s)),
            start_ns + (due_s * S).astype(np.int64),
            clients=1,
            not_published=np.flatnonzero(lost).tolist(),
            late_s=1.0 if transport == "polling" else 0.5,
            polls=transport == "polling",
            asks=transport == "long-polling",
        )
    presses = tuple(
        Press(name, begin_s, end_s if end_s <= now_s else None)
        for name, (begin_s, end_s) in (("drop", DROP), ("down", DOWN))
        if begin_s <= now_s
    )
    is_over = now_s >= until_s + 2
    return FaultView(
        transports, start_ns, now_s, found, presses, "Events happen.", is_ready=not is_over, is_over=is_over
    )


def fault_views() -> list[FaultView]:
    return [FaultView(FAULTY), *(fault_view(now_s) for now_s in np.arange(0.25, 17.1, 0.25).tolist())]


def id_views() -> list[FaultView]:
    shown = ("streaming", "reliable")
    moments_s = np.arange(0.25, 17.1, 0.25).tolist()
    return [FaultView(shown), *(fault_view(each, transports=shown, rate_per_s=4.0) for each in moments_s)]


def wall_run(clients: int, *, lost: tuple[int, ...] = (), pushes: int = 1) -> FanoutRun:
    """Made up: a client is reached each millisecond, in the order of their numbers."""
    reached_s = np.arange(1, clients + 1) * 1e-3
    reached_s[list(lost)] = np.inf
    return FanoutRun("", {}, tuple(wall_push(number + 1, reached_s) for number in range(pushes)))


def wall_push(number: int, reached_s: np.ndarray) -> Push:
    received = int(np.isfinite(reached_s).sum())
    return Push(
        number=number,
        transport="streaming",
        clients=len(reached_s),
        ledger=Ledger(len(reached_s), received, len(reached_s) - received, 0, 0, 0),
        latency=latency(reached_s),
        completion=completion(reached_s),
        deliveries_per_s=received / 0.1,
        per_delivery_s=per_delivery_s(reached_s),
        theory=None,
        processor_per_delivery_s={},
        lost_clients=tuple(np.flatnonzero(np.isinf(reached_s)).tolist()),
        verdict=Verdict(),
        reached_s=reached_s,
    )


WALL = Audience(10_000, instances=2)


def wall_views() -> list[WallView]:
    """As many clients as a lesson has on a large machine, reached in no order, and a few never."""
    rng = np.random.default_rng(5)
    pushes = []
    for number, tau_s in ((1, 30e-6), (2, 36e-6)):
        reached_s = 0.004 + rng.permutation(WALL.clients) * tau_s
        reached_s[rng.choice(WALL.clients, 40, replace=False)] = np.inf
        pushes.append(wall_push(number, reached_s))
    run = FanoutRun("", {}, tuple(pushes))
    views = [WallView(WALL)]
    for push in pushes:
        end_s = last_s(push)
        moments = np.linspace(0, end_s, 16)[:-1].tolist()
        views += [WallView(WALL, run, push.number, passed_s, slowed=8.0) for passed_s in moments]
        views.append(WallView(WALL, run, push.number, end_s))
    return views


WIRE = runpy.run_path(str(Path(__file__).with_name("wire.py")))  # this folder is not on the path


def long_poll_views() -> list[LongPollView]:
    seen = WIRE["LONG_POLLS"]
    return [WIRE["long_polls"](seen[:count]) for count in range(1, len(seen) + 1)]


def history_views() -> list[HistoryView]:
    seen = WIRE["HISTORY"]
    return [WIRE["history"](seen[:count]) for count in range(1, len(seen) + 1)]


@dataclass(frozen=True)
class Example:
    make_scene: Callable
    make_views: Callable[[], list]

    @property
    def views(self) -> list:
        return views_of(self.make_views)


@cache
def views_of(make_views: Callable[[], list]) -> list:
    return make_views()


EXAMPLES = {
    "race": Example(lambda: RaceScene(COURSE), race_views),
    "polling": Example(PollingScene, polling_views),
    "choice": Example(ChoiceScene, choice_views),
    "statistics": Example(StatisticsScene, statistics_views),
    "faults": Example(lambda: FaultScene(FAULTY), fault_views),
    "ids": Example(lambda: IdScene(("streaming", "reliable"), seconds=15.0, events=60), id_views),
    "wall": Example(lambda: WallScene(WALL), wall_views),
    "long-poll": Example(lambda: LongPollScene(2), long_poll_views),
    "history": Example(lambda: HistoryScene(2), history_views),
}
THEMES = {"light": LIGHT, "dark": DARK}


@cache
def last_frame(name: str, theme: str) -> bytes:
    """The frame of the last view, after others, so that everything has moved."""
    example = EXAMPLES[name]
    frames = Frames(example.make_scene, THEMES[theme])
    for view in (*example.views[:3], example.views[len(example.views) // 2]):
        frames.png(view)
    return frames.png(example.views[-1])


def small(png: bytes) -> Image.Image:
    """At half the size: what a baseline keeps."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)


def renew() -> None:
    for name in EXAMPLES:
        for theme in THEMES:
            small(last_frame(name, theme)).quantize(64).save(BASELINES / f"{name}-{theme}.png", optimize=True)


if __name__ == "__main__":
    renew()
