"""How a command speaks: results to standard output, all else to standard error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
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


@contextlib.contextmanager
def phases() -> Iterator[Callable[[str], None]]:
    """What is going on, beside a spinner on a terminal; silence in a pipe, but for the answer to an interrupt."""
    from realtime_kit.lab.interruption import SAID

    where = console(err=True)
    with where.status("") as status:

        def show(phase: str) -> None:
            if phase in SAID:
                where.print(SAID[phase])
            status.update(phase)

        yield show
