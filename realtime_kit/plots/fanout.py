"""The completion curve of a fan-out: how many have it by when, beside the line `kτ`."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from yarl import URL

from realtime_kit.measurements.fanout import FIRST, FanoutRun
from realtime_kit.plots.save import Picture
from realtime_kit.plots.style import (
    BODY_PT,
    FONT,
    GRID_WIDTH_PT,
    LIGHT,
    SMALL_PT,
    THEORY_WIDTH_PT,
    TITLE_PT,
    Theme,
    blend,
)
from realtime_kit.plots.words import format_seconds
from realtime_kit.quantities import LOST
from realtime_kit.theory import broadcast

DPI = 100


def fanout_figure(run: FanoutRun, *, theme: Theme = LIGHT, size_in: tuple[float, float] = (9, 5.2)) -> Figure:
    """Each push's curve, the median one's line `kτ` and, under a limiter, its staircase.

    Args:
        run: A finished fan-out.
        theme: `LIGHT` or `DARK`.
        size_in: Width and height in inches.
    """
    figure = Picture(figsize=size_in, dpi=DPI, facecolor=theme.background)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.11, 0.19, 0.85, 0.63))
    axes.set_facecolor(theme.background)
    config = run.meta["config"]
    colour = theme.colour(config["transport"])
    for push in run.results:
        seconds = [0.0, *(second for second, _ in push.completion)]
        reached = [0.0, *(share * push.clients for _, share in push.completion)]
        axes.plot(seconds, reached, color=blend(colour, theme.background, 0.35), linewidth=1.6)
    _draw_theory(axes, run, theme)
    _dress(axes, theme, since_first=any(push.since == FIRST for push in run.results))
    title = f"{_through(config)}: who has it by when"
    figure.text(0.04, 0.92, title, color=theme.text, fontsize=TITLE_PT, fontfamily=FONT)
    figure.text(0.04, 0.865, _summary(run), color=theme.muted, fontsize=BODY_PT, fontfamily=FONT)
    key = "solid: measured, a line for each push   ·   dashed: the line kτ, fitted to the median push"
    if config.get("message_rate"):
        key += "; steps: Pushpin's limiter"
    figure.text(0.04, 0.03, key, color=theme.muted, fontsize=SMALL_PT, fontfamily=FONT)
    return figure


def _draw_theory(axes: Axes, run: FanoutRun, theme: Theme) -> None:
    pushes = sorted(
        (push for push in run.results if push.per_delivery_s), key=lambda push: push.per_delivery_s
    )
    if not pushes:
        return
    middle = pushes[len(pushes) // 2]
    colour = theme.theory_colour(middle.transport)
    end_s = middle.clients * middle.per_delivery_s
    axes.plot([0, end_s], [0, middle.clients], color=colour, linestyle=(0, (4, 2)), linewidth=THEORY_WIDTH_PT)
    if rate := run.meta["config"].get("message_rate"):
        recipients = math.ceil(
            middle.clients / run.meta["config"]["instances"]
        )  # each has a limiter of its own
        shares = [step / 400 for step in range(1, 401)]
        steps = [
            broadcast.limiter_completion_s(recipients=recipients, rate_per_s=rate, share=share)
            for share in shares
        ]
        reached = [share * middle.clients for share in shares]
        axes.step(steps, reached, where="post", color=theme.muted, linewidth=THEORY_WIDTH_PT)


def _through(config: dict[str, Any]) -> str:
    clients = f"{config['clients']:,} clients"
    if "url" in config:
        host = URL(config["url"]).authority
        return f"{clients} of {host}"
    instances = config["instances"]
    return f"{clients} through {'one Pushpin' if instances == 1 else f'{instances} Pushpins'}"


def _dress(axes: Axes, theme: Theme, *, since_first: bool) -> None:
    axes.spines[:].set_visible(False)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: format_seconds(second)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    axes.tick_params(length=0, pad=6, labelsize=BODY_PT, labelcolor=theme.text, labelfontfamily=FONT)
    axes.grid(True, color=theme.grid, linewidth=GRID_WIDTH_PT)
    axes.set_axisbelow(True)
    since = "the first client had the event" if since_first else "the event was due"
    axes.set_xlabel(f"time since {since}", labelpad=7)
    axes.set_ylabel("clients that have it", labelpad=7)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=theme.muted, fontsize=BODY_PT, fontfamily=FONT)


def _summary(run: FanoutRun) -> str:
    lost = sum(push.ledger.lost for push in run.results)
    last = sorted(push.latency.max for push in run.results)
    verdict = "trustworthy" if run.trustworthy else "not to be trusted: see the flags of its verdict"
    if not last:
        return "no event came that could be told from others"
    pushes = "1 push" if len(last) == 1 else f"{len(last)} pushes"
    slowest_s = last[len(last) // 2]
    when = (
        "not every client reached"
        if slowest_s == LOST
        else f"last client after {format_seconds(slowest_s)} (median)"
    )
    return f"{pushes}; {when}; {lost:,} lost; {verdict}"
