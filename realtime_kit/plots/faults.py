"""The fault lab as a matrix, fault by transport: a table for the terminal and a heat map."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from realtime_kit.measurements.fault_ledger import FaultLedger
from realtime_kit.measurements.fault_run import FaultResult, FaultRun
from realtime_kit.plots.fates import FATES, MISSING, RECOVERED
from realtime_kit.plots.save import Picture
from realtime_kit.plots.style import FONT, LIGHT, SMALL_PT, TITLE_PT, Theme, blend

KEY = (
    "lost / recovered / late, of what was owed to all clients of a transport; "
    "recovered: came another way than the usual one"
)
_LOSS_COLOUR = "#C94F0E"
_KEPT_COLOUR = "#00563E"
_TINTS = (0.25, 0.75)
"""From the least loss to half of everything and more; black type stays legible on it."""

_CELL_IN = (1.25, 0.36)
_LABEL_IN = 1.5
_HEAD_IN = 0.75
_TITLE_PER_IN, _TITLE_LINE_IN = 9, 0.25
_KEY_PER_IN, _KEY_LINE_IN = 16, 0.16
"""Letters of title and key in an inch, and how high each further line of them is."""

_DPI = 100
_LEAST_SHOWN_S = 0.05
_ENDLESS = 10_000
"""Columns of a terminal that anything fits in."""


def faults_table(run: FaultRun) -> Group:
    """The matrix, then theory beside the losses, and why."""
    return Group(*_parts(run))


def _parts(run: FaultRun) -> list[RenderableType]:
    losses = [each for each in run.results if each.ledger.lost]
    parts: list[RenderableType] = [_Matrix(run, _cell, tells_owed=True), "", Text(KEY, "dim")]
    if any(each.recovery_s for each in run.results):
        parts += ["", _Matrix(run, _recovery), "", Text(_timers(run), "dim")]
    if run.interrupted:
        parts.append(Text("interrupted: faults without a row were not measured", "yellow"))
    parts += [Text(f"left out: {name}. {why}", "yellow") for name, why in run.left_out.items()]
    parts += [Text(f"not measured: {name}. {why}", "bold red") for name, why in run.failed.items()]
    if losses:
        parts += ["", _losses(losses)]
    parts += ["", *(Text(f"{name}: {meaning}", "dim") for name, meaning in run.meanings.items())]
    parts.append(_verdict(run))
    return parts


class _Matrix:
    """Fault by transport; transports that do not fit beside the others stand below them."""

    def __init__(
        self, run: FaultRun, cell: Callable[[FaultResult], Text], *, tells_owed: bool = False
    ) -> None:
        self._run = run
        self._cell = cell
        self._tells_owed = tells_owed

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        transports = _transports(self._run)
        for pieces in range(1, max(1, len(transports)) + 1):
            count = max(1, math.ceil(len(transports) / pieces))
            tables = [self._table(transports[at : at + count]) for at in range(0, len(transports), count)]
            endless = options.update(max_width=_ENDLESS)
            wide = [Measurement.get(console, endless, table).maximum for table in tables]
            if count == 1 or max(wide, default=0) <= options.max_width:
                for number, table in enumerate(tables):
                    yield from ("",) * (number > 0)
                    yield table
                return

    def _table(self, transports: Sequence[str]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
        table.add_column("fault", no_wrap=True)
        if self._tells_owed:
            table.add_column("owed", justify="right", style="dim")
        for transport in transports:
            table.add_column(_in_lines(transport), justify="right", overflow="fold")
        found = {(each.scenario, each.transport): each for each in self._run.results}
        for scenario in self._run.meanings:
            row = [found.get((scenario, transport)) for transport in transports]
            if owed := max(
                (each.ledger.expected for each in row if each), default=0
            ):  # else interrupted before
                cells = [self._cell(each) if each else Text("–") for each in row]
                table.add_row(Text(scenario, "bold"), *[f"{owed:,}"] * self._tells_owed, *cells)
        return table


def _recovery(result: FaultResult) -> Text:
    if result.recovery_s is None:
        return Text("–")
    shown = [f"{value:.1f}" if value >= _LEAST_SHOWN_S else "<0.1" for value in result.recovery_s]
    return Text("–".join(dict.fromkeys(shown)))  # once, if they are the same


def _timers(run: FaultRun) -> str:
    timers = ", ".join(f"{name} {value:g} s" for name, value in run.meta.get("timers_s", {}).items())
    return (
        "how late what was recovered or late came: the median and the longest, s"
        + f"; beside it stand {timers}" * bool(timers)
    )


def _cell(result: FaultResult) -> Text:
    total = result.ledger
    style = "" if not total.lost else "yellow" if result.keeps_its_promise else "bold red"
    return Text(f"{total.lost}/{total.recovered}/{total.late}", style or "green")


def _losses(losses: Sequence[FaultResult]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("fault", "transport"):
        table.add_column(heading, no_wrap=True)
    for heading in ("lost", "theory"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("why")
    for each in losses:
        measured, predicted = f"{each.ledger.lost_share:.1%}", f"{each.predicted_loss:.1%}"
        table.add_row(each.scenario, each.transport, measured, predicted, each.why)
    return table


def _verdict(run: FaultRun) -> Text:
    broken = [f"{each.transport} under {each.scenario}" for each in run.results if not each.keeps_its_promise]
    if broken:
        return Text(f"✗ not once and in order: {', '.join(broken)}", "bold red")
    if run.failed:
        return Text(f"✗ not everything could be measured: {', '.join(run.failed)}", "bold red")
    return Text("✓ every transport that recovers got every event, once and in order", "green")


def faults_figure(run: FaultRun, *, theme: Theme = LIGHT) -> Figure:
    """The matrix as a heat map: the redder, the more was lost; a bar beneath shows lost and recovered as shares.

    Args:
        run: The result of the fault lab.
        theme: `LIGHT` or `DARK`.
    """
    scenarios, transports = list(run.meanings), _transports(run)
    width_in = _LABEL_IN + _CELL_IN[0] * len(transports) + 0.3
    key = f"{KEY}; bars: lost and recovered as shares"
    keys = textwrap.wrap(key, int(_KEY_PER_IN * width_in))
    bottom_in = 0.4 + _KEY_LINE_IN * (len(keys) - 1)
    titles = textwrap.wrap(_title(run), int(_TITLE_PER_IN * width_in))
    head_in = _HEAD_IN + _TITLE_LINE_IN * (len(titles) - 1)
    height_in = head_in + _CELL_IN[1] * len(scenarios) + bottom_in + 0.1
    figure = Picture(figsize=(width_in, height_in), dpi=_DPI, facecolor=theme.background)
    FigureCanvasAgg(figure)
    axes = figure.add_axes(
        (
            _LABEL_IN / width_in,
            bottom_in / height_in,
            _CELL_IN[0] * len(transports) / width_in,
            _CELL_IN[1] * len(scenarios) / height_in,
        ),
        facecolor=theme.background,
    )
    for row, scenario in enumerate(scenarios):
        for column, transport in enumerate(transports):
            _draw_cell(axes, run, (scenario, transport), (column, row), theme)
    axes.set_xlim(-0.5, len(transports) - 0.5)
    axes.set_ylim(len(scenarios) - 0.5, -0.5)
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(transports)), [_in_lines(each) for each in transports])
    axes.set_yticks(range(len(scenarios)), scenarios)
    axes.tick_params(length=0, labelsize=SMALL_PT, labelcolor=theme.text, labelfontfamily=FONT)
    for spine in axes.spines.values():
        spine.set_visible(False)
    top = 1 - 0.15 / height_in
    figure.text(
        0.02,
        top,
        "\n".join(titles),
        color=theme.text,
        family=FONT,
        fontsize=TITLE_PT - 3,
        weight="bold",
        va="top",
    )
    figure.text(
        0.02, 0.14 / height_in, "\n".join(keys), color=theme.muted, family=FONT, fontsize=SMALL_PT - 1
    )
    return figure


def _draw_cell(axes: Axes, run: FaultRun, key: tuple[str, str], at: tuple[int, int], theme: Theme) -> None:
    try:
        total = run[key].ledger
    except KeyError:
        return
    share = _TINTS[0] + (_TINTS[1] - _TINTS[0]) * min(1.0, 2 * total.lost_share)
    colour = blend(
        theme.background, _LOSS_COLOUR if total.lost else _KEPT_COLOUR, share if total.lost else 0.12
    )
    axes.add_patch(Rectangle((at[0] - 0.48, at[1] - 0.45), 0.96, 0.9, facecolor=colour, linewidth=0))
    _draw_shares(axes, total, at, theme)
    text = f"{total.lost} / {total.recovered} / {total.late}"
    axes.text(*at, text, ha="center", va="center", color=theme.text, family=FONT, fontsize=SMALL_PT)


def _draw_shares(axes: Axes, total: FaultLedger, at: tuple[int, int], theme: Theme) -> None:
    """At a cell's foot, as long as the cell is wide: what was lost, and what was recovered."""
    left = at[0] - 0.48
    for count, fate in ((total.lost, FATES[MISSING]), (total.recovered, FATES[RECOVERED])):
        if count:
            width = 0.96 * count / total.expected
            axes.add_patch(
                Rectangle((left, at[1] + 0.34), width, 0.11, facecolor=fate.colour(theme), linewidth=0)
            )
            left += width


def _title(run: FaultRun) -> str:
    if not any(each.ledger.lost for each in run.results):
        return "Nothing was lost"
    if all(each.keeps_its_promise for each in run.results):
        return "Push alone loses what it cannot deliver; what asks again loses nothing"
    return "A transport that recovers did not keep its promise"


def _in_lines(transport: str) -> str:
    return transport.replace("-", "-\n").replace(" ", "\n")


def _transports(run: FaultRun) -> list[str]:
    return list(dict.fromkeys(each.transport for each in run.results))
