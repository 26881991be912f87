"""A fan-out's own part, without a Pushpin behind it: what ends it, what it flags, and when it opens its doors anew."""

import asyncio
import importlib
import math
import os
import time
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from yarl import URL

from realtime_kit.clients.receipt import Receipts
from realtime_kit.errors import ClientError, PushpinStopped
from realtime_kit.lab.fanout import FanoutSettings, _prepared
from realtime_kit.pushpin.cluster_statistics import ClusterStatistics
from realtime_kit.worker import WorkerError

module = importlib.import_module("realtime_kit.lab.fanout")  # its package has a function of that name
CLIENTS = 4


class InBlock:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


class Bench:
    """A cluster, an origin and a swarm that do what they are told; `done` is what they were asked, in order."""

    def __init__(self):
        self.done = []
        self.whole = True
        self.lonely = []
        self.last_id = self.requests = 0
        self.fails = {}
        self.stop = asyncio.Event()
        self.cluster = type("Cluster", (InBlock,), {"__len__": lambda _: 1})()
        self.cluster.instances = [SimpleNamespace(installation=None, publisher_options=dict)]
        self.cluster.urls, self.cluster.sub_specs = [URL("http://127.0.0.1:9")], ["ipc://sub"]
        self.cluster.restarts, self.cluster.error = 0, None
        self.cluster.given_up = asyncio.Event()
        self.cluster.processes = lambda: [psutil.Process()]
        self.cluster.statistics = ClusterStatistics(())
        self.cluster.awhole = self.awhole
        self.origin = InBlock()
        self.origin.pid, self.origin.ask = os.getpid(), self.ask_origin
        self.swarm = InBlock()
        self.swarm.workers = [SimpleNamespace(pid=os.getpid())]
        self.swarm.asked_per_s = 1000.0
        for name in ("open", "arm", "reopen", "unconnected", "expect", "reached", "ask", "collect"):
            setattr(self.swarm, name, getattr(self, name))

    def _do(self, name):
        self.done.append(name)
        if error := self.fails.get((name, self.done.count(name))):
            raise error

    async def awhole(self, *, timeout_s):
        return self.whole

    async def ask_origin(self, do, **_):
        if do == "push":
            self._do("push")
            self.last_id += 1
            return {"event_id": self.last_id, "not_published": [], "slip_s": 0.0}
        if do == "publish_to":
            self._do("doors")
        return {"port": 9, "requests": self.requests, "repeats": 0}

    async def open(self, *, cursor):
        self._do("open")

    async def arm(self, push, *, next_id, timeout_s):
        self._do("arm")
        await push()
        return 0

    async def reopen(self, numbers):
        self._do("reopen")

    async def unconnected(self):
        return self.lonely

    async def expect(self, event_id):
        pass

    async def reached(self, *, timeout_s):
        return []

    async def ask(self, after, *, timeout_s):
        return True

    async def collect(self):
        self._do("collect")
        clients = np.arange(CLIENTS, dtype=np.int32)
        now_ns = np.full(CLIENTS, time.monotonic_ns())
        return (
            Receipts(clients, np.full(CLIENTS, self.last_id), now_ns, np.zeros(CLIENTS, np.int64)),
            SimpleNamespace(retries=0, losses=0, reasons=(), lost_because=(), bytes_per_client=0.0),
        )


@pytest.fixture
def bench(monkeypatch):
    """Behind every fan-out of the test. An event is due at once."""
    made = Bench()
    monkeypatch.setattr(module, "PushpinCluster", lambda *_, **__: made.cluster)
    monkeypatch.setattr(module, "Worker", lambda *_, **__: made.origin)
    monkeypatch.setattr(module, "Swarm", lambda *_, **__: made.swarm)
    monkeypatch.setattr(module, "LEAD_S", 0.0)
    monkeypatch.setattr(module, "GRACE_S", 0.01)
    return made


def run(bench, on_phase=lambda _: None, **changes):
    settings = FanoutSettings(**{"clients": CLIENTS, "pushes": 3} | changes)
    return asyncio.run(_prepared(settings, on_phase, {}, bench.stop).run())


def flags(push):
    return {flag.name: flag for flag in push.verdict.flags}


def when(phase, do):
    return lambda now: do() if now == phase else None


# What ends it


def test_a_process_that_is_gone_before_anything_was_measured_is_named(bench):
    async def interrupted(*_, **__):
        bench.stop.set()
        await asyncio.Event().wait()

    bench.swarm.arm = interrupted
    bench.fails = {("collect", 1): WorkerError("process 1 of the swarm has ended by itself")}
    with pytest.raises(WorkerError, match="process 1 of the swarm"):
        run(bench)


def test_an_instance_that_does_not_come_back_ends_the_run_and_the_pushes_are_kept(bench):
    def die():
        bench.whole, bench.cluster.error = False, PushpinStopped("it has burnt down")

    result = run(bench, when("push 3 of 3", die))
    first, second = result.results
    assert "unfinished" not in flags(first)
    assert flags(second)["unfinished"].found == 1
    assert "it has burnt down" in flags(second)["unfinished"].meaning
    assert not result.interrupted
    assert not result.trustworthy


def test_clients_are_not_waited_for_whose_instance_is_given_up_meanwhile(bench):
    async def reopen(_):
        bench.cluster.error = PushpinStopped("it has burnt down")
        bench.cluster.given_up.set()
        await asyncio.Event().wait()

    bench.swarm.reopen = reopen
    result = run(bench, when("push 2 of 3", lambda: bench.lonely.append(1)))
    (push,) = result.results
    assert "it has burnt down" in flags(push)["unfinished"].meaning
    assert not result.interrupted


@pytest.mark.parametrize("error", [ClientError("2 clients are silent"), WorkerError("the swarm has ended")])
@pytest.mark.parametrize("at", [("arm", 2), ("push", 4), ("collect", 6)])
def test_whatever_cannot_go_on_leaves_what_was_measured(bench, error, at):
    bench.fails[at] = error
    result = run(bench, when("push 3 of 3", lambda: bench.lonely.append(1)))
    assert [push.number for push in result.results] == [1, 2]
    assert str(error) in flags(result.results[-1])["unfinished"].meaning
    assert flags(result.results[-1])["unfinished"].found == 1
    assert not result.interrupted


def test_who_does_not_come_back_is_not_waited_for_without_end(bench, monkeypatch):
    async def reopen(_):
        await asyncio.Event().wait()

    bench.swarm.reopen = reopen
    for name in ("PATIENCE_S", "ROLL_CALL_S"):
        monkeypatch.setattr(module, name, 0.01)
    result = run(bench, when("push 2 of 3", lambda: bench.lonely.append(1)))
    (push,) = result.results
    assert "1 clients had lost their connection" in flags(push)["unfinished"].meaning


@pytest.mark.parametrize(
    ("at", "error"), [(("arm", 1), ClientError("silent")), (("push", 2), WorkerError("gone"))]
)
def test_without_a_push_there_is_nothing_to_keep_and_the_reason_is_raised(bench, at, error):
    bench.fails[at] = error
    with pytest.raises(type(error), match=str(error)):
        run(bench)


def test_a_swarm_that_is_gone_does_not_take_the_pushes_along(bench):
    gone = WorkerError("process 1 of the swarm has ended by itself")
    bench.fails |= {("collect", number): gone for number in range(6, 9)}
    result = run(bench)
    assert len(result.results) == 2
    assert "has ended by itself" in flags(result.results[-1])["unfinished"].meaning


# The herd


def test_a_herd_that_is_not_complete_is_flagged(bench):
    async def ask(after, *, timeout_s):
        return after != 3  # after the second push

    bench.swarm.ask = ask
    result = run(bench, transport="long-polling")
    assert [push.herd.rearmed_s == math.inf for push in result.results] == [False, True, False]
    assert ["not-rearmed" in flags(push) for push in result.results] == [False, True, False]
    assert not result.interrupted


def test_an_interrupt_in_the_last_herd_is_told(bench):
    async def ask(after, *, timeout_s):
        bench.stop.set()
        await asyncio.Event().wait()

    bench.swarm.ask = ask
    result = run(bench, pushes=1, transport="long-polling")
    (push,) = result.results
    assert push.herd is None
    assert "cut-short" in flags(push)
    assert "not-rearmed" not in flags(push)
    assert result.interrupted


def test_an_interrupt_in_a_herd_that_is_complete_a_moment_later_changes_nothing(bench, monkeypatch):
    monkeypatch.setattr(module, "GRACE_S", 60.0)

    async def ask(after, *, timeout_s):
        bench.stop.set()
        await asyncio.sleep(0)
        return True

    bench.swarm.ask = ask
    result = run(bench, pushes=1, transport="long-polling")
    assert "cut-short" not in flags(result.results[0])
    assert not result.interrupted


# Several instances


@pytest.mark.parametrize(("instances", "limited"), [(1, True), (2, False)])
def test_the_limiter_of_each_instance_meets_the_clients_of_that_instance_alone(bench, instances, limited):
    # It releases three deliveries at a time.
    result = run(bench, instances=instances, message_rate=100)
    assert {"rate-limiter" in flags(push) for push in result.results} == {limited}


def test_after_a_restart_the_doors_are_opened_and_the_roll_is_called_before_the_push(bench):
    def restart():
        bench.cluster.restarts += 1

    result = run(bench, when("push 2 of 3", restart), door="zeromq")
    assert len(result.results) == 3
    did = [each for each in bench.done if each != "collect"]
    assert did == ["doors", "open", "arm", "push", "push", "doors", "reopen", "arm", "push", "push", "push"]


def test_no_door_is_opened_between_the_last_look_and_a_push(bench):
    async def expect(_):
        bench.cluster.restarts = 1  # one was started again at the worst moment

    bench.swarm.expect = expect
    run(bench, pushes=2, door="zeromq")
    did = [each for each in bench.done if each != "collect"]
    assert did == ["doors", "open", "arm", "push", "push", "doors", "reopen", "arm", "push", "push"]


def test_an_instance_that_is_back_during_the_roll_call_is_called_through_its_new_door(bench):
    async def arm(push, *, next_id, timeout_s):
        bench.cluster.restarts = 1
        await push()
        return 0

    bench.swarm.arm = arm
    run(bench, pushes=1, door="zeromq")
    assert [each for each in bench.done if each != "collect"] == ["doors", "open", "doors", "push", "push"]
