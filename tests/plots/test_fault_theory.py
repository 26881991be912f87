"""Losses beside D/M, and gaps beside the timers."""

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.measurements.fault_ledger import FaultLedger
from realtime_kit.measurements.fault_run import STRETCHES, FaultResult, FaultRun
from realtime_kit.measurements.recovery import Recoveries, RecoveryTimes
from realtime_kit.plots import DARK, LIGHT
from realtime_kit.plots.fault_theory import losses_figure, recovery_figure

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
RECOVERIES = Recoveries(
    (
        RecoveryTimes("message_wait 5 s", 5.0, 6.4, (5.2, 5.4, 5.9)),
        RecoveryTimes("told to recover", 0.0, 0.1, (0.08, 0.1, 0.11)),
    )
)


def run(**lost):
    """A run of one fault: how many of ten deliveries each transport has lost."""
    results = []
    for transport, count in lost.items():
        ledger = FaultLedger(expected=10, direct=10 - count, lost=count)
        each = {name: ledger if name == "during" else FaultLedger() for name in STRETCHES}
        results.append(FaultResult("down", transport, 1, 10, each, 0.45, None))
    return FaultRun("2026-01-01T00:00:00Z", {}, {"down": "nobody can connect"}, tuple(results))


@THEMES
def test_losses_stand_beside_theory_and_who_recovers_has_no_row(theme):
    figure = losses_figure(run(streaming=4, websocket=0, reliable=0), theme=theme)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["down · streaming", "down · websocket"]
    assert [bar.get_width() for bar in axes.patches] == [0.4, 0.0]
    assert [line.get_xdata()[0] for line in axes.lines] == [0.45, 0.45]
    assert "40 %  (theory 45 %)" in [text.get_text() for text in axes.texts]


def test_without_anybody_who_could_lose_something_there_is_nothing_to_draw():
    with pytest.raises(UsageError, match="push only"):
        losses_figure(run(reliable=0))


@THEMES
def test_every_gap_is_a_mark_on_the_span_of_its_timers(theme):
    (axes,) = recovery_figure(RECOVERIES, theme=theme).axes
    assert [(box.get_x(), box.get_x() + box.get_width()) for box in axes.patches] == [(5.0, 6.4), (0.0, 0.1)]
    assert [tuple(line.get_xdata()) for line in axes.lines] == [each.took_s for each in RECOVERIES.ways]
    assert "median 5.4 s" in [text.get_text() for text in axes.texts]
    assert axes.get_xlim()[1] >= 6.4


def test_recoveries_print_measured_times_and_timers():
    assert "5.40 s, 5.20 to 5.90 s (timers: 5 to 6.4 s)" in str(RECOVERIES)
    assert RECOVERIES["told to recover"].median_s == 0.1
