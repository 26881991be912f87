"""`realtime-kit fanout`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from realtime_kit.cli.files import beside, check_writable
from realtime_kit.cli.outcome import show
from realtime_kit.cli.status import DONE, FAILED, INTERRUPTED
from realtime_kit.cli.terminal import phases
from realtime_kit.errors import UsageError

if TYPE_CHECKING:
    from realtime_kit.measurements.fanout import FanoutRun

    Measure = Callable[[Callable[[str], None]], FanoutRun]


_KITS_OWN = {"transport", "instances", "message_rate", "door"}
_SERVICES = {"control_url", "channel", "seconds", "headers"}


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
@click.option("--url", help="A service of your own instead: http(s):// of an event stream, or ws(s)://.")
@click.option(
    "--control-url",
    multiple=True,
    metavar="URL",
    help="Where to publish, if that service is a GRIP proxy: its port or a GRIP URL; repeatable, for each instance.",
)
@click.option("--channel", help="The channel that --url subscribes to; with --control-url.")
@click.option(
    "--seconds", type=float, default=30.0, show_default=True, help="Longest wait for events of --url, s."
)
@click.option(
    "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Sent to --url; repeatable."
)
@click.option("--json", "json_file", metavar="FILE", help="Write the run as JSON; - is standard output.")
@click.option("--plot", "plot_file", metavar="FILE", help="Draw the completion curves: .png, .svg or .pdf.")
@click.pass_context
def fanout(
    context: click.Context, /, json_file: str | None, plot_file: str | None, url: str | None, **settings: Any
) -> int:
    """Push events to very many clients through one Pushpin or several, and say when everybody had them.

    Before the first event that counts, every client has proved that it is reached. How many clients this machine can
    hold is said if they are too many. Ctrl-C keeps the pushes until then; files that are there already keep what they
    hold, and the interrupted run is saved beside them, as FILE-interrupted.

    With --url the clients are those of a service of your own that sends all of them the same events. With
    --control-url and --channel the kit publishes them, to every address given; without, it waits for --pushes events
    that others publish, and measures how far apart the clients get each.
    """
    given = {name for name in settings if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if wrong := sorted(given & (_SERVICES if url is None else _KITS_OWN)):
        option = "--header" if wrong[0] == "headers" else f"--{wrong[0].replace('_', '-')}"
        which = "is only for --url" if url is None else "is for the kit's own Pushpins, not for --url"
        message = f"{option} {which}: leave one of them out"
        raise UsageError(message)
    measure = _own(settings) if url is None else _service(url, settings)
    check_writable(json_file, plot_file)
    if plot_file:
        from realtime_kit.plots import check_picture_path

        check_picture_path(plot_file)
    with phases() as on_phase:
        result = measure(on_phase)
    _show(result, json_file, plot_file)
    return INTERRUPTED if result.interrupted else DONE if result.trustworthy else FAILED


def _own(settings: dict[str, Any]) -> Measure:
    """Through the kit's own Pushpins."""
    from realtime_kit.lab.fanout import FanoutSettings, fanout as run_fanout

    chosen = FanoutSettings(**{name: value for name, value in settings.items() if name not in _SERVICES})
    return lambda on_phase: run_fanout(chosen, on_phase=on_phase)


def _service(url: str, settings: dict[str, Any]) -> Measure:
    """Through a service at an address."""
    from realtime_kit.lab.service import watch
    from realtime_kit.lab.watch_settings import WatchSettings

    headers = []
    for header in settings["headers"]:
        name, colon, value = header.partition(":")
        if not colon:
            message = f"--header is {header!r}: it has to be like 'Authorization: Bearer …'"
            raise UsageError(message)
        headers.append((name.strip(), value.strip()))
    given = {name: value for name, value in settings.items() if name not in _KITS_OWN}
    chosen = WatchSettings(url, **given | {"headers": tuple(headers)})
    return lambda on_phase: watch(chosen, on_phase=on_phase)


def _show(result: FanoutRun, json_file: str | None, plot_file: str | None) -> None:
    from realtime_kit.plots.fanout import fanout_figure
    from realtime_kit.plots.fanout_table import fanout_table

    if result.interrupted:
        json_file, plot_file = beside(json_file), beside(plot_file)
    show(result, json_file, plot_file, table=lambda: fanout_table(result), draw=lambda: fanout_figure(result))
