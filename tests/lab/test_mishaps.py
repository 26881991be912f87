"""Which flags are provoked, and what becomes of a mishap that cannot be arranged."""

import asyncio
from dataclasses import fields, replace

import pytest

from realtime_kit.lab import RaceSettings, mishaps
from realtime_kit.lab.rig import Rig
from realtime_kit.measurements import Evidence, judge
from realtime_kit.measurements.progress import Progress


def test_every_flag_is_provoked():
    amounts = {each.name: type(each.default)(10**9) for each in fields(Evidence) if each.name != "samples"}
    worst = Evidence(samples=0, **amounts)
    verdicts = (judge(replace(worst, message_rate=rate)) for rate in (None, 1))
    flags = dict.fromkeys(flag.name for verdict in verdicts for flag in verdict.flags)
    assert set(flags) == set(mishaps.HOW)
    assert [name for name in flags if name != "rate-limiter"] == [
        name for name in mishaps.HOW if name != "rate-limiter"
    ]


@pytest.fixture
def short_race(monkeypatch):
    """A race that is over after a moment, without anything behind it."""

    class ShortRace:
        def __init__(self, _settings, _rig, _stop, on_progress):
            self._on_progress = on_progress

        async def run(self):
            self._on_progress(Progress("measuring", 0.0, {}))
            for _ in range(9):
                await asyncio.sleep(0)
            return "the run"

    monkeypatch.setattr(mishaps, "Race", ShortRace)


def race(mishap):
    settings = RaceSettings(("streaming",))
    return asyncio.run(mishaps._race(settings, Rig(settings), mishap))


def test_a_mishap_that_cannot_be_arranged_says_why(short_race):
    async def stop_somebody(_):
        raise ProcessLookupError("nobody is there")

    with pytest.raises(ProcessLookupError, match="nobody is there"):
        race(stop_somebody)


def test_a_mishap_that_is_not_over_ends_with_the_race(short_race):
    async def wait(_):
        await asyncio.Event().wait()

    assert race(wait) == "the run"
