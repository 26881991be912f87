"""The life of an embedded Pushpin: started, ready, stopped, replaced, interrupted, dead by itself."""

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import psutil
import pytest
import requests

from realtime_kit.errors import PushpinError, PushpinStopped, UsageError
from realtime_kit.pushpin import Pushpin, PushpinSettings, State
from realtime_kit.pushpin.instance import Instance
from realtime_kit.pushpin.readiness import Probe
from realtime_kit.pushpin.version import PushpinVersion

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

Eventually = Callable[[Callable[[], bool], str], None]


def answers(pushpin: Pushpin, origin: int) -> bool:
    return requests.get(str(pushpin.url), timeout=10).text.startswith(f"{origin} ")


def state_of(pushpin: Pushpin) -> State:
    """Its state now; an `is` on the attribute itself would count as settled for the rest of the function."""
    return pushpin.state


def interrupt() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_with_starts_it_and_stops_it(origin: int, version: PushpinVersion) -> None:
    with Pushpin(origin) as pushpin:
        assert state_of(pushpin) is State.READY
        assert answers(pushpin, origin)
        names = [process.name() for process in pushpin.processes()]
        assert names == ["pushpin", *version.components]
    assert pushpin.state is State.STOPPED
    assert pushpin.processes() == []
    assert not pushpin.addresses.run_folder.exists()


def test_async_with_starts_it_and_stops_it(origin: int) -> None:
    async def use() -> Pushpin:
        async with Pushpin(origin) as pushpin:
            await pushpin.apublish("news", "hello")
            assert await asyncio.to_thread(answers, pushpin, origin)
        return pushpin

    assert asyncio.run(use()).state is State.STOPPED


def test_it_prints_itself_at_every_stage(origin: int, version: PushpinVersion) -> None:
    pushpin = Pushpin(origin)
    assert repr(pushpin) == "<Pushpin, new>"
    with pushpin:
        assert repr(pushpin) == f"<Pushpin {version} at {pushpin.url}, ready>"
    assert repr(pushpin) == f"<Pushpin {version}, stopped>"


def test_on_ipv6_it_is_reached_and_published_to(origin: int) -> None:
    with Pushpin(origin, host="::1") as pushpin:
        assert str(pushpin.url).startswith("http://[::1]:")
        assert answers(pushpin, origin)
        pushpin.publish("news", "hello")


def test_starting_twice_replaces_the_first(origin: int) -> None:
    pushpin = Pushpin(origin).start()
    first, processes = pushpin.url, pushpin.processes()
    with pushpin.start():
        assert not any(process.is_running() for process in processes)
        assert pushpin.url != first
        assert answers(pushpin, origin)


def test_stopping_twice_or_before_the_start_does_nothing(origin: int) -> None:
    pushpin = Pushpin(origin)
    pushpin.stop()
    assert state_of(pushpin) is State.NEW
    pushpin.start()
    pushpin.stop()
    pushpin.stop()
    assert pushpin.state is State.STOPPED


def test_what_asks_for_a_running_one_says_that_it_was_not_started() -> None:
    pushpin = Pushpin(8000)
    for ask in (
        lambda: pushpin.url,
        lambda: pushpin.control_url,
        lambda: pushpin.sig_key,
        lambda: pushpin.statistics,
        lambda: pushpin.publish("news", "hello"),
        lambda: asyncio.run(pushpin.auntil(lambda _: True)),
    ):
        with pytest.raises(UsageError, match="has not been started"):
            ask()
    assert pushpin.log == ""


def test_several_run_side_by_side_even_in_one_folder(origin: int, second_origin: int) -> None:
    async def use() -> None:
        first, second = Pushpin(origin, run_folder="/tmp/"), Pushpin(second_origin, run_folder="/tmp/")
        async with first, second:
            assert first.sig_key != second.sig_key
            assert first.addresses.run_folder != second.addresses.run_folder
            assert await asyncio.to_thread(answers, first, origin)
            assert await asyncio.to_thread(answers, second, second_origin)

    asyncio.run(use())


def test_several_start_at_once(origin: int) -> None:
    async def start() -> None:
        instances = [Pushpin(origin) for _ in range(4)]
        await asyncio.gather(*(pushpin.astart() for pushpin in instances))
        assert all([await asyncio.to_thread(answers, pushpin, origin) for pushpin in instances])
        await asyncio.gather(*(pushpin.astop() for pushpin in instances))

    asyncio.run(start())


def test_starts_and_stops_from_many_threads_wait_for_each_other(origin: int) -> None:
    pushpin = Pushpin(origin)
    threads = [threading.Thread(target=do) for do in (pushpin.start, pushpin.stop) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pushpin.state in (State.READY, State.STOPPED)
    pushpin.stop()


def test_twenty_starts_and_stops_leave_nothing(origin: int) -> None:
    pushpin = Pushpin(origin)
    for _ in range(20):
        with pushpin:
            assert pushpin.state is State.READY


def test_its_log_can_be_read_while_it_runs_and_afterwards(origin: int) -> None:
    with Pushpin(origin, settings=PushpinSettings(log_level=2)) as pushpin:
        assert "[handler] started" in pushpin.log
    assert "[handler] started" in pushpin.log


def test_an_exception_in_the_block_stops_it(origin: int) -> None:
    pushpin = Pushpin(origin)
    with pytest.raises(ZeroDivisionError), pushpin:
        _ = 1 / 0
    assert pushpin.state is State.STOPPED


@pytest.mark.parametrize("number", range(5))
def test_when_a_part_dies_it_has_failed_and_says_which(
    origin: int, number: int, version: PushpinVersion, eventually: Eventually
) -> None:
    parts = ["its runner", *version.services]
    if number == len(parts):
        pytest.skip("from 1.40 on there is one part less")
    with Pushpin(origin, settings=PushpinSettings(log_level=2)) as pushpin:
        pushpin.processes()[number].kill()
        eventually(lambda: pushpin.state is State.FAILED, "still ready")
        assert isinstance(pushpin.error, PushpinStopped)
        part = parts[number].removeprefix("pushpin-")
        assert ("was killed" if number == 0 else f"part {part} ended") in str(pushpin.error)
        assert pushpin.processes() == []
        assert not pushpin.addresses.run_folder.exists()
    assert pushpin.state is State.FAILED
    assert pushpin.log == pushpin.error.log != ""


def test_after_its_death_it_can_be_started_again(origin: int, eventually: Eventually) -> None:
    pushpin = Pushpin(origin).start()
    pushpin.processes()[0].kill()
    eventually(lambda: pushpin.state is State.FAILED, "still ready")
    with pushpin:
        assert pushpin.error is None
        assert answers(pushpin, origin)


def test_whoever_waits_for_statistics_learns_of_its_death(origin: int, version: PushpinVersion) -> None:
    async def wait() -> None:
        async with Pushpin(origin) as pushpin:
            waiting = asyncio.create_task(pushpin.auntil(lambda _: False))
            await pushpin.auntil(lambda _: True)
            pushpin.processes()[1].kill()
            with pytest.raises(PushpinStopped, match=f"{version.services[0]} ended unexpectedly"):
                await waiting

    asyncio.run(wait())


def test_whoever_waits_for_statistics_learns_that_it_was_stopped(origin: int) -> None:
    async def wait() -> None:
        async with Pushpin(origin) as pushpin:
            waiting = asyncio.create_task(pushpin.auntil(lambda _: False))
            await pushpin.auntil(lambda _: True)
        with pytest.raises(PushpinStopped, match="was stopped before"):
            await waiting

    asyncio.run(wait())


async def interrupted_in_the_middle(*_: object) -> NoReturn:
    interrupt()
    await asyncio.Event().wait()
    raise AssertionError


become_ready = Instance.become_ready


async def interrupted_at_the_end(instance: Instance) -> None:
    await become_ready(instance)
    interrupt()


@pytest.mark.parametrize(
    ("owner", "name", "interrupted"),
    [
        (Probe, "__aenter__", interrupted_in_the_middle),
        (Probe, "succeed", interrupted_in_the_middle),
        (Instance, "become_ready", interrupted_at_the_end),
    ],
    ids=["before anything runs", "while it becomes ready", "when it is ready"],
)
def test_an_interrupt_during_the_start_leaves_nothing(
    origin: int, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, interrupted: Any
) -> None:
    monkeypatch.setattr(owner, name, interrupted)
    pushpin = Pushpin(origin)
    before = set(psutil.Process().children())
    with pytest.raises(KeyboardInterrupt):
        pushpin.start()
    assert pushpin.state is State.STOPPED
    assert set(psutil.Process().children()) <= before


@pytest.mark.parametrize("at", ["succeed", "__aenter__"])
def test_cancelling_an_async_start_leaves_nothing(
    origin: int, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    started = threading.Event()

    async def wait_for_ever(*_: object) -> None:
        started.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Probe, at, wait_for_ever)
    before = set(psutil.Process().children())

    async def use() -> None:
        pushpin = Pushpin(origin)

        async def enter() -> None:
            async with pushpin:
                raise AssertionError

        entering = asyncio.create_task(enter())
        await asyncio.to_thread(started.wait)
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering
        assert pushpin.state is State.STOPPED
        assert set(psutil.Process().children()) <= before

    asyncio.run(use())


def test_interrupting_a_cell_does_not_stop_it(origin: int) -> None:
    with Pushpin(origin) as pushpin:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert answers(pushpin, origin)
        assert isinstance(pushpin.error, PushpinError | None)
