"""The fault lab with a real Pushpin: what recovers loses nothing, and what does not loses what theory says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pytest

from realtime_kit import cli
from realtime_kit.lab.fault_bench import PATHS
from realtime_kit.lab.faults import faults
from realtime_kit.lab.scenarios import impossible, possible
from realtime_kit.measurements.fault_run import FaultRun

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


def broken(scenario: str) -> FaultRun:
    return faults(scenario=scenario, seconds=3, clients=1)


@pytest.mark.parametrize(
    "scenario",
    [
        "drop",
        "wrong-prev-id",
        "down",
        "origin-500",
        "origin-sigstop",
        "kill-runner",
        pytest.param("clock-step", marks=pytest.mark.wall_clock),
        pytest.param("clock-leap", marks=pytest.mark.wall_clock),
    ],
)
def test_what_recovers_gets_everything_once_and_in_order(scenario: str) -> None:
    run = broken(scenario)
    assert run.trustworthy, run.results
    assert {each.ledger.expected for each in run.results} == {run.results[0].published}


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_every_fault_of_the_matrix_costs_what_recovers_nothing() -> None:
    run = faults()
    assert {each.scenario for each in run.results} == {each.name for each in possible()}
    assert run.trustworthy, [each for each in run.results if not each.keeps_its_promise]


def test_a_lost_publish_is_lost_to_push_and_found_by_the_next_link() -> None:
    run = broken("drop")
    lost = run["drop", "streaming"].ledger.lost
    assert lost > 0
    assert run["drop", "websocket"].ledger.lost == lost
    assert run["drop", "reliable"].ledger.by_link >= lost  # and what had waited behind it
    assert run["drop", "reliable-websocket"].ledger.by_poll >= lost
    assert run["drop", "streaming"].predicted_loss == pytest.approx(
        run["drop", "streaming"].ledger.lost_share
    )


POINTS = 0.02
"""How far measured loss may be from the predicted one; a share of what was owed."""


@pytest.mark.timeout(600)
def test_push_alone_loses_what_its_outages_predict() -> None:
    """By the median of three runs of a fault whose first run was off: a busy machine adds outages of its own."""
    names = ("down", "timeout", "slow_close", "kill-pushpin", "clock-step")
    off: dict[str, list[float]] = {name: [] for name in names if name not in impossible()}
    for times in (1, 2):
        wanted = [name for name, found in off.items() if not found or abs(found[0]) > POINTS]
        for name in wanted * times:
            (each,) = faults(scenario=name, transports=("push only",)).results
            assert each.ledger.lost > 0, each
            off[name].append(each.ledger.lost_share - each.predicted_loss)
    assert all(abs(median(found)) <= POINTS for found in off.values()), off


@pytest.mark.timeout(600)
def test_a_reader_that_stands_still_loses_what_finds_no_room() -> None:
    """By the median of three runs, if the first was off."""
    off: dict[str, list[float]] = {"push only": [], "streaming": [], "websocket": []}
    for times in (1, 2):
        for _ in range(times * any(not found or abs(found[0]) > POINTS for found in off.values())):
            run = faults(scenario="slow-reader", transports=tuple(off))
            assert any(each.ledger.lost for each in run.results), run.results
            for each in run.results:
                off[each.transport].append(each.ledger.lost_share - each.predicted_loss)
    assert all(abs(median(found)) <= POINTS for found in off.values()), off


@pytest.mark.timeout(600)
def test_a_neighbour_at_the_limiter_costs_push_what_the_rates_predict_and_reliability_nothing() -> None:
    """By the median of three runs, if the first was off: an event passes or not by the moment at which it comes."""
    off: list[float] = []
    for times in (1, 2):
        for _ in range(times * (not off or abs(off[0]) > POINTS)):
            run = faults(scenario="limiter", transports=("push only", "reliable", "reliable-websocket"))
            push, *reliable = run.results
            assert push.ledger.lost > 0
            off.append(push.ledger.lost_share - push.predicted_loss)
            for each in reliable:
                assert each.keeps_its_promise, each
            streamed, asked = (each.ledger for each in reliable)
            # All of it had been accepted for publishing, and the limiter dropped it then.
            assert streamed.by_link > 0
            assert asked.by_poll > 0
            assert streamed.by_poll == asked.by_link == push.ledger.recovered == 0
    assert abs(median(off)) <= POINTS, off


def test_the_command_prints_the_matrix_and_writes_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["faults", "--scenario", "reset_peer", "--seconds", "3", "--json", "-"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["format"], document["kind"]) == (1, "faults")
    for result in document["results"]:
        assert set(result["ledger"]) == {"before", "during", "after", "total"}
        total = result["ledger"]["total"]
        assert total["expected"] == total["received"] + total["lost"]
        assert total == {name: sum(each[name] for each in result["by_client"]) for name in total}
    assert "reset_peer" in said.err


def interrupted(*conditions: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the command, and send it an interrupt when each condition on its progress `p` holds, one after the other."""
    script = f"""
import os, signal
import realtime_kit.lab.terminal as terminal
from realtime_kit import cli

conditions = [{", ".join(f"lambda p: {condition}" for condition in conditions)}]
call = terminal.TerminalProgress.__call__

def show(self, progress):
    call(self, progress)
    if conditions and conditions[0](progress):
        del conditions[0]
        os.kill(os.getpid(), signal.SIGINT)

terminal.TerminalProgress.__call__ = show
cli.main(["faults", *{list(arguments)!r}])
"""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=90)


SHORT = ("--scenario", "drop,none,down", "--seconds", "3")


def test_ctrl_c_keeps_the_faults_that_were_measured_and_an_earlier_run(tmp_path: Path) -> None:
    earlier, picture = tmp_path / "run.json", tmp_path / "run.png"
    earlier.write_text("earlier")
    done = interrupted(
        "p.phase == 'none'", arguments=[*SHORT, "--json", str(earlier), "--plot", str(picture)]
    )
    assert done.returncode == 130, done.stderr
    kept = tmp_path / "run-interrupted.json"
    assert [line for line in done.stderr.splitlines() if line] == [
        "finishing with what was measured; Ctrl-C again discards it",
        f"the run: {kept}",
        f"the picture: {picture}",
    ]
    assert "interrupted" in done.stdout
    assert "no prev-id" in done.stdout
    assert earlier.read_text() == "earlier"
    document = json.loads(kept.read_text())
    assert document["interrupted"]
    assert {each["scenario"] for each in document["results"]} == {"drop"}
    assert {each["transport"] for each in document["results"]} == set(PATHS)


def test_ctrl_c_in_the_first_fault_says_that_there_is_nothing_to_keep(tmp_path: Path) -> None:
    done = interrupted("p.phase == 'drop'", arguments=[*SHORT, "--json", str(tmp_path / "run.json")])
    assert done.returncode == 130
    assert done.stdout == ""
    assert [line for line in done.stderr.splitlines() if line] == [
        "stopping; nothing had been measured yet",
        "realtime-kit: interrupted",
    ]
    assert list(tmp_path.iterdir()) == []
