"""Which notebook cell makes a thing: run again, the cell replaces the board or the site it made before."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

End = Callable[[], object]
"""What ends a thing, such as a board's `close`."""

_lock = threading.Lock()
_made: dict[str, tuple[str, list[End]]] = {}
"""By cell: the run of it that was the last to make anything, and what ends that run's things."""


def replace_by(end: End) -> None:
    """End what earlier runs of this cell made; this one's next run calls `end`. Outside of cells nothing is done."""
    cell, run = _current()
    if not cell:
        return
    with _lock:
        earlier = [] if cell not in _made or _made[cell][0] == run else _made.pop(cell)[1]
        _made.setdefault(cell, (run, []))[1].append(end)
    for end_earlier in earlier:
        end_earlier()


def forget(end: End) -> None:
    """It has been called, or need not be any more."""
    with _lock:
        for cell, (_, ends) in list(_made.items()):
            if end in ends:
                ends.remove(end)
            if not ends:
                del _made[cell]


def _current() -> tuple[str, str]:
    """The front end's name of the running cell, and of this run of it; empty if it gives none."""
    shell = _shell()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else None
    parent = parent or {}
    cell = parent.get("metadata", {}).get("cellId")
    return (str(cell), str(parent.get("header", {}).get("msg_id"))) if cell else ("", "")


def _shell() -> Any:
    """The notebook's shell; None in a script, which need not have IPython."""
    ipython = sys.modules.get("IPython.core.getipython")
    return ipython.get_ipython() if ipython else None
