"""The fault lab, without what it breaks: what is kept when a fault cannot be measured, and how long it waits."""

from __future__ import annotations

import asyncio
import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from realtime_kit import cli
from realtime_kit.errors import RealtimeKitError, UsageError
from realtime_kit.lab import fault_watch as watch_module
from realtime_kit.lab.fault_bench import FaultBench
from realtime_kit.lab.fault_watch import FaultWatch
from realtime_kit.lab.faults import FaultSettings, faults
from realtime_kit.lab.scenarios import find_scenarios
from realtime_kit.measurements.fault_ledger import FaultLedger
from realtime_kit.measurements.fault_run import STRETCHES, FaultResult, FaultRun

module = importlib.import_module("realtime_kit.lab.faults")  # the package has a function of that name


class Breaking:
    """Settles at once, but for `down`, which cannot be measured."""

    def __init__(self, settings, scenario, _):
        self._names = settings.transports
        self._scenario = scenario.name

    async def run(self):
        if self._scenario == "down":
            message = "the faults cannot begin"
            raise RealtimeKitError(message)
        ledgers = {stretch: FaultLedger(expected=1, direct=1) for stretch in STRETCHES}
        return [FaultResult(self._scenario, name, 1, 3, ledgers, 0.0, None) for name in self._names]


@pytest.fixture
def without_pushpin(monkeypatch):
    monkeypatch.setattr(module, "_Breaking", Breaking)


@pytest.mark.usefixtures("without_pushpin")
def test_a_fault_that_cannot_be_measured_takes_no_other_with_it(capsys):
    run = faults(scenario="drop,down,none", transports=("reliable",))
    assert [each.scenario for each in run.results] == ["drop", "none"]
    assert run.failed == {"down": "the faults cannot begin"}
    assert not run.trustworthy
    assert FaultRun.from_json(run.to_json()) == run

    assert cli.run(["faults", "--scenario", "drop,down,none"]) == 1
    said = capsys.readouterr()
    assert "not measured: down. the faults cannot begin" in said.out + said.err
    assert "not everything could be measured: down" in said.out + said.err


@pytest.mark.usefixtures("without_pushpin")
def test_if_no_fault_can_be_measured_it_says_why():
    with pytest.raises(RealtimeKitError, match="the faults cannot begin"):
        faults(scenario="down")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"transports": ()}, "at least one, and each once"),
        ({"transports": ("polling", "polling")}, "at least one, and each once"),
        ({"clients": 1.5}, "clients is 1.5: it has to be a whole number"),
        ({"clients": "3"}, "clients is '3': it has to be a whole number"),
        ({"seconds": "6"}, "seconds is '6': it has to be a number"),
        ({"scenario": "all,drop"}, "all stands alone"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(settings, said):
    with pytest.raises(UsageError, match=said):
        FaultSettings(**settings)


def test_nothing_measured_is_nothing_to_trust():
    assert not FaultRun("", {}, {}, ()).trustworthy


@pytest.mark.parametrize("transport", ["streaming", "websocket"])
def test_what_a_client_is_owed_is_waited_for_until_it_is_back(monkeypatch, transport):
    """One is away when everything has been published, and comes back later with what it missed."""
    monkeypatch.setattr(module, "LEAST_DRAIN_S", 0.05)
    monkeypatch.setattr(module, "PROBE_EVERY_S", 0.01)

    async def main() -> None:
        bench = FaultBench((transport,), clients=2, seed=1)
        (scenario,) = find_scenarios("down")
        breaking = module._Breaking(
            FaultSettings(scenario="down", clients=2, transports=(transport,)), scenario, asyncio.Event()
        )
        breaking._first_id, breaking._due_ns = 1, np.zeros(3, np.int64)
        book = bench.books[transport]
        for number in (1, 2, 3):
            bench.log.append("event")
            book.write(0, number, 1, 1)
        draining = asyncio.create_task(breaking._drain(bench))
        probed = asyncio.Queue()
        bench.log.on_append(lambda event_id, _: probed.put_nowait(event_id))
        for _ in range(3):
            book.write(0, await probed.get(), 2, 1)
            assert not draining.done()
        for number in (1, 2, 3, bench.log.last_id):
            book.write(1, number, 3, 2)
        await draining
        assert breaking._missing(bench, transport) == 0

    asyncio.run(main())


def test_who_recovers_gets_no_help_from_a_probe(monkeypatch):
    """It would notice by that what it misses, sooner than it does."""
    monkeypatch.setattr(module, "LEAST_DRAIN_S", 0.0)
    monkeypatch.setattr(module, "PROBE_EVERY_S", 0.0)
    monkeypatch.setattr(module, "DRAIN_S", 0.3)
    monkeypatch.setattr(watch_module, "DRAIN_S", 0.3)
    names = ("streaming", "reliable")

    async def main() -> None:
        bench = FaultBench(names, clients=1, seed=1)
        (scenario,) = find_scenarios("drop")
        settings = FaultSettings(scenario="drop", clients=1, transports=names)
        breaking = module._Breaking(settings, scenario, asyncio.Event())
        breaking._first_id, breaking._due_ns = 1, np.ones(1, np.int64)
        bench.log.append("event")
        await breaking._drain(bench)
        assert bench.log.last_id == 1

        watch = FaultWatch(
            names, clients=1, rate=1, seconds=2, seed=1, report=lambda _: None, own_clock=False
        )
        bench.publishes = SimpleNamespace(dropped=set())
        watch._bench, watch._first_id, watch._due_ns = bench, 1, np.ones(1, np.int64)
        watch._pacer = SimpleNamespace(fired=1)
        await watch.drain()
        assert bench.log.last_id == 1
        bench.books["reliable"].write(0, 1, 2, 0)
        await watch.drain()
        assert bench.log.last_id == 2

    asyncio.run(main())


def test_push_alone_is_not_waited_for(monkeypatch):
    """It does not say what it had when it comes back, so what it missed is lost."""
    monkeypatch.setattr(module, "LEAST_DRAIN_S", 0.05)

    async def main() -> None:
        bench = FaultBench(("push only",), clients=1, seed=1)
        (scenario,) = find_scenarios("down")
        settings = FaultSettings(scenario="down", clients=1, transports=("push only",))
        breaking = module._Breaking(settings, scenario, asyncio.Event())
        breaking._first_id, breaking._due_ns = 1, np.zeros(1, np.int64)
        bench.log.append("event")
        await breaking._drain(bench)
        assert bench.log.last_id == 1

    asyncio.run(main())
