"""The life of a cluster: one that is started twice, interrupted, or that loses an instance for good."""

import asyncio
from typing import ClassVar

import pytest

from realtime_kit import background
from realtime_kit.errors import PushpinStopped
from realtime_kit.pushpin import cluster as module
from realtime_kit.pushpin.cluster import PushpinCluster
from realtime_kit.pushpin.embedded import State


class FakePushpin:
    """It runs without a process; `trouble` is what its next starts fail with."""

    made: ClassVar[list] = []
    trouble = None

    def __init__(self, *_, **__):
        self.state, self.error = State.NEW, None
        self.starts = 0
        self.over = asyncio.Event()
        self.made.append(self)

    async def astart(self):
        self.starts += 1
        if self.trouble is not None:
            self.state = State.FAILED
            raise self.trouble
        self.state, self.over = State.READY, asyncio.Event()

    arestart = astart

    async def astop(self):
        self.state = State.STOPPED
        self.over.set()

    async def aended(self):
        if self.state is State.READY:
            await self.over.wait()

    def die(self):
        self.state = State.FAILED
        self.over.set()

    class addresses:  # noqa: N801 - stands for an attribute
        @staticmethod
        def socket(name):
            return f"ipc:///tmp/{name}"


@pytest.fixture
def made(monkeypatch):
    """Pushpins that a cluster has made."""
    monkeypatch.setattr(module, "Pushpin", FakePushpin)
    monkeypatch.setattr(module, "_PAUSE_S", 0.0)
    monkeypatch.setattr(FakePushpin, "made", [])
    return FakePushpin.made


@pytest.fixture
def kept_loop():
    """The kit's loop, while the test lasts."""
    lease = background.Lease(lambda: None)
    yield
    lease.end()


async def others():
    return len(asyncio.all_tasks()) - 1


@pytest.mark.usefixtures("kept_loop")
def test_a_cluster_that_is_started_twice_ends_at_one_stop(made):
    cluster = PushpinCluster(2)
    cluster.start()
    cluster.start()
    assert [pushpin.state for pushpin in made] == [State.READY, State.READY]
    cluster.stop()
    assert [pushpin.state for pushpin in made] == [State.STOPPED, State.STOPPED]
    assert background.run(others()) == 0  # nobody is left to start one again


def test_a_cluster_that_is_started_twice_lets_go_of_the_thread(made):
    held = background._background._holders
    cluster = PushpinCluster(1)
    cluster.start()
    cluster.start()
    cluster.stop()
    assert background._background._holders == held


def test_starts_at_the_same_time_come_one_after_the_other(made):
    async def main():
        cluster = PushpinCluster(2)
        await asyncio.gather(*(background.arun(cluster._start()) for _ in range(3)))
        assert [pushpin.starts for pushpin in made] == [3, 3]
        await background.arun(cluster._stop())
        assert [pushpin.state for pushpin in made] == [State.STOPPED] * 2

    asyncio.run(main())


def test_an_interrupt_at_the_end_of_the_start_leaves_nothing_running(made, monkeypatch):
    run = background.run

    def interrupted_at_the_end(coroutine, **options):
        result = run(coroutine, **options)
        if made[0].state is State.READY:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(background, "run", interrupted_at_the_end)
    with pytest.raises(KeyboardInterrupt):
        PushpinCluster(1).start()
    assert made[0].state is State.STOPPED


def test_a_cancelled_start_leaves_nothing_running(made, monkeypatch):
    arun = background.arun

    async def cancelled_at_the_end(coroutine):
        result = await arun(coroutine)
        if made[0].state is State.READY:
            raise asyncio.CancelledError
        return result

    monkeypatch.setattr(background, "arun", cancelled_at_the_end)

    async def main():
        with pytest.raises(asyncio.CancelledError):
            await PushpinCluster(1).__aenter__()
        assert made[0].state is State.STOPPED

    asyncio.run(main())


@pytest.mark.parametrize("trouble", [PushpinStopped("it does not want to"), OSError("no process can be had")])
def test_an_instance_that_stays_dead_is_told_at_once_with_the_reason(made, trouble):
    async def main():
        async with PushpinCluster(2) as cluster:
            assert await cluster.awhole(timeout_s=0)
            made[1].trouble = trouble
            made[1].die()
            async with asyncio.timeout(20):
                assert not await cluster.awhole(timeout_s=1000)
            assert cluster.error is trouble
            assert made[1].starts == 1 + module._RESTARTS

    background.run(main())


@pytest.mark.parametrize("trouble", [PushpinStopped("not yet"), OSError("not yet")])
def test_an_instance_that_comes_back_later_is_whole_again(made, trouble, monkeypatch):
    async def main():
        async with PushpinCluster(1) as cluster:
            tried = asyncio.Event()

            async def fail_once():
                monkeypatch.setattr(made[0], "arestart", made[0].astart)
                tried.set()
                raise trouble

            made[0].arestart = fail_once
            made[0].die()
            assert await cluster.awhole(timeout_s=20)
            assert tried.is_set()
            assert (cluster.restarts, cluster.error) == (1, trouble)

    background.run(main())


def test_a_cluster_that_has_given_up_begins_anew(made):
    cluster = PushpinCluster(1)
    cluster.start()
    made[0].trouble = PushpinStopped("gone")
    background.run(dying(made[0]))
    assert not background.run(cluster._until_whole(20))
    made[0].trouble = None
    cluster.start()
    assert background.run(cluster._until_whole(20))
    assert cluster.error is None
    cluster.stop()


async def dying(pushpin):
    pushpin.die()
