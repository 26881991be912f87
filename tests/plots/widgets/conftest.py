"""What the tests of boards share: made-up views, a clock, a measurement in the test's hands."""

import asyncio
import importlib.util
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import FrameType, ModuleType

import pytest
from ipywidgets.widgets.widget import _instances

from realtime_kit.measurements.progress import Progress
from realtime_kit.plots.widgets.pace import Clock


def load(name: str) -> ModuleType:
    """A module of this folder, which is not on the path."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"hand_made_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def wire() -> ModuleType:
    """The builders of `wire.py`."""
    return load("wire")


@pytest.fixture(scope="session")
def pictures() -> ModuleType:
    """The example views of `pictures.py`."""
    return load("pictures")


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fails if a widget or a thread outlives the test."""
    widgets, threads = set(_instances), set(threading.enumerate())
    yield
    assert set(_instances) <= widgets
    assert set(threading.enumerate()) <= threads


class FakeClock(Clock):
    """Time that passes only when somebody waits for it, or when the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def now_s(self) -> float:
        return self.now

    def wait(self, changed: threading.Condition, timeout_s: float) -> None:
        self.now += timeout_s


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class FakeMeasurement:
    """A measurement in the test's hands: it goes on until told to, and ends early when asked to.

    Attributes:
        settings: What each start was given.
        began: Set when it has begun.
        go_on: Lets it send its reports and end.
        reports: What it reports. `outcome` is what it gives, or raises.
        ended_early: Whether it was asked to.
    """

    def __init__(self) -> None:
        self.settings: list[object] = []
        self.began, self.go_on = threading.Event(), threading.Event()
        self.reports: list[Progress] = []
        self.outcome: object = None
        self.ended_early = False

    async def __call__(self, *given: object) -> object:
        *settings, report, stop = given
        self.settings.append(*settings or [None])
        self.began.set()
        while not (self.go_on.is_set() or stop.is_set()):  # noqa: ASYNC110 - one is a thread's event
            await asyncio.sleep(0.001)
        self.ended_early = stop.is_set()
        for each in self.reports:
            report(each)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.fixture
def measurement() -> FakeMeasurement:
    return FakeMeasurement()


@pytest.fixture
def interrupt_when() -> Iterator[Callable[..., None]]:
    """Sends Ctrl-C to the main thread once for each event as it is set, when it waits for a result.

    At any other moment the interrupt would hit the test itself, and end the whole run. So nothing is sent if the
    main thread does not come to wait, and the test fails by itself.
    """
    threads: list[threading.Thread] = []
    over = threading.Event()

    def begin(*events: threading.Event) -> None:
        main = threading.main_thread().ident

        def send() -> None:
            for event in events:
                while not (event.is_set() and _waits_for_a_result(sys._current_frames()[main])):
                    if over.wait(0.001):
                        return
                signal.pthread_kill(main, signal.SIGINT)

        threads.append(threading.Thread(target=send))
        threads[-1].start()

    yield begin
    over.set()
    for thread in threads:
        thread.join()


def _waits_for_a_result(frame: FrameType) -> bool:
    """Whether a thread is in the wait of a future's `result`; starting a thread waits in the same module.

    A wait that has only begun cannot be interrupted yet: it has let go of its lock, and would do so once more.
    """
    waits_for = frame.f_back
    return (
        frame.f_code is threading.Condition.wait.__code__
        and "gotit" in frame.f_locals
        and waits_for is not None
        and waits_for.f_code is Future.result.__code__
    )
