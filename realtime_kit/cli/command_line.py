"""The command line as a whole: its commands, and what becomes of an error in one of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from realtime_kit import __version__
from realtime_kit.cli.doctor import doctor
from realtime_kit.cli.export import export
from realtime_kit.cli.fanout import fanout
from realtime_kit.cli.faults import faults
from realtime_kit.cli.install_deps import install_deps
from realtime_kit.cli.race import race
from realtime_kit.cli.serve import serve
from realtime_kit.cli.status import DONE, FAILED, INTERRUPTED, MISSING, UNUSABLE
from realtime_kit.cli.terminal import say_failure
from realtime_kit.cli.up import up
from realtime_kit.errors import MissingDependency, PushpinError, RealtimeKitError, UsageError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        return commands.main(arguments, prog_name="realtime-kit", standalone_mode=False) or DONE
    except (click.UsageError, UsageError) as error:
        return _say(error.format_message() if isinstance(error, click.UsageError) else str(error), UNUSABLE)
    except MissingDependency as error:
        return _say(str(error), MISSING)
    except RealtimeKitError as error:
        log = error.log.strip() if isinstance(error, PushpinError) else ""
        return _say(f"{error}\n\nPushpin's log:\n{log[-2000:]}" if log else str(error), FAILED)
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted", INTERRUPTED)


def _say(text: str, status: int) -> int:
    """An error for a person: one line, unless a log follows."""
    say_failure(text)
    return status


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__)
@click.pass_context
def commands(context: click.Context) -> None:
    """Learn and prototype realtime APIs against a real, embedded Pushpin."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (up, doctor, install_deps, race, fanout, faults, serve, export):
    commands.add_command(_command)
