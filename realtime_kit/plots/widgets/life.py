"""The end of widgets: none of their parts stays behind."""

from __future__ import annotations

from collections.abc import Iterator

from ipywidgets import Widget


def close_widgets(*widgets: Widget) -> None:
    """Close widgets with all they contain. May be called again."""
    for widget in widgets:
        for part in list(parts(widget)):
            part.close()


def parts(widget: Widget) -> Iterator[Widget]:
    """A widget, what it contains, and the layouts and styles of these, which are widgets of their own."""
    for child in getattr(widget, "children", ()):
        yield from parts(child)
    for name in ("layout", "style"):
        if isinstance(part := getattr(widget, name, None), Widget):
            yield part
    yield widget
