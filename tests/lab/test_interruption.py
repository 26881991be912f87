"""What is waited for, and what becomes of it when an interrupt comes first."""

import asyncio

import pytest

from realtime_kit.lab.interruption import Interrupted, unless


def test_what_ends_before_an_interrupt_is_given_or_raised():
    async def main():
        stop = asyncio.Event()

        async def fail():
            raise ValueError("no good")

        assert await unless(stop, asyncio.sleep(0, "done")) == "done"
        with pytest.raises(ValueError, match="no good"):
            await unless(stop, fail())

    asyncio.run(main())


def test_what_has_not_ended_is_cancelled():
    async def main():
        stop, never, ends = asyncio.Event(), asyncio.Event(), []

        async def wait():
            try:
                await never.wait()
            finally:
                ends.append("tidied up")

        asyncio.get_running_loop().call_soon(stop.set)
        with pytest.raises(Interrupted):
            await unless(stop, wait())
        assert ends == ["tidied up"]

    asyncio.run(main())


def test_what_is_under_way_may_end_within_its_grace():
    async def main():
        stop, ends = asyncio.Event(), asyncio.Event()

        async def under_way():
            stop.set()
            await asyncio.sleep(0.01)
            ends.set()
            return "done"

        assert await unless(stop, under_way(), grace_s=20) == "done"
        assert ends.is_set()

    asyncio.run(main())
