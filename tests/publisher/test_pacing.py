"""The pacer: everything is fired in order and on time, whatever firing does."""

import asyncio
import threading
import time

import numpy as np
import pytest

from realtime_kit.errors import UsageError
from realtime_kit.publisher import Pacer

NEVER_S = 10**6  # eleven days


def due(*offsets_s):
    return np.array([time.monotonic_ns() + int(offset * 1e9) for offset in offsets_s], np.int64)


def test_every_event_is_fired_once_in_order_and_not_before_it_is_due():
    async def main():
        fired = []
        intended = due(*np.linspace(0.01, 0.2, 500))
        pacer = Pacer(intended, lambda index: fired.append((index, time.monotonic_ns())))
        await pacer.run()
        assert [index for index, _ in fired] == list(range(500))
        assert all(at >= intended[index] for index, at in fired)
        assert (pacer.slip_s >= 0).all()
        assert len(pacer.slip_s) == pacer.fired == 500

    asyncio.run(main())


def test_events_due_in_the_past_are_fired_at_once_and_their_lateness_is_reported():
    async def main():
        fired = []
        pacer = Pacer(due(-2, -1, -1), fired.append)
        await pacer.run()
        assert fired == [0, 1, 2]
        assert pacer.slip_s[0] >= 2
        assert pacer.slip_s[1] >= 1

    asyncio.run(main())


def test_what_is_fired_is_never_waited_for():
    async def main():
        tasks = []
        never = asyncio.Event()
        await Pacer(due(0, 0.01, 0.02), lambda _: tasks.append(asyncio.create_task(never.wait()))).run()
        assert [task.done() for task in tasks] == [False] * 3
        for task in tasks:
            task.cancel()

    asyncio.run(main())


def test_a_loop_that_was_blocked_shows_as_slip_of_what_was_due_meanwhile():
    async def main():
        blocked_s = 0.05

        def fire(index):
            if index == 0:
                time.sleep(blocked_s)

        intended = due(0, 0.001, 0.002)
        pacer = Pacer(intended, fire)
        await pacer.run()
        # Events 1 and 2 fell due while the loop was blocked: they are as late as the rest of the block.
        started_s, *late_s = pacer.slip_s
        for late, after in zip(late_s, (0.001, 0.002), strict=True):
            assert late >= started_s + blocked_s - after - 1e-6

    asyncio.run(main())


def test_an_empty_schedule_is_over_at_once():
    async def main():
        pacer = Pacer(due(), lambda _: None)
        await pacer.run()
        assert pacer.fired == len(pacer.slip_s) == 0

    asyncio.run(main())


def test_stopping_ends_the_run_and_fires_nothing_more():
    async def main():
        pacer = Pacer(due(0, *[NEVER_S] * 3), lambda _: pacer.stop())
        await pacer.run()
        assert pacer.fired == 1

    asyncio.run(main())


def test_stopping_takes_effect_on_events_that_are_already_overdue():
    async def main():
        pacer = Pacer(due(*[-1] * 100), lambda index: index == 4 and pacer.stop())
        await pacer.run()
        assert pacer.fired == 5

    asyncio.run(main())


def test_stopping_before_the_run_fires_nothing():
    async def main():
        pacer = Pacer(due(-1), lambda _: None)
        pacer.stop()
        await pacer.run()
        assert pacer.fired == 0

    asyncio.run(main())


def test_cancelling_ends_the_thread_and_fires_nothing_more():
    async def main():
        before = set(threading.enumerate())
        pacer = Pacer(due(NEVER_S), lambda _: None)
        running = asyncio.create_task(pacer.run())
        await asyncio.sleep(0)
        (thread,) = set(threading.enumerate()) - before
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        await asyncio.to_thread(thread.join)
        assert pacer.fired == 0

    asyncio.run(main())


def test_an_event_that_raises_ends_the_run_with_its_error():
    async def main():
        def fire(index):
            if index == 2:
                raise LookupError("no such channel")

        pacer = Pacer(due(*[0] * 5), fire)
        with pytest.raises(LookupError, match="no such channel"):
            await pacer.run()
        assert pacer.fired == len(pacer.slip_s) == 3

    asyncio.run(main())


def test_a_pacer_runs_once():
    async def main():
        pacer = Pacer(due(), lambda _: None)
        await pacer.run()
        with pytest.raises(UsageError, match="runs once"):
            await pacer.run()

    asyncio.run(main())


def test_a_loop_that_is_gone_ends_the_thread_without_a_complaint():
    before = set(threading.enumerate())
    loop = asyncio.new_event_loop()
    pacer = Pacer(due(0.05), lambda _: None)
    running = loop.create_task(pacer.run())
    loop.run_until_complete(asyncio.sleep(0))
    (thread,) = set(threading.enumerate()) - before
    running.cancel()
    pacer._stop = threading.Event()  # so that the thread goes on and finds the loop closed
    loop.run_until_complete(asyncio.wait([running]))
    loop.close()
    thread.join()
    assert pacer.fired == 0
