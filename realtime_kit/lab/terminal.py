"""Progress of a race on a terminal."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress as Bar, TextColumn, TimeElapsedColumn

from realtime_kit.lab.interruption import SAID
from realtime_kit.measurements.progress import Progress


class TerminalProgress:
    """A progress bar with deliveries by transport, where there is a terminal. Use it with `with`."""

    def __init__(self, console: Console) -> None:
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[received]}", style="dim"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=1.0, received="")

    def __call__(self, progress: Progress) -> None:
        """Show how far a race has come, and answer an interrupt with a line that stays."""
        if progress.phase in SAID:
            self._bar.console.print(SAID[progress.phase])
        received = "  ".join(f"{name} {count:,}" for name, count in progress.received.items())
        self._bar.update(self._task, description=progress.phase, completed=progress.share, received=received)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
