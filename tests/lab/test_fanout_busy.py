"""A fan-out's account of how busy its own clients were, and what it leaves when it fails."""

import asyncio

import pytest

from realtime_kit.lab.fanout import LEAD_S, SHORT_S, share_busy
from realtime_kit.lab.interruption import ending
from realtime_kit.measurements.verdict import BUSY_LIMIT, Evidence, judge


def saturated(used_s, last_s):
    evidence = Evidence(samples=10_000, advice="", message_rate=0, processor_busy=share_busy(used_s, last_s))
    return "processor-saturated" in {flag.name for flag in judge(evidence).flags}


@pytest.mark.parametrize("last_s", [2 * SHORT_S, LEAD_S, 10.0])
def test_a_swarm_that_read_all_the_time_is_told_however_short_the_push(last_s):
    assert saturated((BUSY_LIMIT + 0.05) * last_s, last_s)
    assert not saturated((BUSY_LIMIT - 0.05) * last_s, last_s)


def test_of_what_was_over_at_once_or_never_came_nothing_is_said():
    assert share_busy(1.0, SHORT_S / 2) == share_busy(1.0, 0.0) == 0


def test_what_was_done_meanwhile_ends_with_an_error_or_a_cancelled_task():
    async def main():
        left = asyncio.Event()

        async def doing():
            try:
                await asyncio.Event().wait()
            finally:
                left.set()

        async def fail():
            async with ending(doing()) as task:
                await asyncio.sleep(0)
                raise LookupError(task)

        with pytest.raises(LookupError):
            await fail()
        assert left.is_set()

    asyncio.run(main())
