"""Which notebook cell makes a board: run again, the cell replaces the board it made before."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from IPython.core.getipython import get_ipython


class Closable(Protocol):
    """Something that a cell's next run closes."""

    def close(self) -> None:
        """End it."""


_lock = threading.Lock()
_made: dict[str, tuple[str, list[Closable]]] = {}
"""By cell: the run of it that was the last to make anything, and what that run made."""


def replace_by(board: Closable) -> None:
    """Close what earlier runs of this cell made. Outside a notebook's cells nothing is closed."""
    cell, run = _current()
    if not cell:
        return
    with _lock:
        earlier = [] if cell not in _made or _made[cell][0] == run else _made.pop(cell)[1]
        _made.setdefault(cell, (run, []))[1].append(board)
    for each in earlier:
        each.close()


def forget(board: Closable) -> None:
    """The board has been closed."""
    with _lock:
        for cell, (_, boards) in list(_made.items()):
            if board in boards:
                boards.remove(board)
            if not boards:
                del _made[cell]


def _current() -> tuple[str, str]:
    """The front end's name of the running cell, and of this run of it; empty if it gives none."""
    shell: Any = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else None
    parent = parent or {}
    cell = parent.get("metadata", {}).get("cellId")
    return (str(cell), str(parent.get("header", {}).get("msg_id"))) if cell else ("", "")
