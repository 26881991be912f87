"""How a command speaks: results to standard output, all else to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console


def say_failure(text: str) -> None:
    """A failure in one line."""
    click.echo(f"realtime-kit: {text}", err=True)


def console(*, err: bool) -> Console:
    """Where tables go."""
    from rich.console import Console

    return Console(stderr=err, highlight=False)


def progress() -> Any:
    """A progress bar on a terminal, silence in a pipe."""
    from realtime_kit.lab.terminal import TerminalProgress

    return TerminalProgress(console(err=True))
