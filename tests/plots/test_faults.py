"""The matrix of the fault lab, as a table and as a heat map."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from realtime_kit.measurements.fault_ledger import FaultLedger
from realtime_kit.measurements.fault_run import STRETCHES, FaultResult, FaultRun
from realtime_kit.plots import DARK, LIGHT
from realtime_kit.plots.faults import faults_figure, faults_table

KEPT = FaultLedger(expected=10, direct=8, by_link=2, late=1)
BROKEN = FaultLedger(expected=10, direct=9, lost=1)


def run(**ledgers):
    """A run of one fault; its ledgers during the fault by transport."""
    results = []
    for transport, ledger in ledgers.items():
        each = {name: ledger if name == "during" else FaultLedger() for name in STRETCHES}
        results.append(FaultResult("drop", transport, 1, 10, each, 0.125, None))
    return FaultRun("2026-01-01T00:00:00Z", {}, {"drop": "a publish is lost"}, tuple(results))


def printed(given):
    console = Console(file=io.StringIO(), width=100)
    console.print(faults_table(given))
    return console.file.getvalue()


def test_a_cell_tells_what_was_lost_recovered_and_late():
    text = printed(run(reliable=KEPT, streaming=BROKEN))
    assert "0/2/1" in text
    assert "1/0/0" in text


def test_a_loss_has_theory_beside_it_and_a_reason():
    text = printed(run(streaming=BROKEN))
    assert "10.0%" in text
    assert "12.5%" in text
    assert "no prev-id" in text


def test_what_was_left_out_stands_in_the_table_with_the_reason():
    given = replace(run(reliable=KEPT), left_out={"clock-step": "There is no compiler."})
    assert "left out: clock-step. There is no compiler." in printed(given)
    assert "left out" not in printed(run(reliable=KEPT))


def test_how_long_a_recovery_took_stands_beside_the_timers():
    given = run(reliable=KEPT)
    took = FaultResult("drop", "reliable", 1, 10, given.results[0].ledgers, 0.0, (1.25, 2.04))
    text = printed(FaultRun("", {"timers_s": {"next link": 5.0}}, given.meanings, (took,)))
    assert "1.2–2.0" in text
    assert "next link 5 s" in " ".join(text.split())


def test_a_broken_promise_is_said():
    assert "✗ not once and in order: reliable under drop" in printed(run(reliable=BROKEN))
    assert "✓" in printed(run(reliable=KEPT, streaming=BROKEN))


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_heat_map_has_a_cell_for_each_fault_and_transport(theme):
    figure = faults_figure(run(reliable=KEPT, streaming=BROKEN), theme=theme)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["0 / 2 / 1", "1 / 0 / 0"]
    kept, recovered, broken, lost = axes.patches
    assert len({each.get_facecolor() for each in axes.patches}) == 4
    assert (recovered.get_width(), lost.get_width()) == (
        pytest.approx(0.2 * kept.get_width()),
        pytest.approx(0.1 * broken.get_width()),
    )


def test_an_interrupted_run_leaves_its_missing_cells_empty():
    given = run(reliable=KEPT)
    partly = FaultRun(given.started_at, {}, given.meanings | {"down": "not yet"}, given.results, True)
    assert "0/2/1" in printed(partly)
    assert len(faults_figure(partly).axes[0].texts) == 1
