"""What is said of a watch's own clients: whether they could read in time."""

import asyncio
import gc
import time

import pytest

from realtime_kit.clients.swarm import SwarmPlan
from realtime_kit.clients.swarm.watch import WatchSwarm
from realtime_kit.clients.swarm.watch_crew import WatchCrew
from realtime_kit.lab.fanout import SHORT_S
from realtime_kit.lab.sightings import Published, Watched
from realtime_kit.measurements.verdict import BUSY_LIMIT

KEY, CLIENTS = 2, 3


@pytest.fixture(autouse=True)
def thaw():
    """A watch holds off the garbage collector of its process; a test has to find its own garbage."""
    yield
    gc.enable()
    gc.unfreeze()


class Here:
    """A process of the swarm that is this one: it only does what it is told."""

    def __init__(self, crew):
        self.crew = crew

    async def ask(self, do, **arguments):
        return await getattr(self.crew, do)(**arguments)


def use_processor(seconds):
    """Really; returns how much it was."""
    begun_s = time.process_time()
    while time.process_time() - begun_s < seconds:
        pass
    return time.process_time() - begun_s


async def watched(busy, used_s, on_its_way_s):
    """One process reads for so long, which is so much of the time that the event takes; another one waits.

    It comes so long after it was due.
    """
    swarm = WatchSwarm(SwarmPlan(2 * CLIENTS, (CLIENTS, CLIENTS)), ["http://127.0.0.1/"])
    crews = [WatchCrew(), WatchCrew()]
    swarm.workers = [Here(crew) for crew in crews]
    for crew in crews:
        crew.members = [None] * CLIENTS
        crew._count = CLIENTS
    start_ns = time.monotonic_ns()
    await swarm.watch(start_ns=start_ns, end_ns=2**63 - 1, most=1)
    reading, waiting = crews
    reading.receive(0, (KEY,), start_ns, 0)
    used_s = use_processor(used_s)
    end_ns = start_ns + int(used_s / busy * 1e9)  # whatever else the machine does
    reading.receive(1, (KEY,), end_ns, 0)
    reading.receive(2, (KEY,), end_ns, 0)
    for client in range(CLIENTS):
        waiting.receive(client, (KEY,), end_ns - 1, 0)
    receipts, _ = await swarm.collect()
    seen, unwatched, state = await swarm.sightings()
    return Watched(
        clients=2 * CLIENTS,
        transport="streaming",
        receipts=receipts,
        seen=seen,
        published={KEY: Published(start_ns - int(on_its_way_s * 1e9), 0.0)},
        unwatched=unwatched,
        unconnected=0,
        ended=state.losses,
        failed_because="",
        lost_because="",
        used_s={"swarm": used_s, "origin": 0.0},
        others_busy=0.0,
        cut_ns=0,
        patience_s=10.0,
    )


@pytest.mark.parametrize(
    ("busy", "used_s", "on_its_way_s", "told"),
    [
        (BUSY_LIMIT + 0.05, 2 * SHORT_S, 0, True),
        (BUSY_LIMIT - 0.15, 2 * SHORT_S, 0, False),
        (BUSY_LIMIT + 0.05, SHORT_S / 10, 0, False),  # over too soon to say anything
        (BUSY_LIMIT + 0.05, SHORT_S / 10, 1, False),  # also if it had been long on its way before
    ],
)
def test_one_process_that_read_nearly_all_the_time_an_event_took_is_told(busy, used_s, on_its_way_s, told):
    (push,) = asyncio.run(watched(busy, used_s, on_its_way_s)).pushes([KEY])
    assert push.ledger.received == 2 * CLIENTS
    flags = {flag.name: flag for flag in push.verdict.flags}
    assert ("processor-saturated" in flags) is told
    if told:
        assert BUSY_LIMIT < flags["processor-saturated"].found <= 1
