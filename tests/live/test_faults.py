"""The fault lab with a real Pushpin: what recovers loses nothing, and what does not loses what theory says."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from realtime_kit import background, cli
from realtime_kit.lab.fault_bench import FaultBench
from realtime_kit.lab.faults import faults
from realtime_kit.lab.scenarios import SCENARIOS
from realtime_kit.measurements.fault_run import RECOVERING, FaultRun

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


def broken(scenario: str) -> FaultRun:
    return faults(scenario=scenario, seconds=3, clients=1)


@pytest.mark.parametrize("scenario", ["drop", "down", "origin-500", "kill-runner"])
def test_what_recovers_gets_everything_once_and_in_order(scenario: str) -> None:
    run = broken(scenario)
    assert run.trustworthy, run.results
    assert {each.ledger.expected for each in run.results} == {run.results[0].published}


def test_a_lost_publish_is_lost_to_push_and_found_by_the_next_link() -> None:
    run = broken("drop")
    lost = run["drop", "streaming"].ledger.lost
    assert lost > 0
    assert run["drop", "websocket"].ledger.lost == lost
    assert run["drop", "reliable"].ledger.by_link == lost
    assert run["drop", "streaming"].predicted_loss == pytest.approx(
        run["drop", "streaming"].ledger.lost_share
    )


def test_the_command_prints_the_matrix_and_writes_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["faults", "--scenario", "reset_peer", "--seconds", "3", "--json", "-"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["format"], document["kind"]) == (1, "faults")
    for result in document["results"]:
        assert set(result["ledger"]) == {"before", "during", "after", "total"}
        total = result["ledger"]["total"]
        assert total["expected"] == total["received"] + total["lost"]
    assert "reset_peer" in said.err


FAULTS, FAULT_S, EVENT_EVERY_S = 8, 0.3, 0.03


async def _in_random_order(seed: int) -> tuple[int, int, dict[str, list[int]]]:
    """Ids of the first and last event, and what a client of each transport that recovers got of them."""
    rng = random.Random(seed)
    async with asyncio.timeout(60), FaultBench(RECOVERING, clients=1, seed=seed) as bench:
        first = bench.log.last_id + 1
        for scenario in rng.choices(SCENARIOS, k=FAULTS):
            await scenario.begin(bench)
            for _ in range(round(FAULT_S / EVENT_EVERY_S)):
                bench.log.append("while it is broken")
                await asyncio.sleep(EVENT_EVERY_S)
            await scenario.end(bench)
            bench.log.append("mended")

        def received(name: str) -> list[int]:
            return [each for each in bench.books[name].receipts().event_id.tolist() if each >= first]

        while any(bench.log.last_id not in received(name) for name in RECOVERING):
            bench.check()
            await asyncio.sleep(EVENT_EVERY_S)
        return first, bench.log.last_id, {name: received(name) for name in RECOVERING}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_faults_in_any_order_cost_what_recovers_no_event_and_repeat_none(seed: int) -> None:
    first, last, received = background.run(_in_random_order(seed))
    assert received == {name: list(range(first, last + 1)) for name in RECOVERING}
