"""What stands around a live picture, as HTML in the colours of the page around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

STYLE = (
    "<style>"
    ".rtk-board{color:var(--jp-content-font-color1,inherit);max-width:960px}"
    ".rtk-board .rtk-title{font-size:1.15em;font-weight:600;line-height:1.5}"
    ".rtk-board .rtk-lead{color:var(--jp-content-font-color2,inherit);line-height:1.5;max-width:62em}"
    ".rtk-board [role=status]{line-height:1.6;min-height:1.6em;color:var(--jp-content-font-color1,inherit)}"
    ".rtk-board [role=status].rtk-wrong{color:var(--jp-error-color1,#c62828);font-weight:600}"
    ".rtk-board img{border-radius:3px}"
    ".rtk-data{overflow-x:auto}"
    ".rtk-data table{border-collapse:collapse;color:var(--jp-content-font-color1,inherit);"
    "background:transparent;font-variant-numeric:tabular-nums;line-height:1.45}"
    ".rtk-data caption{text-align:left;padding:.5em 0 .3em;color:var(--jp-content-font-color2,inherit)}"
    ".rtk-data tr{background:transparent!important}"
    ".rtk-data th,.rtk-data td{padding:.15em 1em .15em 0;text-align:right;vertical-align:top;border:0;"
    "white-space:nowrap;color:inherit;background:transparent}"
    ".rtk-data thead th{font-weight:600;border-bottom:1px solid var(--jp-border-color1,currentColor)}"
    ".rtk-data th:first-child,.rtk-data .rtk-words{text-align:left}"
    ".rtk-data tbody th{font-weight:400}"
    ".rtk-data p{margin:.2em 0!important}"
    "</style>"
)
"""JupyterLab's variables give light and dark; elsewhere the page's own colours are inherited."""


@dataclass(frozen=True, slots=True)
class DataTable:
    """The numbers of a picture.

    Attributes:
        caption: What they are.
        headings: Heading and explanation of each column; the first is that of the rows' names.
        rows: Cells of each row, its name first.
        notes: Sentences above it.
        words: Headings of the columns that hold words, which begin at the left; figures end at the right.
    """

    caption: str
    headings: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    words: Sequence[str] = ()

    def html(self) -> str:
        """A real table, with headings that belong to their cells; every text escaped."""
        kinds = [' class="rtk-words"' if name in self.words else "" for name, _ in self.headings]
        head = "".join(
            f'<th scope="col" title="{escape(why)}"{kind}>{escape(name)}</th>'
            for kind, (name, why) in zip(kinds, self.headings, strict=True)
        )
        body = "".join(
            f'<tr><th scope="row">{escape(name)}</th>{_cells(cells, kinds[1:])}</tr>'
            for name, *cells in self.rows
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return (
            f'<div class="rtk-data">{notes}<table><caption>{escape(self.caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def __str__(self) -> str:
        lines = [[name for name, _ in self.headings], *map(list, self.rows)]
        left = [not at or name in self.words for at, (name, _) in enumerate(self.headings)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = (
            "  ".join(
                f"{cell:{'<' if is_left else '>'}{width}}"
                for cell, width, is_left in zip(line, widths, left, strict=True)
            )
            for line in lines
        )
        return "\n".join([*self.notes, self.caption, *(line.rstrip() for line in table)])

    def _repr_html_(self) -> str:
        return STYLE + self.html()


def _cells(cells: Iterable[str], kinds: Iterable[str]) -> str:
    return "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(cells, kinds, strict=True))


def title_html(title: str, lead: str) -> str:
    """A board's head: its title, and what it is for. Brings the style of all that follows."""
    # No <h3>: JupyterLab would list it among the notebook's own headings.
    return (
        f'{STYLE}<div class="rtk-title" role="heading" aria-level="3">{escape(title)}</div>'
        f'<div class="rtk-lead">{escape(lead)}</div>'
    )


def status_html(text: str, *, wrong: bool = False) -> str:
    """One line that says what is going on; screen readers say it when it changes."""
    kind = ' class="rtk-wrong"' if wrong else ""
    return f'<div role="status" aria-live="polite"{kind}>{escape(text)}</div>'
