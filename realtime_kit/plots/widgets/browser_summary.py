"""What a browser has received, as a figure that stays and as a table, from what its page has reported."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from realtime_kit.plots.save import Picture
from realtime_kit.plots.style import LIGHT, Theme, look
from realtime_kit.plots.widgets.browser_receipt import BrowserReceipt, Due
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.paper import add_axes, head, name_axes, write
from realtime_kit.plots.words import NOTHING, format_seconds

NEWEST = 20
"""How many receipts the table lists."""

_SIZE_IN = (7.4, 2.9)
_AXES_IN = (0.95, 0.6, 6.2, 1.65)
_FLOOR_S = 0.3e-3
"""What took less, or within the uncertainty less than nothing, stands here; as in the page's own strip."""

_SIGNS = {"streaming": "▲", "websocket": "◆"}
"""The markers of every figure, as text."""

_HEADINGS = (
    ("id", "the event's"),
    ("transport", "streaming is the browser's EventSource"),
    ("latency", "from the moment it was due until this page had it"),
    ("uncertainty", "how far off that may be, because the clocks of page and kernel differ"),
)


def browser_table(receipts: Sequence[BrowserReceipt], due: Due) -> DataTable:
    """The newest receipts, and what can be said of all.

    Args:
        receipts: In the order of arrival.
        due: When each event was due.
    """
    rows = []
    for receipt in receipts[-NEWEST:]:
        took = off = NOTHING
        if (latency_s := receipt.latency_s(due)) is not None:
            took, off = format_seconds(latency_s), f"± {format_seconds(receipt.uncertainty_s)}"
        rows.append((receipt.event_id, receipt.transport, took, off))
    caption = (
        f"The newest {NEWEST} events in this browser" if len(receipts) > NEWEST else "Events in this browser"
    )
    return DataTable(caption, _HEADINGS, rows, [_summary(receipts, due)], words=("transport",))


def _summary(receipts: Sequence[BrowserReceipt], due: Due) -> str:
    if not receipts:
        return "No page has reported an event."
    found = _with_latency(receipts, due)
    events = f"{len(receipts):,} event{'s' if len(receipts) != 1 else ''}"
    if not found:
        return f"{events}, none with a latency: history, or it is not known when they were due."
    # Of many the offset of the clocks is wrong in the same way: their median is no more certain than they are.
    middle = format_seconds(statistics.median(latency_s for _, latency_s in found))
    off = format_seconds(max(receipt.uncertainty_s for receipt, _ in found))
    return f"{events}, {len(found):,} with a latency: median {middle} ± {off}."


def browser_figure(receipts: Sequence[BrowserReceipt], due: Due, *, theme: Theme = LIGHT) -> Figure:
    """Latency of each receipt that has one against the time of its arrival, with its uncertainty.

    Args:
        receipts: In the order of arrival.
        due: When each event was due.
        theme: `LIGHT` or `DARK`.
    """
    figure = Picture(figsize=_SIZE_IN, dpi=100, facecolor=theme.background)
    FigureCanvasAgg(figure)
    axes = add_axes(figure, _AXES_IN, theme)
    found = _with_latency(receipts, due)
    transports = list(dict.fromkeys(receipt.transport for receipt, _ in found))
    key = "   ·   ".join([_summary(receipts, due), *(f"{_SIGNS[name]} {name}" for name in transports)])
    head(axes, "From due to this browser", key, theme, left_pt=58)
    name_axes(axes, theme, x="when the page had it", y="latency (logarithmic)")
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_seconds(value)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    if not found:
        axes.set(xlim=(0, 1), ylim=(_FLOOR_S, 1), xticks=[])
        write(axes, 0.5, _FLOOR_S**0.5, "nothing to draw yet", theme.muted, align="center")
        return figure
    first_ns = found[0][0].received_ns
    for transport in transports:
        of_it = [each for each in found if each[0].transport == transport]
        latency_s = np.array([latency_s for _, latency_s in of_it])
        off_s = np.array([receipt.uncertainty_s for receipt, _ in of_it])
        at_s = [(receipt.received_ns - first_ns) / 1e9 for receipt, _ in of_it]
        shown_s = np.maximum(latency_s, _FLOOR_S)
        colour = theme.colour(transport)
        ends_s = [np.maximum(latency_s - off_s, _FLOOR_S), np.maximum(latency_s + off_s, _FLOOR_S)]
        axes.vlines(at_s, *ends_s, color=colour, linewidth=1.0, alpha=0.6)
        axes.plot(at_s, shown_s, look(transport).marker, color=colour, markersize=6, label=transport)
    longest_s = max(latency_s + receipt.uncertainty_s for receipt, latency_s in found)
    axes.set_ylim(_FLOOR_S * 0.8, 2 * max(longest_s, _FLOOR_S))
    return figure


def _with_latency(receipts: Sequence[BrowserReceipt], due: Due) -> list[tuple[BrowserReceipt, float]]:
    found = ((receipt, receipt.latency_s(due)) for receipt in receipts)
    return [(receipt, latency_s) for receipt, latency_s in found if latency_s is not None]
