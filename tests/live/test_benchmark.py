"""The receivers that the swarm is compared with: all get every push, and a lost hold is opened anew."""

import asyncio
import importlib.util
import math
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from realtime_kit.clients.receipt import Receipts
from realtime_kit.measurements.herd import Herd
from realtime_kit.publisher import due_of

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"


@pytest.fixture
def fanout(monkeypatch):
    """The benchmark, as a module."""
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("benchmark_of_fanout", FOLDER / "fanout.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_every_kind_gets_every_push_and_says_what_it_took(fanout):
    found = asyncio.run(fanout.compare(40, instances=2, rounds=1, pushes=2))
    locust = importlib.util.find_spec("locust")
    optional = {"C": shutil.which("cc"), "kit's Locust": locust, "plain Locust": locust}
    assert set(found) == {"swarm", "aiohttp"} | {name for name, here in optional.items() if here}
    for results in found.values():
        assert [each.lost for each in results] == [0, 0]
        for each in results:
            assert 0 < each.completion_s < float("inf")
            assert each.opened_s > 0
            assert each.receiver_s > 0
            assert each.pushpin_s > 0


def test_events_say_when_they_were_due_as_locusts_users_have_to_know(fanout):
    async def pushed():
        async with fanout._pushpins(1) as (_, origin, _):
            return await origin.ask("push", due_ns=0)

    data = asyncio.run(pushed())["data"]
    assert due_of(data) is not None
    assert len(data) == 64


def test_rows_name_every_kind_and_the_growth(fanout, monkeypatch):
    calls = []

    async def compared(clients, *, rounds, pushes, only):
        calls.append(clients)
        grown = 2.0 if clients == 100 else 1.0
        return {
            "swarm": [fanout.Found(3.0, 0.2, 4e-6 * grown, 40e-6, 2000, 0)] * 3,
            "aiohttp": [fanout.Found(4.0, 0.4, 40e-6, 42e-6, 30000, 1)] * 3,
        }

    monkeypatch.setattr(fanout, "compare", compared)
    rows = list(fanout.rows((10, 100), rounds=1, pushes=3))
    assert calls == [10, 100]
    assert len(rows) == 2 * 4 + 1
    assert rows[0][1:] == ("swarm 4.0 µs, aiohttp 40.0 µs", "swarm 1 × aiohttp", True)
    assert rows[3][1] == "swarm 0, aiohttp 3"
    assert rows[-1][1:] == ("swarm × 2.00, aiohttp × 1.00", "swarm × 1.25", False)


def test_a_crowd_is_as_large_as_the_machine_can_hold_and_is_measured_against_c(fanout, monkeypatch):
    async def compared(clients, *, instances, rounds, pushes, only):
        assert (clients, instances, only) == (60_000, 6, ("swarm", "C"))
        return {
            "swarm": [fanout.Found(130.0, 3.6, 5e-6, 40e-6, 300, 0)] * 5,
            "C": [fanout.Found(90.0, 3.0, 4e-6, 40e-6, 20, 0)] * 5,
        }

    monkeypatch.setattr(fanout, "compare", compared)
    monkeypatch.setattr(fanout, "largest_swarm", lambda *, targets: (60_000, "by its free memory"))
    opened, cost, completion, memory, lost = fanout.crowd_rows()
    assert opened[0] == "fan-out to 60,000 clients through 6 Pushpins: opened (limited by its free memory)"
    assert opened[1:] == ("swarm 130 s, C 90 s", "swarm 120 s", False)
    assert cost[1:] == ("swarm 5.0 µs, C 4.0 µs", "swarm 1.2 × C", False)
    assert completion[1:] == ("swarm 3,600.0 ms, C 3,000.0 ms", "swarm 1.1 × C", False)
    assert (memory[3], lost[3]) == (True, True)


def test_who_has_an_event_twice_does_not_make_up_for_who_never_had_it(fanout):
    receiver = fanout.SwarmReceiver(["http://127.0.0.1:9/"], 3)

    async def collect():
        client, event = np.array([0, 2, 2, 1, 0]), np.array([7, 7, 7, 6, 8])
        return Receipts(client, event, np.array([10, 11, 12, 13, 14]), np.zeros(5, np.int64)), None

    receiver.swarm.collect = collect
    assert asyncio.run(receiver.received_ns(7)).tolist() == [10, 11]


def test_other_transports_reach_everybody_and_long_polls_ask_again(fanout):
    rows = list(fanout.transport_rows(60, pushes=2))
    assert [what for what, *_ in rows] == [
        "fan-out to 60 clients by websocket through one Pushpin: opened",
        "fan-out to 60 clients by websocket through one Pushpin, 2 pushes: all have it, median",
        "fan-out to 60 clients by websocket through one Pushpin, 2 pushes: lost",
        "fan-out to 60 clients by long-polling through one Pushpin: opened",
        "fan-out to 60 clients by long-polling through one Pushpin, 2 pushes: all have it, median",
        "fan-out to 60 clients by long-polling through one Pushpin, 2 pushes: lost",
        "fan-out to 60 clients by long-polling through one Pushpin, 2 pushes: all have asked again, median",
    ]
    assert all(reached for *_, reached in rows)
    assert all(rows[at][1].startswith("0 of 120") for at in (2, 5))
    assert "theory N/μ" in rows[6][1]


def test_a_transport_that_loses_or_does_not_ask_again_has_not_reached_its_rows(fanout, monkeypatch):
    monkeypatch.setattr(fanout, "largest_swarm", lambda *, targets: (20, "by its free memory"))
    good = fanout.run_fanout(clients=20, pushes=2, transport="long-polling")
    first, second = good.results

    def rows_of(*results):
        monkeypatch.setattr(fanout, "TRANSPORTS", ("long-polling",))
        monkeypatch.setattr(fanout, "run_fanout", lambda **_: replace(good, results=results))
        opened, *rows = fanout.transport_rows(60, pushes=2)
        assert opened[0].endswith("opened (limited by its free memory)")
        return [reached for *_, reached in rows]

    assert rows_of(first, second) == [True, True, True]
    lossy = replace(second, ledger=replace(second.ledger, received=19, lost=1))
    assert rows_of(first, lossy) == [False, False, True]
    assert rows_of(first, replace(second, herd=Herd(math.inf, 20, 0.1))) == [True, True, False]
    assert rows_of(first) == [False, False, False]
