"""`realtime-kit fanout`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from realtime_kit.cli.files import check_writable
from realtime_kit.cli.outcome import show
from realtime_kit.cli.status import DONE, FAILED
from realtime_kit.cli.terminal import console

if TYPE_CHECKING:
    from realtime_kit.measurements.fanout import FanoutRun


@click.command()
@click.option("--clients", type=int, default=1_000, show_default=True, help="How many are pushed to.")
@click.option("--pushes", type=int, default=5, show_default=True, help="Events, one after the other.")
@click.option("--instances", type=int, default=1, show_default=True, help="Pushpins that share the clients.")
@click.option("--transport", default="streaming", show_default=True, help="Or websocket, long-polling.")
@click.option(
    "--payload", "payload_bytes", type=int, default=64, show_default=True, help="Size of an event, bytes."
)
@click.option(
    "--message-rate", type=int, default=0, show_default=True, help="Pushpin's limiter, per second; 0 is none."
)
@click.option("--door", default="http", show_default=True, help="How events reach Pushpin: http or zeromq.")
@click.option("--json", "json_file", metavar="FILE", help="Write the run as JSON; - is standard output.")
@click.option("--plot", "plot_file", metavar="FILE", help="Draw the completion curves: .png, .svg or .pdf.")
def fanout(json_file: str | None, plot_file: str | None, **settings: Any) -> int:
    """Push events to very many clients through one Pushpin or several, and say when everybody had them.

    Before the first event that counts, every client has proved that it is reached. How many clients this machine can
    hold is said if they are too many.
    """
    from realtime_kit.lab.fanout import FanoutSettings, fanout as run_fanout

    chosen = FanoutSettings(**settings)
    check_writable(json_file, plot_file)
    if plot_file:
        from realtime_kit.plots import check_picture_path

        check_picture_path(plot_file)
    with console(err=True).status("") as status:
        result = run_fanout(chosen, on_phase=status.update)
    _show(result, json_file, plot_file)
    return DONE if result.trustworthy else FAILED


def _show(result: FanoutRun, json_file: str | None, plot_file: str | None) -> None:
    from realtime_kit.plots.fanout import fanout_figure
    from realtime_kit.plots.fanout_table import fanout_table

    show(result, json_file, plot_file, table=lambda: fanout_table(result), draw=lambda: fanout_figure(result))
