"""`realtime-kit export`."""

from __future__ import annotations

import click

from realtime_kit.cli.status import DONE
from realtime_kit.errors import UsageError


@click.command()
@click.argument("lesson", required=False, metavar="LESSON")
@click.argument("folder", required=False, metavar="DIR")
@click.option(
    "--port",
    type=int,
    default=8000,
    show_default=True,
    help="Port for clients; the two after it are the application's, and Pushpin's for publishing.",
)
def export(lesson: str | None, folder: str | None, port: int) -> int:
    """Write a lesson's origin as a prototype to carry on with.

    LESSON is polling, long-polling, streaming, websocket or reliable, or the lesson's number. DIR is a new or empty
    folder. It gets one application file, routes and configuration for Pushpin, a docker-compose file, requirements, and
    a README with lines to try.
    """
    from realtime_kit.lab.prototype import export as write
    from realtime_kit.origin.lessons import lesson_names

    if lesson is None or folder is None:
        message = f"export needs a lesson, one of {lesson_names()}, and a folder to write to"
        raise UsageError(message)
    click.echo(str(write(lesson, folder, port=port)))
    return DONE
