"""A race as a table: for the terminal, and as HTML for notebooks. Same words in both."""

from __future__ import annotations

from html import escape

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from realtime_kit.measurements.run import Run
from realtime_kit.plots.rows import CAPTION, HEADINGS, TransportRows, note, rows
from realtime_kit.plots.sentences import accusations, basis, conditions, headline
from realtime_kit.plots.words import format_seconds

__all__ = ["format_seconds", "race_html", "race_table"]

_TRUSTED = "✓ trustworthy"


def race_table(run: Run) -> Group:
    """The run for a terminal: numbers, ledgers and verdicts, then each flag explained.

    Prints without colours or other control codes into a pipe, and fits into 80 columns.
    """
    parts: list[RenderableType] = [Text(headline(run), "bold"), "", _numbers(run), "", _books(run), ""]
    parts += [Text(line, "dim") for line in (note(run), basis(run)) if line]
    parts += [Text.assemble((f"✗ {each.heading}: ", "bold yellow"), str(each)) for each in accusations(run)]
    parts.append(Text(", ".join(conditions(run)), "dim"))
    return Group(*parts)


def _numbers(run: Run) -> Table:
    """A measured row for each transport and, dimmed, theory's beneath."""
    table = _empty_table("transport")
    for heading, _ in HEADINGS:
        table.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    for each in rows(run):
        table.add_row(Text(each.transport, "bold"), *map(Text, each.measured))
        table.add_row(Text("  theory"), *map(Text, each.theory), style="dim")
    return table


def _books(run: Run) -> Table:
    """What became of the deliveries, and whether to trust the result."""
    table = _empty_table("transport", "ledger", "verdict")
    for each in rows(run):
        flags = Text("\n".join(f"✗ {name}" for name in each.flags), "yellow")
        verdict = flags if each.flags else Text(_TRUSTED, "green")
        table.add_row(Text(each.transport, "bold"), Text(each.ledger), verdict)
    return table


def _empty_table(*headings: str) -> Table:
    """The look that both tables share: a line under the heading and no other."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for heading in headings:
        table.add_column(heading)
    return table


def race_html(run: Run) -> str:
    """The run for a notebook: one table without scripts, in the colours of the page around it.

    Every value is escaped, so that a run from somewhere else can be shown safely.
    """
    head = "".join(f'<th scope="col" title="{escape(why)}">{escape(name)}</th>' for name, why in HEADINGS)
    body = "".join(_html_rows(each) for each in rows(run))
    return (
        f'<div class="rtk-race">{_CSS}<table><caption><strong>{escape(headline(run))}</strong>'
        f"<br>{escape(CAPTION)}</caption>"
        f'<thead><tr><th scope="col">transport</th>{head}'
        f'<th scope="col" class="words">ledger</th><th scope="col" class="words">verdict</th></tr></thead>'
        f"<tbody>{body}</tbody></table>{_html_notes(run)}</div>"
    )


def _html_rows(each: TransportRows) -> str:
    """Two rows under one transport's name; ledger and verdict span both."""
    verdict = "<br>".join(f"✗ {escape(name)}" for name in each.flags) or _TRUSTED
    measured = "".join(f"<td>{escape(cell)}</td>" for cell in each.measured)
    theory = "".join(f"<td>{escape(cell)}</td>" for cell in each.theory)
    return (
        f'<tr><th scope="row">{escape(each.transport)}</th>{measured}'
        f'<td rowspan="2" class="words">{escape(each.ledger)}</td>'
        f'<td rowspan="2" class="words">{verdict}</td></tr>'
        f'<tr class="theory"><th scope="row">theory<span class="unseen"> for {escape(each.transport)}</span>'
        f"</th>{theory}</tr>"
    )


def _html_notes(run: Run) -> str:
    """The flags, the asterisks, where theory comes from and the conditions, beneath the table."""
    flags = "".join(
        f"<li><strong>{escape(each.heading)}</strong>: {escape(str(each))}</li>" for each in accusations(run)
    )
    lines = [line for line in (note(run), basis(run), " · ".join(conditions(run))) if line]
    return (f"<ul>{flags}</ul>" if flags else "") + "".join(f"<p>{escape(line)}</p>" for line in lines)


_CSS = (
    "<style>"
    ".rtk-race{overflow-x:auto}"
    ".rtk-race table{border-collapse:collapse;color:inherit;background:transparent;"
    "font-variant-numeric:tabular-nums}"
    ".rtk-race tr{background:transparent!important}"
    ".rtk-race caption{text-align:left;padding-bottom:.5em;color:inherit}"
    ".rtk-race th,.rtk-race td{padding:.2em .7em;text-align:right;vertical-align:top;border:0;"
    "background:transparent;color:inherit;white-space:nowrap}"
    ".rtk-race thead th{white-space:normal;vertical-align:bottom;border-bottom:1px solid currentColor}"
    ".rtk-race tbody th,.rtk-race thead th:first-child,.rtk-race .words{text-align:left!important}"
    ".rtk-race td.words{white-space:normal;min-width:9em}"
    ".rtk-race tr.theory>*{opacity:.78;font-weight:normal;padding-bottom:.6em}"
    ".rtk-race tr.theory th{padding-left:1.6em}"
    ".rtk-race .unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
    ".rtk-race p,.rtk-race ul{margin:.4em 0}"
    "</style>"
)
