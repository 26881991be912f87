"""Messages on the wires as a sequence diagram: who tells whom what, time running down."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from realtime_kit.errors import UsageError
from realtime_kit.plots.save import Picture
from realtime_kit.plots.sequence_drawing import FOOT_IN, HEAD_IN, LEFT_OUT_IN, ROW_IN, draw_rows
from realtime_kit.plots.sequence_paper import Paper, StillPaper
from realtime_kit.plots.sequence_rows import Away, count_rows, sequence_rows
from realtime_kit.plots.style import LIGHT, MARGIN_IN, Theme
from realtime_kit.taps.x_ray import Message

NEWEST = 24
"""How many messages are drawn unless said otherwise: about as many as one can follow."""

WIDTH_IN = 11.0
SMALLEST_WIDTH_IN = 9.0
"""Below this titles have no room."""

DPI = 100


def sequence_figure(
    messages: Sequence[Message],
    *,
    theme: Theme = LIGHT,
    newest: int = NEWEST,
    width_in: float = WIDTH_IN,
    names: Sequence[str] = (),
) -> Figure:
    """What was on the wires as a sequence diagram, as high as it needs to be.

    Every message takes the same height, so that milliseconds and minutes both stay legible; the column to the
    left says when it was. Colours and markers are those of the transport by which the client is served.

    Args:
        messages: All there are, in the order seen, such as `site.x_ray.messages()`.
        theme: `LIGHT` or `DARK`.
        newest: How many of them to draw, the newest.
        width_in: Width in inches, 9 or more.
        names: What clients are called, in the order in which they came; those beyond are numbered.

    Raises:
        UsageError: if there is no room for the names of the lifelines, or two of them would be alike, or nothing
            to draw is asked for.
    """
    if width_in < SMALLEST_WIDTH_IN:
        message = (
            f"width_in is {width_in}: a sequence needs at least {SMALLEST_WIDTH_IN:g} inches to be legible"
        )
        raise UsageError(message)
    shown = sequence_rows(messages, newest=newest, names=names)
    left_out_in = LEFT_OUT_IN if shown.left_out else 0
    height_in = 2 * MARGIN_IN + HEAD_IN + left_out_in + max(1, len(shown.rows)) * ROW_IN + FOOT_IN
    figure = Picture(figsize=(width_in, height_in), dpi=DPI, facecolor=theme.background)
    FigureCanvasAgg(figure)
    draw_rows(StillPaper(figure, theme), shown)
    return figure


def draw_sequence(
    figure: Figure,
    messages: Sequence[Message],
    theme: Theme = LIGHT,
    *,
    newest: int = NEWEST,
    names: Sequence[str] = (),
    away: Sequence[Away] = (),
) -> None:
    """The same on a figure of any size, in place of what was on it: as many of the newest as have room.

    `away` says when there was no origin: its lifeline is hollow then.
    """
    draw_newest(StillPaper(figure, theme), messages, newest=newest, names=names, away=away)


def draw_newest(
    paper: Paper,
    messages: Sequence[Message],
    *,
    newest: int,
    names: Sequence[str] = (),
    away: Sequence[Away] = (),
) -> None:
    """The same on an empty sheet."""
    room_in = paper.height_in - 2 * MARGIN_IN - HEAD_IN - FOOT_IN
    if min(int(room_in / ROW_IN), newest) < count_rows(messages):
        room_in -= LEFT_OUT_IN
    newest = min(newest, max(1, int(room_in / ROW_IN)))
    draw_rows(paper, sequence_rows(messages, newest=newest, names=names), away=away)
