"""How the rows of a sequence diagram are drawn on their sheet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from realtime_kit.plots.sequence_lanes import NARROW_IN, TIME_IN, Lanes, place_lanes
from realtime_kit.plots.sequence_paper import Paper
from realtime_kit.plots.sequence_rows import PARTY_NAMES, Away, SequenceRow, SequenceRows
from realtime_kit.plots.style import BODY_PT, HEADING_PT, MARGIN_IN, SMALL_PT, blend, look
from realtime_kit.taps.x_ray import Hold

ROW_IN = 0.47
HEAD_IN = 0.5
FOOT_IN = 0.55
LEFT_OUT_IN = 0.34

_NAME_IN = 0.17
_ARROW_IN = 0.28
_TITLE_ABOVE_IN = 0.065
_REMARK_BELOW_IN = 0.155
_PAUSE_BELOW_IN = 0.035
_PAD_IN = 0.13
_GAP_BELOW_IN = 0.12
_GAP_ABOVE_IN = 0.2
_MIDDLE_IN = 0.045
_MARK_PT = 7.0
_BAR_IN = 0.09
_BAR_STEP_IN = 0.13
_SIDES = (0, 1, -1, 2, -2)
"""Where bars stand that are there at the same time: on the lifeline, then beside it by turns."""

_PAUSE_S = 0.2
"""From this on a pause is made visible: what happens by itself takes milliseconds."""

_LINE_IN = 0.2


@dataclass(frozen=True, slots=True)
class _Bar:
    """A hold on the sheet."""

    client: int
    side: int
    top_in: float
    bottom_in: float
    transport: str


@dataclass(frozen=True, slots=True)
class _Gap:
    """A time without an origin on the sheet."""

    top_in: float
    bottom_in: float
    words: str


def draw_rows(paper: Paper, shown: SequenceRows, *, away: Sequence[Away] = ()) -> None:
    """Draw a sequence diagram.

    Args:
        paper: An empty sheet.
        shown: What is drawn; no more than fits.
        away: When there was no origin.
    """
    rows, left_out = shown.rows, shown.left_out
    first_in = MARGIN_IN + HEAD_IN + (LEFT_OUT_IN if left_out else 0)
    lanes = place_lanes(rows, shown.clients, paper.width_in)
    end_in = first_in + max(1, len(rows)) * ROW_IN
    if not rows:
        x_in = lanes.pushpin_in + _PAD_IN
        paper.write(x_in, first_in + _ARROW_IN, "nothing has been seen yet", SMALL_PT, paper.theme.muted)
    _draw_lifelines(paper, lanes, end_in)
    _write_left_out(paper, lanes, left_out)
    bars = _bars(rows, shown.holds, first_in, end_in)
    gaps = list(_gaps(rows, away, first_in, end_in))
    _draw_key(paper, rows, is_held=bool(bars), is_away=bool(gaps))
    for gap in gaps:
        _draw_gap(paper, lanes, gap)
    for bar in bars:
        _draw_bar(paper, lanes, bar)
    for number, row in enumerate(rows):
        pause = number > 0 and row.since_s - rows[number - 1].since_s >= _PAUSE_S
        _draw_row(paper, lanes, row, bars, first_in + number * ROW_IN, after_pause=pause)


def _draw_lifelines(paper: Paper, lanes: Lanes, end_in: float) -> None:
    theme = paper.theme
    for name, place_in in lanes.places_in.items():
        room_in = NARROW_IN - _PAD_IN if name in lanes.clients else None
        style: dict[str, Any] = {"bold": True, "align": "center", "room_in": room_in}
        paper.write(place_in, MARGIN_IN + _NAME_IN, name, HEADING_PT, theme.text, **style)
        top_in = MARGIN_IN + _NAME_IN + 0.1
        paper.line((place_in, place_in), (top_in, end_in), blend(theme.muted, theme.background, 0.55), 1.0)


def _write_left_out(paper: Paper, lanes: Lanes, left_out: int) -> None:
    if left_out:
        text = f"{left_out:,} earlier message{'s are' if left_out > 1 else ' is'} left out"
        y_in = MARGIN_IN + HEAD_IN + LEFT_OUT_IN / 2
        x_in = lanes.pushpin_in + _PAD_IN
        paper.write(x_in, y_in, text, SMALL_PT, paper.theme.muted)


def _draw_key(paper: Paper, rows: Sequence[SequenceRow], *, is_held: bool, is_away: bool) -> None:
    """What the marks mean that are there."""
    theme, x_in = paper.theme, MARGIN_IN
    y_in = paper.height_in - MARGIN_IN
    own, published = any(row.is_own for row in rows), any(row.message.kind == "publish" for row in rows)
    words = ["solid: sent", "dashed: answer"]
    words += ["○ a request of Pushpin's own"] * own + ["★ published"] * published
    words += ["bar: Pushpin holds a client"] * is_held + ["hollow: no origin"] * is_away
    paper.write(x_in, y_in, "   ·   ".join(words), SMALL_PT, theme.muted)
    for transport in dict.fromkeys(row.transport for row in rows if row.transport):
        colour = theme.colour(transport)
        paper.mark(x_in + 0.06, y_in - _LINE_IN - 0.045, look(transport).marker, _MARK_PT, colour)
        x_in += 0.43 + paper.write(x_in + 0.18, y_in - _LINE_IN, transport, SMALL_PT, colour, bold=True)


def _bars(
    rows: Sequence[SequenceRow], holds: Mapping[int, Hold], first_in: float, end_in: float
) -> list[_Bar]:
    """The holds that reach into what is drawn, side by side where they are at the same time."""
    times = [row.message.at_ns for row in rows]
    transports = {row.client: row.transport for row in rows if row.client is not None}
    bars: list[_Bar] = []
    for number, hold in sorted(holds.items(), key=lambda each: each[1].from_ns):
        if not rows or number not in transports or (hold.until_ns or times[0]) < times[0]:
            continue

        def place_in(at_ns: int) -> float:
            return first_in + (bisect_right(times, at_ns) - 1) * ROW_IN + _ARROW_IN

        top_in = first_in if hold.from_ns < times[0] else place_in(hold.from_ns)
        bottom_in = end_in if hold.until_ns is None else place_in(hold.until_ns)
        taken = {bar.side for bar in bars if bar.bottom_in > top_in}
        side = next((side for side in _SIDES if side not in taken), _SIDES[-1])
        bars.append(_Bar(number, side, top_in, bottom_in, transports[number]))
    return bars


def _gaps(
    rows: Sequence[SequenceRow], away: Sequence[Away], first_in: float, end_in: float
) -> Iterator[_Gap]:
    """The times without an origin that reach into what is drawn: from below a row to above another."""
    times = [row.message.at_ns for row in rows]
    for each in away:
        if not rows or (each.until_ns is not None and each.until_ns < times[0]):
            continue
        before = bisect_right(times, each.from_ns)
        after = len(rows) if each.until_ns is None else bisect_right(times, each.until_ns)
        above_in = (before - 1) * ROW_IN + _ARROW_IN + _GAP_BELOW_IN
        below_in = first_in + after * ROW_IN + _ARROW_IN - _GAP_ABOVE_IN
        yield _Gap(
            top_in=first_in + max(0.0, above_in),
            bottom_in=below_in if after < len(rows) else end_in,
            words=str(each) if after > before else "",  # there is room for them beside a row
        )


def _draw_gap(paper: Paper, lanes: Lanes, gap: _Gap) -> None:
    theme, x_in = paper.theme, lanes[PARTY_NAMES["origin"]]
    paper.bar(x_in, gap.top_in, gap.bottom_in, _BAR_IN, theme.background, theme.muted)
    y_in = (gap.top_in + gap.bottom_in) / 2 + _MIDDLE_IN
    paper.write(x_in - _PAD_IN, y_in, gap.words, SMALL_PT, theme.muted, align="right")


def _draw_bar(paper: Paper, lanes: Lanes, bar: _Bar) -> None:
    colour = paper.theme.colour(bar.transport)
    fill = blend(colour, paper.theme.background, 0.68)
    x_in = lanes.pushpin_in + bar.side * _BAR_STEP_IN
    paper.bar(x_in, bar.top_in, bar.bottom_in, _BAR_IN, fill, colour)


def _draw_row(
    paper: Paper, lanes: Lanes, row: SequenceRow, bars: Sequence[_Bar], top_in: float, *, after_pause: bool
) -> None:
    theme, y_in = paper.theme, top_in + _ARROW_IN
    if after_pause:
        end_in, pause_in = max(lanes.places_in.values()), top_in + _PAUSE_BELOW_IN
        paper.line((MARGIN_IN, end_in), (pause_in, pause_in), theme.muted, 0.8, dashes=(1, 3))
    time_in = MARGIN_IN + TIME_IN - _PAD_IN
    paper.write(time_in, y_in + _MIDDLE_IN, row.at, SMALL_PT, theme.muted, align="right")
    _draw_arrow(paper, lanes, row, [bar for bar in bars if bar.top_in <= y_in <= bar.bottom_in], y_in)
    left_in, right_in = lanes.room_in(row)
    if left_in == lanes.pushpin_in:
        left_in = _edge_in(lanes, bars, right=True)
    else:
        right_in = _edge_in(lanes, bars, right=False)
    left_in, room_in = left_in + _PAD_IN, right_in - left_in - 2 * _PAD_IN
    paper.write(left_in, y_in - _TITLE_ABOVE_IN, row.title, BODY_PT, theme.text, room_in=room_in)
    if row.remark:
        paper.write(left_in, y_in + _REMARK_BELOW_IN, row.remark, SMALL_PT, theme.muted, room_in=room_in)


def _draw_arrow(paper: Paper, lanes: Lanes, row: SequenceRow, bars: Sequence[_Bar], y_in: float) -> None:
    """The arrow, which ends at its own bar if there is one, and what marks its tail."""
    kind = row.message.kind
    colour = paper.theme.colour(row.transport)
    to_the_right = max(lanes[row.sender], lanes[row.receiver]) > lanes.pushpin_in
    edge_in = _edge_in(lanes, bars, right=to_the_right)
    for bar in bars:
        if bar.client == row.client:
            to_edge_in = _BAR_IN / 2 if to_the_right else -_BAR_IN / 2
            edge_in = lanes.pushpin_in + bar.side * _BAR_STEP_IN + to_edge_in
    from_in, to_in = (
        edge_in if lanes[name] == lanes.pushpin_in else lanes[name] for name in (row.sender, row.receiver)
    )
    paper.arrow(from_in, to_in, y_in, colour, dashed=kind == "response", struck=kind == "closed")
    if row.is_pushed:
        paper.mark(from_in, y_in, look(row.transport).marker, _MARK_PT, colour)
    if row.is_own:
        paper.mark(from_in, y_in, "o", _MARK_PT, colour, hollow=True)
    if kind == "publish":
        paper.mark(from_in, y_in, "*", 1.6 * _MARK_PT, colour)


def _edge_in(lanes: Lanes, bars: Sequence[_Bar], *, right: bool) -> float:
    """Where Pushpin ends on one side, inches."""
    outward = 1 if right else -1
    reach_in = max((outward * bar.side * _BAR_STEP_IN + _BAR_IN / 2 for bar in bars), default=0.0)
    return lanes.pushpin_in + outward * max(0.0, reach_in)
