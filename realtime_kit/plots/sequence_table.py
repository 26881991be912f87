"""Messages on the wires as a table: for the terminal, and as HTML for notebooks. Same words in both."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from realtime_kit.plots.sequence_rows import SequenceRow, sequence_rows
from realtime_kit.plots.words import NOTHING
from realtime_kit.taps.x_ray import Message

NEWEST_LISTED = 100
"""How many messages are listed unless said otherwise."""

HEADINGS = (
    ("at", "since the first message"),
    ("request", "which request it belongs to"),
    ("who", "who sends it to whom"),
    ("what", "what it is"),
    ("details", "why, for how long, and with which content"),
)
"""Heading and explanation of each column."""


def sequence_table(messages: Sequence[Message], *, newest: int = NEWEST_LISTED, dropped: int = 0) -> Group:
    """The messages for a terminal, a row each.

    Args:
        messages: All there are, in the order seen.
        newest: How many of them to list, the newest.
        dropped: How many came before them and are not kept.

    Raises:
        UsageError: if `newest` is less than 1.
    """
    shown = sequence_rows(messages, newest=newest)
    if not shown.rows:
        return Group(Text("nothing has been seen yet", "dim"))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name, _ in HEADINGS[:2]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(HEADINGS[2][0], no_wrap=True)
    for name, _ in HEADINGS[3:]:
        table.add_column(name)
    for row in shown.rows:
        *first, what, remark = cells(row)
        table.add_row(*map(Text, first), Text(what, "bold"), Text(remark, "dim"))
    missing = _missing(shown.left_out, dropped)
    return Group(Text(missing, "dim"), table) if missing else Group(table)


def sequence_html(messages: Sequence[Message], *, newest: int = NEWEST_LISTED, dropped: int = 0) -> str:
    """The same for a notebook, every part of a message behind a click; in the colours of the page around it.

    Every value is escaped: what was on the wire cannot become part of the page.
    """
    shown = sequence_rows(messages, newest=newest)
    missing = _missing(shown.left_out, dropped)
    head = "".join(f'<th scope="col" title="{escape(why)}">{escape(name)}</th>' for name, why in HEADINGS)
    body = "".join(_html_row(row) for row in shown.rows)
    note = f"<br>{escape(missing)}" if missing else ""
    return (
        f'<div class="rtk-wire">{_CSS}<table><caption><strong>What crossed the wires</strong>{note}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def cells(row: SequenceRow) -> tuple[str, ...]:
    """A row's words, one for each heading."""
    number = str(row.message.exchange or NOTHING)
    who = f"{row.sender} → {row.receiver}"
    return row.at, number, who, row.title, row.remark


def _missing(left_out: int, dropped: int) -> str:
    """What to say about those that are not listed."""
    said = [f"{left_out:,} earlier messages are left out"] if left_out else []
    said += [f"{dropped:,} earlier ones were dropped"] if dropped else []
    return "; ".join(said)


def _html_row(row: SequenceRow) -> str:
    at, number, who, what, remark = map(escape, cells(row))
    return (
        f'<tr><td class="number">{at}</td><td class="number">{number}</td><td>{who}</td>'
        f'<th scope="row">{what}</th><td>{_html_details(row, remark)}</td></tr>'
    )


def _html_details(row: SequenceRow, remark: str) -> str:
    """The remark; and behind it all that was decoded."""
    named = (("why", row.why), *row.message.details, ("content", row.message.text))
    pairs = [(name, value) for name, value in named if value]
    if not pairs:
        return remark
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f"<details><summary>{remark or 'details'}</summary><dl>{listed}</dl></details>"


_CSS = (
    "<style>"
    ".rtk-wire{overflow-x:auto}"
    ".rtk-wire table{border-collapse:collapse;color:inherit;background:transparent;"
    "font-variant-numeric:tabular-nums}"
    ".rtk-wire tr{background:transparent!important}"
    ".rtk-wire caption{text-align:left;padding-bottom:.5em;color:inherit}"
    ".rtk-wire th,.rtk-wire td{padding:.15em .7em;text-align:left!important;vertical-align:top;border:0;"
    "background:transparent;color:inherit}"
    ".rtk-wire td:nth-child(-n+3){white-space:nowrap}"
    ".rtk-wire .number{text-align:right!important}"
    ".rtk-wire thead th{border-bottom:1px solid currentColor}"
    ".rtk-wire details{opacity:.85}"
    ".rtk-wire summary{cursor:pointer;overflow-wrap:anywhere}"
    ".rtk-wire dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em .8em;margin:.3em 0}"
    ".rtk-wire dt{font-weight:bold}"
    ".rtk-wire dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}"
    "</style>"
)
