"""`realtime-kit serve`."""

from __future__ import annotations

import click

from realtime_kit.cli.status import INTERRUPTED
from realtime_kit.cli.terminal import say_failure
from realtime_kit.errors import UsageError


@click.command()
@click.argument("lesson", required=False, metavar="LESSON")
@click.option("--port", type=int, default=0, help="Port for clients.  [default: a free one]")
def serve(lesson: str | None, port: int) -> int:
    """Serve a lesson's origin behind Pushpin, with curl lines to try. Ctrl-C stops both.

    LESSON is polling, long-polling, streaming, websocket or reliable, or the lesson's number.
    """
    from realtime_kit import background
    from realtime_kit.lab.serve import serve_lesson
    from realtime_kit.origin.lessons import lesson_names

    if lesson is None:
        message = f"serve needs a lesson: one of {lesson_names()}"
        raise UsageError(message)
    try:
        background.run(serve_lesson(lesson, port, show=click.echo, show_failure=say_failure))
    except KeyboardInterrupt:
        click.echo("\nstopped", err=True)  # on a line of its own, after the ^C of the terminal
    return INTERRUPTED
