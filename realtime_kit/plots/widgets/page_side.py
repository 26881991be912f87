"""The part of a board that runs in the page: names the picture, and tells whether the page is dark.

It needs anywidget, and a page that lets widgets run scripts; a board works without it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import ipywidgets
import traitlets


def page_side(describe: str, on_paper: Callable[[bool], object]) -> list[ipywidgets.Widget]:
    """An invisible widget to put into a board; none where there is no anywidget.

    Args:
        describe: What the picture shows, for those who cannot see it.
        on_paper: Called with True when the widget finds itself on dark paper, with False when on light; at first
            it takes the paper for light.
    """
    if find_spec("anywidget") is None:
        return []
    from anywidget import AnyWidget

    class PageSide(AnyWidget):
        _esm = Path(__file__).with_name("page_side.js")
        describe = traitlets.Unicode().tag(sync=True)
        dark = traitlets.Bool(False).tag(sync=True)

    widget = PageSide(describe=describe)
    widget.observe(lambda change: on_paper(bool(change["new"])), "dark")
    return [widget]
