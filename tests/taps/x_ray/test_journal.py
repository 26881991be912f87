"""What is noted is decoded in order: in a pause, when somebody asks, or when too much gathers."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from realtime_kit.taps.x_ray.journal import Journal


def test_nothing_is_decoded_before_there_is_a_pause():
    async def main():
        journal, decoded = Journal(), []
        done = asyncio.Event()
        for number in range(3):
            journal.note(lambda number=number: decoded.append(number))
        journal.note(done.set)
        assert decoded == []
        await done.wait()
        assert decoded == [0, 1, 2]

    asyncio.run(main())


def test_whoever_asks_gets_all_that_was_noted_before():
    async def main():
        journal, decoded = Journal(), []
        for number in range(3):
            journal.note(lambda number=number: decoded.append(number))
        await asyncio.to_thread(journal.catch_up)
        assert decoded == [0, 1, 2]
        journal.stop()

    asyncio.run(main())


def test_too_much_is_decoded_at_once():
    async def main():
        journal, decoded = Journal(), []
        for _ in range(4):
            journal.note(lambda: decoded.append(1), 300_000)
        assert len(decoded) == 4
        journal.note(lambda: decoded.append(1), 300_000)
        assert len(decoded) == 4  # what was decoded counts no more
        journal.stop()
        assert len(decoded) == 5

    asyncio.run(main())


def test_it_works_on_another_loop_after_it_was_stopped():
    journal, decoded = Journal(), []

    async def main():
        done = asyncio.Event()
        journal.note(done.set)
        journal.note(lambda: decoded.append(1))
        journal.stop()
        assert done.is_set()
        done.clear()
        journal.note(done.set)
        await done.wait()
        journal.note(lambda: decoded.append(2))
        journal.stop()

    asyncio.run(main())
    asyncio.run(main())
    assert decoded == [1, 2, 1, 2]


def test_two_threads_keep_the_order():
    async def main():
        journal, decoded, done = Journal(), [], threading.Event()

        def ask():
            while not done.is_set():
                journal.catch_up()

        with ThreadPoolExecutor(2) as threads:
            for _ in range(2):
                threads.submit(ask)
            for number in range(3000):
                journal.note(lambda number=number: decoded.append(number))
                if number % 100 == 0:
                    await asyncio.sleep(0)
            done.set()
        journal.stop()
        assert decoded == list(range(3000))

    asyncio.run(main())
