"""`realtime-kit faults`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from realtime_kit.cli.files import beside, check_writable
from realtime_kit.cli.outcome import show
from realtime_kit.cli.status import DONE, FAILED, INTERRUPTED
from realtime_kit.cli.terminal import progress

if TYPE_CHECKING:
    from realtime_kit.measurements.fault_run import FaultRun


@click.command()
@click.option("--scenario", default="all", show_default=True, help="Which faults: names with commas, or all.")
@click.option(
    "--seconds",
    type=float,
    default=6.0,
    show_default=True,
    help="How long events happen, s; the fault lasts for the middle third.",
)
@click.option("--json", "json_file", metavar="FILE", help="Write the run as JSON; - is standard output.")
@click.option("--plot", "plot_file", metavar="FILE", help="Draw the matrix: .png, .svg or .pdf.")
def faults(json_file: str | None, plot_file: str | None, **settings: Any) -> int:
    """Break one thing at a time, and count what each transport loses.

    Each fault takes about ten seconds longer than --seconds, slow-reader a minute
    or two. Ctrl-C keeps the faults that have been measured.
    """
    from realtime_kit.lab.faults import FaultSettings, faults as run_faults

    FaultSettings(**settings)  # what cannot be is said first
    check_writable(json_file, plot_file)
    if plot_file:
        from realtime_kit.plots import check_picture_path

        check_picture_path(plot_file)
    with progress() as on_progress:
        result = run_faults(on_progress=on_progress, **settings)
    _show(result, json_file, plot_file)
    return INTERRUPTED if result.interrupted else DONE if result.trustworthy else FAILED


def _show(result: FaultRun, json_file: str | None, plot_file: str | None) -> None:
    from realtime_kit.plots.faults import faults_figure, faults_table

    if result.interrupted:
        json_file, plot_file = beside(json_file), beside(plot_file)
    show(result, json_file, plot_file, table=lambda: faults_table(result), draw=lambda: faults_figure(result))
