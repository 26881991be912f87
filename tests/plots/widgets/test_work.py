import asyncio
import concurrent.futures
import threading

import pytest

from realtime_kit.plots.widgets.work import Work

pytestmark = pytest.mark.usefixtures("nothing_left")
SOON_S = 10.0


@pytest.fixture
def begin():
    made = []

    def start(measure, on_end=lambda result, error: None):
        made.append(Work(measure, on_end=on_end))
        return made[-1]

    yield start
    for work in made:
        work.cancel()
        work.join(SOON_S)


async def until_stopped(stop):
    await stop.wait()
    return "what there was"


def test_it_gives_the_result(begin):
    async def measure(stop):
        return 42

    assert begin(measure).finished.result(SOON_S) == 42


def test_it_runs_on_the_kit_s_loop(begin):
    async def measure(stop):
        return threading.current_thread().name

    assert begin(measure).finished.result(SOON_S) == "realtime_kit"


def test_it_gives_the_error(begin):
    async def measure(stop):
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        begin(measure).finished.result(SOON_S)


def test_stopping_ends_it_early_with_what_it_has(begin):
    work = begin(until_stopped)
    work.stop()

    assert work.finished.result(SOON_S) == "what there was"


def test_stopping_once_it_runs_ends_it_as_well(begin):
    running = threading.Event()

    async def measure(stop):
        running.set()
        return await until_stopped(stop)

    work = begin(measure)
    assert running.wait(SOON_S)
    work.stop()

    assert work.finished.result(SOON_S) == "what there was"


def test_cancelling_ends_it_without_a_result_after_it_has_tidied_up(begin):
    running, tidied = threading.Event(), []

    async def measure(stop):
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append(True)

    work = begin(measure)
    assert running.wait(SOON_S)
    work.cancel()

    with pytest.raises((asyncio.CancelledError, concurrent.futures.CancelledError)):
        work.finished.result(SOON_S)
    assert tidied == [True]


def test_cancelling_at_once_never_lets_it_begin_or_ends_it(begin):
    work = begin(until_stopped)
    work.cancel()

    with pytest.raises((asyncio.CancelledError, concurrent.futures.CancelledError)):
        work.finished.result(SOON_S)


@pytest.mark.parametrize("error", [None, LookupError("nothing there")])
def test_its_end_is_told_before_those_who_wait_go_on(begin, error):
    told = []
    known = threading.Event()

    async def measure(stop):
        await asyncio.to_thread(known.wait)
        if error is not None:
            raise error
        return 42

    work = begin(measure, on_end=lambda *end: told.append((*end, work.running, work.finished.done())))
    known.set()
    work.join(SOON_S)

    assert told == [(None if error else 42, error, False, False)]
    assert work.finished.done()


def test_an_error_in_telling_it_is_told_to_those_who_wait(begin):
    def on_end(result, error):
        raise ZeroDivisionError

    async def measure(stop):
        return 42

    with pytest.raises(ZeroDivisionError):
        begin(measure, on_end).finished.result(SOON_S)


def test_stopping_and_cancelling_after_the_end_do_nothing(begin):
    async def measure(stop):
        return 1

    work = begin(measure)
    work.join(SOON_S)
    work.stop()
    work.cancel()

    assert work.finished.result(0) == 1
