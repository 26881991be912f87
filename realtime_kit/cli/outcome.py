"""What a command does with a finished run: keep it, print it, and say where it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import click

from realtime_kit.cli.terminal import console

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Run(Protocol):
    """Whatever was measured."""

    def save(self, path: str) -> None:
        """Write it to a JSON file."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""


def show(
    run: Run,
    json_file: str | None,
    plot_file: str | None,
    *,
    table: Callable[[], object],
    draw: Callable[[], Figure],
) -> None:
    """Keep and print a run.

    Args:
        run: It.
        json_file: Where its JSON goes; `-` is standard output, which the table then leaves alone.
        plot_file: Where its picture goes.
        table: Makes what is printed.
        draw: Makes the picture.
    """
    from realtime_kit.plots import save_figure

    # Saved before it is printed, to survive a closed pipe; and printed even if it cannot be saved.
    try:
        if json_file and json_file != "-":
            run.save(json_file)
        if plot_file:
            save_figure(draw(), plot_file)
    finally:
        console(err=json_file == "-").print(table())
        if json_file == "-":
            click.echo(json.dumps(run.to_json(), indent=1, allow_nan=False))
    for file, what in ((json_file, "run"), (plot_file, "picture")):
        if file and file != "-":
            click.echo(f"the {what}: {file}", err=True)
