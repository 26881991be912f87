"""The run of all feeds as a figure."""

from collections.abc import Sequence

import numpy as np
from backends.leaderboard.feed_race import FeedResult
from matplotlib.figure import Figure

from realtime_kit.measurements import latency
from realtime_kit.plots import LIGHT, Theme, format_seconds
from realtime_kit.plots.latency_panel import theory_points
from realtime_kit.plots.save import Picture
from realtime_kit.plots.style import BODY_PT, FONT, SMALL_PT, THEORY_WIDTH_PT, TITLE_PT, blend
from realtime_kit.plots.widgets.paper import add_axes, name_axes, write

LOOKS = {
    "SQLite": ("polling", (4, 1.6)),
    "PostgreSQL": ("streaming", (1.8, 1.4)),
    "RethinkDB": ("websocket", (5, 1.6)),
}
"""Colour and dashes of each feed, borrowed from transports: one asks, the others are told."""


def race_figure(results: Sequence[FeedResult], *, theme: Theme = LIGHT) -> Figure:
    """Which share of the writes has come by when: to the feed's reader, and to a client behind Pushpin.

    Args:
        results: All feeds of one run.
        theme: `LIGHT` or `DARK`.
    """
    figure = Picture(figsize=(9.4, 4.8), dpi=100, facecolor=theme.background)
    axes = add_axes(figure, (0.8, 0.8, 5.9, 2.95), theme)
    end_ms = 1.15e3 * max(_quantile(each.to_client_s, 0.97) for each in results)
    axes.set(xlim=(0, end_ms), ylim=(0, 1.02))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    name_axes(axes, theme, x="milliseconds since the write was due", y="share of the writes")
    for row, each in enumerate(results):
        colour = theme.colour(LOOKS[each.game][0])
        _curve(axes, each.to_reader_s, color=colour, linewidth=2.6)
        _curve(axes, each.to_client_s, color=blend(colour, theme.background, 0.45), linewidth=1.6)
        seconds, shares = theory_points(each.theory).T
        dash = (0, LOOKS[each.game][1])
        tint = theme.theory_colour(LOOKS[each.game][0])
        axes.plot(1000 * seconds, shares, color=tint, linestyle=dash, linewidth=THEORY_WIDTH_PT, zorder=4)
        _name(axes, end_ms, 0.97 - 0.34 * row, each, colour, theme)
    writes = sum(each.ledger.expected for each in results)
    lost = sum(each.ledger.lost for each in results)
    title = "From the write to whoever reads the feed"
    summary = f"{writes:,} writes in one run, {lost:,} lost on the way to the client behind Pushpin"
    if any(each.doubt for each in results):
        summary += "; not to be trusted, the machine was too busy: see the table"
    key = "bold: to the feed's reader   ·   thin: on to a client behind Pushpin   ·   dashed: theory for the reader"
    figure.text(0.04, 0.915, title, color=theme.text, fontsize=TITLE_PT, fontfamily=FONT)
    figure.text(0.04, 0.855, summary, color=theme.muted, fontsize=BODY_PT, fontfamily=FONT)
    figure.text(0.04, 0.03, key, color=theme.muted, fontsize=SMALL_PT, fontfamily=FONT)
    return figure


def _curve(axes, seconds, **style) -> None:
    """A staircase; it ends below 100 % where something was lost."""
    came = np.sort(seconds[np.isfinite(seconds)]) * 1000
    shares = np.arange(1, len(came) + 1) / len(seconds)
    axes.step([0, *came], [0, *shares], where="post", zorder=3, **style)


def _quantile(seconds, share: float) -> float:
    came = seconds[np.isfinite(seconds)]
    return float(np.quantile(came, share)) if len(came) else 0.01


def _name(axes, x: float, y: float, result: FeedResult, colour: str, theme: Theme) -> None:
    reader, client = (latency(each).p50 for each in (result.to_reader_s, result.to_client_s))
    lines = [
        f"reader {format_seconds(reader)}, theory {format_seconds(result.theory.p50)}",
        f"client {format_seconds(client)}   (medians)",
    ]
    write(axes, x, y, f"{result.game}, {result.way}", colour, right_pt=14, bold=True)
    for below, line in enumerate(lines, 1):
        write(axes, x, y - 0.075 * below, line, theme.muted, right_pt=14, size_pt=SMALL_PT)
