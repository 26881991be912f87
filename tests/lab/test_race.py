"""The course of a race, over processes that answer as a test tells them to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from realtime_kit import RaceSettings
from realtime_kit.errors import RealtimeKitError
from realtime_kit.lab.interruption import ENDING_EARLY, STOPPING, Interrupted
from realtime_kit.lab.race import Race
from realtime_kit.lab.rig import ProcessorTime
from realtime_kit.measurements import Progress
from realtime_kit.worker import WorkerError

SETTINGS = RaceSettings(transports=("streaming",), clients=1, rate=1, seconds=1, arrivals="periodic")
Answer = Callable[..., Awaitable[Any]]


def answering(value: Any) -> Answer:
    async def answer(**_: Any) -> Any:
        return value

    return answer


async def until_the_end(*, end_ns: int, **_: Any) -> None:
    await asyncio.sleep((end_ns - time.monotonic_ns()) / 1e9)


def for_ever() -> Answer:
    async def answer(**_: Any) -> None:
        await asyncio.Event().wait()

    return answer


def failing(error: Exception) -> Answer:
    async def answer(**_: Any) -> None:
        raise error

    return answer


class Asked:
    """A process that answers from a table."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers

    async def ask(self, do: str, **arguments: Any) -> Any:
        return await self.answers[do](**arguments)


class FakeRig:
    """Everything arrives at once, and nothing goes wrong, unless told otherwise."""

    def __init__(self, **streaming: Answer) -> None:
        self.origin = Asked(
            warm_up=answering({"last_id": 4}),
            run=answering(None),
            asked=answering({}),
            halt=answering({"last_id": 5}),
            report=answering({}),
        )
        self.reference = Asked(report=answering({}))
        everything = {
            "window": until_the_end,
            "progress": answering(
                {"received": 1, "sample": [], "stride": 1, "empty_responses": 0, "errors": []}
            ),
            "roll_call": answering([]),
            "report": answering({"errors": []}),
        }
        self.loads = {"streaming": Asked(**everything | streaming)}
        self.pushpin = SimpleNamespace()

    def processor_time(self) -> ProcessorTime:
        return ProcessorTime({})


def race_over(rig: FakeRig, on_progress: Callable[[Progress], object] = lambda _: None) -> Race:
    return Race(SETTINGS, rig, asyncio.Event(), on_progress)  # type: ignore[arg-type]


def test_a_load_that_cannot_note_its_counters_ends_the_race_with_its_reason() -> None:
    async def main() -> None:
        race = race_over(FakeRig(window=failing(WorkerError("the streaming clients: no counters"))))
        with pytest.raises(WorkerError, match="no counters"):
            await race.measure()

    asyncio.run(main())


def test_a_load_that_fails_at_the_windows_very_end_is_heard_of_too() -> None:
    async def fail_at_the_end(*, end_ns: int, **_: Any) -> None:
        # Later than everything that is owed has arrived, so that only waiting for the answer can tell.
        await asyncio.sleep((end_ns - time.monotonic_ns()) / 1e9 + 0.2)
        raise WorkerError("no counters at the end")

    async def main() -> None:
        with pytest.raises(WorkerError, match="no counters at the end"):
            await race_over(FakeRig(window=fail_at_the_end)).measure()

    asyncio.run(main())


def test_a_race_that_is_ended_early_does_not_wait_for_the_end_of_the_loads_windows() -> None:
    async def main() -> None:
        race = race_over(
            FakeRig(window=for_ever()), lambda progress: race.stop.set() if progress.received else None
        )
        await race.measure()
        assert race.ended_early
        assert race.start_ns < race.end_ns < race.start_ns + SETTINGS.seconds * 1e9

    asyncio.run(main())


def test_what_has_happened_before_an_early_end_is_waited_for() -> None:
    called: list[int] = []

    async def roll_call(*, event_id: int, **_: Any) -> list[int]:
        called.append(event_id)
        return []

    async def main() -> None:
        rig = FakeRig(window=for_ever(), roll_call=roll_call)
        race = race_over(rig, lambda progress: race.stop.set() if progress.received else None)
        await race.measure()

    asyncio.run(main())
    assert called == [5]


def test_a_race_that_is_ended_before_its_window_opens_has_measured_nothing() -> None:
    async def main() -> None:
        race = race_over(FakeRig())
        race.end_early()
        with pytest.raises(Interrupted):
            await race.measure()

    asyncio.run(main())


def test_an_interrupt_is_answered_at_once_with_whether_there_is_anything_to_keep() -> None:
    told: list[Progress] = []

    async def main() -> None:
        race = race_over(FakeRig(), told.append)
        race.end_early()
        assert told[-1].phase == STOPPING
        race.stop.clear()
        await race.measure()
        race.end_early()
        assert told[-1] == replace(told[-2], phase=ENDING_EARLY, latencies_s={}, due_s={})
        assert told[-1].received == {"streaming": 1}

    asyncio.run(main())


def test_an_interrupt_when_all_has_been_measured_costs_the_run_nothing() -> None:
    async def main() -> None:
        race = race_over(FakeRig())
        await race.measure()
        race.end_early()
        assert not race.ended_early

    asyncio.run(main())


def test_a_client_that_gave_up_after_the_last_look_at_it_ends_the_race_too() -> None:
    async def main() -> None:
        race = race_over(FakeRig(report=answering({"errors": ["gave up on http://there"]})))
        await race.measure()
        with pytest.raises(RealtimeKitError, match=r"a client gave up .* http://there"):
            await race.settle()

    asyncio.run(main())
