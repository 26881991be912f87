"""The matrix of the fault lab, as a table and as a heat map."""

import io
from dataclasses import replace

import pytest
from matplotlib.text import Text
from rich.console import Console

from realtime_kit.lab.fault_bench import PATHS
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


def printed(given, width=100):
    console = Console(file=io.StringIO(), width=width)
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


@pytest.mark.parametrize(
    ("took_s", "shown"), [((0.01, 0.02), " <0.1 "), ((0.21, 0.24), " 0.2 "), ((0.01, 0.2), " <0.1–0.2 ")]
)
def test_a_span_of_recoveries_says_nothing_twice(took_s, shown):
    given = run(reliable=KEPT)
    took = FaultResult("drop", "reliable", 1, 10, given.results[0].ledgers, 0.0, took_s)
    assert shown in printed(FaultRun("", {}, given.meanings, (took,))).replace("\n", " \n")


@pytest.mark.parametrize("width", [30, 60, 100])
def test_no_number_is_torn_where_the_matrix_is_wider_than_the_terminal(width):
    large = FaultLedger(expected=1140, direct=40, by_link=200, lost=900, late=1126)
    names = ("push only", "streaming", "reliable", "websocket", "polling", "long-polling")
    text = printed(run(**dict.fromkeys(names, large)), width)
    assert text.count("900/200/1126") == len(names)
    assert "1,140" in text
    assert max(len(line) for line in text.splitlines()) <= width


def test_each_fault_tells_what_was_owed_in_all():
    large = FaultLedger(expected=1140, direct=1140)
    assert " 1,140 " in printed(run(reliable=large, streaming=large))


def test_a_loss_that_theory_does_not_know_has_the_reason_of_its_fault():
    ledgers = run(streaming=BROKEN).results[0].ledgers
    known = FaultResult("drop", "streaming", 1, 10, ledgers, 0.0, None, reason="nobody counts")
    unexplained = FaultResult("drop", "streaming", 1, 10, ledgers, 0.05, None, reason="nobody counts")
    assert known.why == "nobody counts"
    assert "more than" in unexplained.why


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


@pytest.mark.parametrize("names", [("reliable",), ("streaming", "reliable"), tuple(PATHS)])
def test_everything_that_is_written_is_within_the_figure(names):
    figure = faults_figure(run(**{name: BROKEN if name == "streaming" else KEPT for name in names}))
    figure.canvas.draw()
    whole = figure.bbox
    for text in figure.findobj(Text):
        if text.get_text():
            box = text.get_window_extent()
            assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, text
            assert whole.y0 <= box.y0 <= box.y1 <= whole.y1, text
