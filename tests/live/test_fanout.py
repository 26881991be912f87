"""Fan-outs through real Pushpins: everybody armed, everybody reached, nothing left behind."""

import asyncio
import contextlib
import json
import math
import os
import subprocess
import sys

import aiohttp
import pytest

from realtime_kit import background
from realtime_kit.cli import run
from realtime_kit.clients.swarm import plan_swarm
from realtime_kit.errors import PublishError, UsageError
from realtime_kit.lab.fanout import Fanout, FanoutSettings, afanout, fanout
from realtime_kit.measurements.fanout import FanoutRun
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.hold_server import HoldServer
from realtime_kit.pushpin.cluster import PushpinCluster
from realtime_kit.theory import broadcast

pytestmark = pytest.mark.live


def test_everybody_gets_every_push_through_two_instances():
    result = fanout(clients=400, pushes=3, instances=2)
    assert len(result.results) == 3
    for push in result.results:
        assert (push.ledger.expected, push.ledger.received, push.ledger.lost) == (400, 400, 0)
        assert push.ledger.duplicate == push.ledger.unexpected == push.ledger.reordered == 0
        assert push.lost_clients == ()
        assert push.completion[-1][1] == 1.0
        assert push.completion[-1][0] == push.latency.max > 0
        assert min(push.processor_per_delivery_s.values()) > 0
        assert {flag.name for flag in push.verdict.flags} <= {
            *("too-few-samples", "publisher-slip", "others-busy")
        }


@pytest.mark.parametrize("transport", ["websocket", "long-polling"])
def test_sockets_and_long_polls_get_every_push_too(transport):
    result = fanout(clients=200, pushes=3, instances=2, transport=transport)
    for push in result.results:
        assert (push.ledger.expected, push.ledger.received, push.ledger.lost) == (200, 200, 0)
        assert push.ledger.duplicate == push.ledger.unexpected == push.ledger.reordered == 0
        assert push.transport == transport
        assert (push.herd is not None) == (transport == "long-polling")
        if push.herd:
            assert push.latency.max < push.herd.rearmed_s < math.inf
            assert push.herd.origin_requests >= 200
    assert [each["connections"] for each in result.meta["instances"]] == [100, 100]


@pytest.mark.parametrize("door", ["http", "zeromq"])
def test_an_instance_that_dies_is_started_again_and_its_clients_return(door):
    settings = FanoutSettings(clients=100, pushes=3, instances=2, door=door)

    def kill_one(phase):
        if phase == "push 2 of 3":
            prepared.cluster.instances[1].processes()[0].kill()

    prepared = Fanout(settings, plan_swarm(100, targets=2), kill_one)
    result = background.run(prepared.run())
    first, second, third = result.results
    assert first.ledger.received == third.ledger.received == 100
    assert set(second.lost_clients) <= set(range(1, 100, 2))  # those that were connected to it
    assert second.ledger.received + len(second.lost_clients) == 100
    assert result.meta["restarts"] == 1
    assert [each["restarts"] for each in result.meta["instances"]] == [0, 1]


def test_an_instance_that_stays_dead_ends_it_with_the_pushes_until_then(nothing_left_behind):
    settings = FanoutSettings(clients=100, pushes=9, instances=2)

    def kill_for_good(phase):
        if phase == "push 2 of 9":
            dead = prepared.cluster.instances[1]
            dead._binary = "/nowhere/pushpin"
            dead.processes()[0].kill()

    prepared = Fanout(settings, plan_swarm(100, targets=2), kill_for_good)
    result = background.run(prepared.run())
    assert result.results[0].ledger.received == 100
    assert len(result.results) in (1, 2)  # it was noticed before the second push, or within it
    (flag,) = (flag for flag in result.results[-1].verdict.flags if flag.name == "unfinished")
    assert flag.found == 9 - len(result.results)
    assert "/nowhere/pushpin" in flag.meaning
    assert not result.interrupted
    assert [each["state"] for each in result.meta["instances"]] == ["ready", "failed"]


def test_one_publish_through_one_socket_reaches_all_who_listen():
    async def main():
        async with (
            HoldServer(EventLog(), "events") as origin,
            PushpinCluster(3, origin.port, door="zeromq") as cluster,
            contextlib.AsyncExitStack() as stack,
        ):
            session = await stack.enter_async_context(aiohttp.ClientSession())
            streams = []
            for url in cluster.urls[:2]:  # nobody is at the third
                streams.append(await stack.enter_async_context(session.get(url / "streaming/events")))
                assert await streams[-1].content.readuntil(b"\n\n") == b":\n\n"
            async with asyncio.timeout(20):
                while await cluster.alisteners("events") < 2:  # noqa: ASYNC110 - it tells when it is asked
                    await asyncio.sleep(0.01)
                await cluster.apublish("events", "hello")
                for stream in streams:
                    assert await stream.content.readuntil(b"\n\n") == b"data: hello\n\n"
                while sum(each.receivers for each in cluster.statistics.instances) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            board = cluster.statistics.instances
            assert [each.connections for each in board] == [1, 1, 0]
            assert [each.receivers for each in board] == [1, 1, 0]

    asyncio.run(main())


def test_a_neighbour_that_takes_the_processors_is_told():
    busy = [sys.executable, "-c", "while True: pass"]
    neighbours = [subprocess.Popen(busy) for _ in range(max(1, (os.cpu_count() or 1) // 2))]
    try:
        result = fanout(clients=50, pushes=1)
    finally:
        for each in neighbours:
            each.kill()
            each.wait()
    assert "others-busy" in {flag.name for flag in result.results[0].verdict.flags}


def test_the_limiter_makes_a_staircase():
    result = fanout(clients=200, pushes=1, message_rate=400)
    (push,) = result.results
    assert push.ledger.received == 200
    least_s = broadcast.limiter_completion_s(recipients=200, rate_per_s=400)
    assert push.latency.max >= 0.95 * least_s  # 20 batches of 10, 25 ms apart, the first of them at once
    assert "rate-limiter" in {flag.name for flag in push.verdict.flags}


def test_it_runs_among_other_coroutines():
    result = asyncio.run(afanout(clients=50, pushes=1))
    assert result.results[0].ledger.received == 50


def test_the_command_writes_the_run_and_the_picture(tmp_path, capsys):
    file, picture = tmp_path / "run.json", tmp_path / "run.png"
    options = ["--clients", "100", "--pushes", "2", "--json", str(file), "--plot", str(picture)]
    assert run(["fanout", *options]) == 1  # a hundred are too few for a p99, and that is said
    out = capsys.readouterr().out
    assert "too-few-samples" in out
    saved = json.loads(file.read_text())
    assert (saved["format"], saved["kind"]) == (1, "fanout")
    assert [push["ledger"]["received"] for push in saved["results"]] == [100, 100]
    assert picture.read_bytes().startswith(b"\x89PNG")


def interrupted(*phases, arguments):
    """Run the command, and send it an interrupt as each of these phases begins, or an event has been published."""
    script = f"""
import os, signal
from realtime_kit import cli
from realtime_kit.lab.fanout import Fanout
phases = {list(phases)!r}
make = Fanout.__init__
def made(self, settings, plan, on_phase, stop):
    def show(phase):
        on_phase(phase)
        if phases and phases[0] == phase:
            del phases[0]
            os.kill(os.getpid(), signal.SIGINT)
    make(self, settings, plan, show, stop)
    happen = self._happen
    async def happened(due_ns=0):
        event_id = await happen(due_ns)
        show("published" if due_ns else "called")
        return event_id
    self._happen = happened
Fanout.__init__ = made
cli.main(["fanout", *{list(arguments)!r}])
"""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=90)


SLOW = ("--clients", "200", "--pushes", "1000", "--message-rate", "1000")


def test_ctrl_c_says_so_keeps_the_pushes_and_an_earlier_run(tmp_path):
    earlier = tmp_path / "run.json"
    earlier.write_text("earlier")
    done = interrupted("push 3 of 1000", arguments=[*SLOW, "--json", str(earlier)])
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines() == [
        "finishing with what was measured; Ctrl-C again discards it",
        f"the run: {tmp_path / 'run-interrupted.json'}",
    ]
    assert earlier.read_text() == "earlier"
    run_ = FanoutRun.load(tmp_path / "run-interrupted.json")
    assert run_.interrupted
    assert [push.ledger.received for push in run_.results] == [200] * len(run_.results)
    assert len(run_.results) in (2, 3)


def test_a_push_that_is_cut_short_says_what_its_losses_are():
    arguments = ["--clients", "200", "--message-rate", "40", "--json", "-"]
    done = interrupted("published", arguments=arguments)
    assert done.returncode == 130, done.stderr
    (push,) = json.loads(done.stdout)["results"]
    assert push["ledger"]["received"] + push["ledger"]["lost"] == 200
    assert 0 < push["ledger"]["received"] < 200
    assert "cut-short" in {flag["name"] for flag in push["verdict"]["flags"]}
    assert "might still have come" in done.stderr


@pytest.mark.parametrize("when", [("roll call",), ("published", "ending early")])
def test_ctrl_c_too_early_or_twice_says_so_and_leaves_nothing(when, tmp_path, nothing_left_behind):
    done = interrupted(
        *when, arguments=[*SLOW[:4], "--message-rate", "20", "--json", str(tmp_path / "x.json")]
    )
    assert done.returncode == 130
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if line]
    assert said[1:] == ["realtime-kit: interrupted"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clients": 10**9}, "possible here are 1 to"),
        ({"instances": 0}, "instances is 0"),
        ({"pushes": 0}, "pushes is 0"),
        ({"transport": "pigeon"}, "transport is 'pigeon'"),
        ({"door": "window"}, "door is 'window'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(changes, said):
    with pytest.raises(UsageError, match=said):
        fanout(**changes)


def test_an_instance_that_ends_is_back_on_its_port(eventually):
    with PushpinCluster(2, 9) as cluster:
        urls, control_urls = cluster.urls, cluster.control_urls
        cluster.publish("news", "hello")
        cluster.instances[1].processes()[0].kill()
        eventually(lambda: cluster.restarts == 1, "the cluster did not start it again")
        assert (cluster.urls, cluster.control_urls) == (urls, control_urls)
        cluster.publish("news", "hello")
    with pytest.raises(PublishError):
        cluster.publish("news", "hello")
