"""The figure and the table of what a browser has received."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.text import Text

from realtime_kit.plots.style import DARK, LIGHT
from realtime_kit.plots.widgets.browser_receipt import BrowserReceipt
from realtime_kit.plots.widgets.browser_summary import NEWEST, browser_figure, browser_table

MS = 1_000_000
OPENED_NS = 1_000 * MS


def receipt(number: int, after_ms: float, *, transport: str = "streaming") -> BrowserReceipt:
    due_ns = OPENED_NS + number * 1_000 * MS
    return BrowserReceipt(str(number), due_ns + round(after_ms * MS), 0.002, OPENED_NS, transport)


DUE = {number: OPENED_NS + number * 1_000 * MS for number in range(-5, 100)}
THREE = [receipt(1, 5), receipt(2, 7), receipt(3, 60, transport="websocket")]


def texts(figure: object) -> str:
    return " · ".join(text.get_text() for text in figure.findobj(Text))  # type: ignore[attr-defined]


def test_the_table_has_each_latency_with_its_uncertainty_and_the_median() -> None:
    told = str(browser_table(THREE, DUE))

    assert told.startswith("3 events, 3 with a latency: median 7 ms ± 2 ms.")
    assert [line.split() for line in told.splitlines()[-3:]] == [
        ["1", "streaming", "5", "ms", "±", "2", "ms"],
        ["2", "streaming", "7", "ms", "±", "2", "ms"],
        ["3", "websocket", "60", "ms", "±", "2", "ms"],
    ]


def test_what_seems_to_have_come_before_it_was_due_is_drawn_too() -> None:
    low, high = browser_figure([receipt(1, -3)], DUE).axes[0].get_ylim()
    assert 0 < low < high


def test_history_has_no_latency_and_is_counted() -> None:
    told = str(browser_table([receipt(-1, 5), *THREE], DUE))

    assert "4 events, 3 with a latency" in told
    assert ["-1", "streaming", "–", "–"] in [line.split() for line in told.splitlines()]


def test_of_many_the_newest_are_listed_and_all_are_counted() -> None:
    told = str(browser_table([receipt(number, 5) for number in range(1, 51)], DUE))

    assert "50 events, 50 with a latency" in told
    assert f"The newest {NEWEST} events" in told
    assert "50  streaming" in told
    assert "30  streaming" not in told


@pytest.mark.parametrize(
    ("receipts", "said"),
    [([], "No page has reported an event."), ([receipt(-1, 5)], "1 event, none with a latency")],
)
def test_where_there_is_nothing_to_draw_both_say_so(receipts: list[BrowserReceipt], said: str) -> None:
    shown = texts(browser_figure(receipts, DUE))

    assert said in str(browser_table(receipts, DUE))
    assert said in shown
    assert "nothing to draw yet" in shown


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_figure_has_a_mark_for_each_and_a_line_as_long_as_its_uncertainty(theme: object) -> None:
    figure = browser_figure([*THREE, receipt(4, -1)], DUE, theme=theme)  # type: ignore[arg-type]
    (axes,) = figure.axes
    marks = {line.get_label(): line.get_xydata() for line in axes.get_lines()}
    spans = [path for found in axes.findobj(LineCollection) for path in found.get_segments()]

    assert marks["websocket"].tolist() == [[pytest.approx(2.055), pytest.approx(0.06)]]
    assert np.allclose(marks["streaming"][:, 1], [0.005, 0.007, 0.3e-3])  # below zero: on the floor
    assert np.allclose(spans[0][:, 1], [0.003, 0.007])
    assert "4 events, 4 with a latency: median 6 ms ± 2 ms.   ·   ▲ streaming   ·   ◆ websocket" in texts(
        figure
    )
    assert axes.get_ylim()[1] > 0.062
