"""The fault lab with a real Pushpin: what recovers loses nothing, and what does not loses what theory says."""

from __future__ import annotations

import json

import pytest

from realtime_kit import cli
from realtime_kit.lab.faults import faults
from realtime_kit.measurements.fault_run import FaultRun

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
