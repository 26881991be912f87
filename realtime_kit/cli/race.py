"""`realtime-kit race`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from realtime_kit.cli.files import beside, check_writable
from realtime_kit.cli.outcome import show
from realtime_kit.cli.status import DONE, FAILED, INTERRUPTED
from realtime_kit.cli.terminal import progress
from realtime_kit.errors import UsageError

if TYPE_CHECKING:
    from realtime_kit.lab import RaceSettings
    from realtime_kit.measurements import Run


@click.command()
@click.option(
    "--transports",
    default="polling,long-polling,streaming,websocket",
    show_default=True,
    help="Which take part.",
)
@click.option(
    "--clients",
    type=int,
    help="Clients of each transport.  [default: 30, or 20 on a machine with one processor]",
)
@click.option("--rate", type=float, default=2.5, show_default=True, help="Events per second.")
@click.option(
    "--interval", "interval_s", type=float, default=5.0, show_default=True, help="Polling interval, s."
)
@click.option(
    "--seconds",
    type=float,
    default=20.0,
    show_default=True,
    help="Length of the window in which events happen, s.",
)
@click.option("--arrivals", default="poisson", show_default=True, help="poisson or periodic")
@click.option("--seed", type=int, default=7, show_default=True, help="Same seed, same events.")
@click.option("--json", "json_file", metavar="FILE", help="Write the run as JSON; - is standard output.")
@click.option("--plot", "plot_file", metavar="FILE", help="Draw the run: .png, .svg or .pdf.")
def race(json_file: str | None, plot_file: str | None, **settings: Any) -> int:
    """Run the same events through every transport, and compare with theory.

    It takes about ten seconds longer than --seconds. Ctrl-C ends it early and keeps what was measured; files that
    are there already keep what they hold, and the interrupted run is saved beside them, as FILE-interrupted.
    """
    from realtime_kit.lab import RaceSettings, race as run_race

    if settings["clients"] is not None and settings["clients"] < 1:
        message = f"clients is {settings['clients']}: allowed is 1 to 1000"
        raise UsageError(message)
    chosen = RaceSettings(**settings | {"clients": settings["clients"] or 0})
    check_writable(json_file, plot_file)
    if plot_file:
        from realtime_kit.plots import check_picture_path

        check_picture_path(plot_file)
    _warn_of_too_few(chosen)
    with progress() as on_progress:
        result = run_race(chosen, on_progress=on_progress)
    _show(result, json_file, plot_file)
    return INTERRUPTED if result.interrupted else DONE if result.trustworthy else FAILED


def _warn_of_too_few(settings: RaceSettings) -> None:
    from realtime_kit.theory.statistics import samples_needed

    needed = samples_needed(0.99)
    if settings.deliveries < needed:
        text = f"{settings.deliveries:,} deliveries a transport are too few for a p99, which needs {needed:,}"
        click.echo(f"{text}: {settings.advice_for_p99}", err=True)


def _show(result: Run, json_file: str | None, plot_file: str | None) -> None:
    from realtime_kit.plots import race_figure, race_table

    if result.interrupted:
        json_file, plot_file = beside(json_file), beside(plot_file)
    show(result, json_file, plot_file, table=lambda: race_table(result), draw=lambda: race_figure(result))
