"""The command line, thin: it reads arguments, calls the library, and prints.

Results go to standard output, all else to standard error. Exit status: 0 done; 1 it ran and the result must not
be trusted, or a check failed; 2 unusable arguments; 3 a missing dependency; 130 interrupted.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from realtime_kit import __version__
from realtime_kit.errors import MissingDependency, PushpinError, RealtimeKitError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from realtime_kit.lab import RaceSettings
    from realtime_kit.measurements import Run

DONE, FAILED, UNUSABLE, MISSING, INTERRUPTED = 0, 1, 2, 3, 130


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
    click.echo(f"realtime-kit: {text}", err=True)
    return status


def _say_failure(text: str) -> None:
    click.echo(f"realtime-kit: {text}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__)
@click.pass_context
def commands(context: click.Context) -> None:
    """Learn and prototype realtime APIs against a real, embedded Pushpin."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@commands.command()
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
    _check_writable(json_file, plot_file)
    if plot_file:
        from realtime_kit.plots import check_picture_path

        check_picture_path(plot_file)
    _warn_of_too_few(chosen)
    with _progress() as on_progress:
        result = run_race(chosen, on_progress=on_progress)
    _show(result, json_file, plot_file)
    return INTERRUPTED if result.interrupted else DONE if result.trustworthy else FAILED


def _warn_of_too_few(settings: RaceSettings) -> None:
    from realtime_kit.theory.statistics import samples_needed

    needed = samples_needed(0.99)
    if settings.deliveries < needed:
        text = f"{settings.deliveries:,} deliveries a transport are too few for a p99, which needs {needed:,}"
        click.echo(f"{text}: {settings.advice_for_p99}", err=True)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> int:
    """Say what is here, what is missing, and the cure."""
    from realtime_kit.doctor import examine, healthy

    findings = examine()
    good = healthy(findings)
    if as_json:
        click.echo(
            json.dumps({"healthy": good, "findings": [finding.to_json() for finding in findings]}, indent=1)
        )
    else:
        for finding in findings:
            click.secho(str(finding), fg={"FAIL": "red", "note": "yellow"}.get(finding.mark))
        click.echo("Every lesson can run." if good else "Not every lesson can run; see FAIL above.")
    return DONE if good else FAILED


@commands.command(name="install-deps")
@click.option(
    "--dry-run", is_flag=True, help="Only print what would be done; exit status 1 if there is something."
)
@click.option("--yes", is_flag=True, help="Do not ask before using sudo.")
def install_deps(dry_run: bool, yes: bool) -> int:
    """Install Pushpin in the way that fits this machine."""
    from realtime_kit.pushpin.install import execute, plan, plan_here
    from realtime_kit.pushpin.machine import inspect_machine

    chosen = plan_here()
    if dry_run:
        click.echo(str(chosen))
        return FAILED if chosen.steps else DONE
    if chosen.needs_confirmation:
        click.echo(str(chosen), err=True)
        # Without a person to ask, as in a script, or if the person says no, it goes without sudo.
        asked = yes or (sys.stdin.isatty() and click.confirm("Run these commands?", err=True))
        if not asked:
            click.echo("Installing without sudo, into a folder of the kit's own.", err=True)
            chosen = plan(dataclasses.replace(inspect_machine(), has_sudo=False))
    installation = execute(chosen, echo=lambda line: click.echo(line, err=True), confirmed=True)
    click.echo(f"{installation} is ready.")
    return DONE


@commands.command()
@click.argument("lesson", required=False, metavar="LESSON")
@click.option("--port", type=int, default=0, help="Port for clients.  [default: a free one]")
def serve(lesson: str | None, port: int) -> int:
    """Serve a lesson's origin behind Pushpin, with curl lines to try. Ctrl-C stops both.

    LESSON is polling, long-polling, streaming or websocket, or the lesson's number.
    """
    from realtime_kit import background
    from realtime_kit.lab.serve import serve_lesson
    from realtime_kit.origin.lessons import lesson_names

    if lesson is None:
        message = f"serve needs a lesson: one of {lesson_names()}"
        raise UsageError(message)
    try:
        background.run(serve_lesson(lesson, port, show=click.echo, show_failure=_say_failure))
    except KeyboardInterrupt:
        click.echo("\nstopped", err=True)  # on a line of its own, after the ^C of the terminal
    return INTERRUPTED


@commands.command()
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--port", type=int, help="Port for JupyterLab.")
def up(no_browser: bool, port: int | None) -> int:
    """Check, install what is missing, and open JupyterLab at lesson 00."""
    from realtime_kit.doctor import examine, healthy

    findings = examine(start_pushpin=False)
    if any(finding.name == "Pushpin" and not finding.ok for finding in findings):
        click.confirm("Pushpin is missing. Install it now?", default=True, abort=True, err=True)
        install_deps.main([], standalone_mode=False)
        findings = examine(start_pushpin=False)
    if not healthy(findings):
        first = next(finding for finding in findings if finding.needed and not finding.ok)
        what = f"{first.name}: {first.found}."
        raise MissingDependency(what, first.cure)
    lesson = Path("notebooks/00-welcome.ipynb")
    command = [sys.executable, "-m", "jupyterlab", *([str(lesson)] if lesson.exists() else [])]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # Jupyter refuses root otherwise; it listens on loopback only
    command += ["--no-browser"] if no_browser else []
    command += [f"--port={port}"] if port else []
    # JupyterLab takes this process's place, so that Ctrl-C and exit status are its own.
    os.execv(command[0], command)  # noqa: S606


def _check_writable(*files: str | None) -> None:
    """Better to learn of a mistyped path before half a minute of measuring than after it."""
    for file in files:
        if not file or file == "-":
            continue
        path = Path(file).absolute()
        if path.is_dir():
            reason = "it is a folder"
        elif not path.parent.is_dir():
            reason = f"there is no folder {path.parent} to write in"
        elif not os.access(path if path.exists() else path.parent, os.W_OK):
            reason = "that is not allowed"
        else:
            continue
        message = f"{file} cannot be written: {reason}"
        raise UsageError(message)


def _show(result: Run, json_file: str | None, plot_file: str | None) -> None:
    from realtime_kit.plots import race_figure, race_table, save_figure

    if result.interrupted:
        json_file, plot_file = _beside(json_file), _beside(plot_file)
    # Saved before it is printed, to survive a closed pipe; and printed even if it cannot be saved.
    try:
        if json_file and json_file != "-":
            result.save(json_file)
        if plot_file:
            save_figure(race_figure(result), plot_file)
    finally:
        _console(err=json_file == "-").print(race_table(result))
        if json_file == "-":
            click.echo(json.dumps(result.to_json(), indent=1, allow_nan=False))
    if json_file and json_file != "-":
        click.echo(f"the run: {json_file}", err=True)
    if plot_file:
        click.echo(f"the picture: {plot_file}", err=True)


def _beside(file: str | None) -> str | None:
    """Where an interrupted run goes: a complete one that is there already must not be lost to it."""
    if not file or file == "-" or not Path(file).is_file():
        return file
    path = Path(file)
    return str(path.with_name(f"{path.stem}-interrupted{path.suffix}"))


def _console(*, err: bool) -> Console:
    from rich.console import Console

    return Console(stderr=err, highlight=False)


def _progress() -> Any:
    """A progress bar on a terminal, silence in a pipe."""
    from realtime_kit.lab.terminal import TerminalProgress

    return TerminalProgress(_console(err=True))


__all__ = ["commands", "main", "run"]

if __name__ == "__main__":
    main()
