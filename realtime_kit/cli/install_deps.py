"""`realtime-kit install-deps`."""

from __future__ import annotations

import dataclasses
import sys

import click

from realtime_kit.cli.status import DONE, FAILED


@click.command(name="install-deps")
@click.option(
    "--for",
    "lessons",
    metavar="LESSON",
    multiple=True,
    help="What this lesson needs besides Pushpin: its number or name, or all.",
)
@click.option(
    "--dry-run", is_flag=True, help="Only print what would be done; exit status 1 if there is something."
)
@click.option("--yes", is_flag=True, help="Do not ask before using sudo.")
def install_deps(lessons: tuple[str, ...], dry_run: bool, yes: bool) -> int:
    """Install Pushpin in the way that fits this machine, or with --for what else a lesson needs."""
    return _components(lessons, dry_run=dry_run, yes=yes) if lessons else _pushpin(dry_run=dry_run, yes=yes)


def _pushpin(*, dry_run: bool, yes: bool) -> int:
    from realtime_kit.pushpin.install import execute, plan, plan_here
    from realtime_kit.pushpin.machine import inspect_machine

    chosen = plan_here()
    if dry_run:
        click.echo(str(chosen))
        return FAILED if chosen.steps else DONE
    if chosen.needs_confirmation:
        click.echo(str(chosen), err=True)
        # Without a person to ask, as in a script, or if the person says no, it goes without sudo.
        if not _agreed(yes):
            click.echo("Installing without sudo, into a folder of the kit's own.", err=True)
            chosen = plan(dataclasses.replace(inspect_machine(), has_sudo=False))
    installation = execute(chosen, echo=_tell, confirmed=True)
    click.echo(f"{installation} is ready.")
    return DONE


def _components(lessons: tuple[str, ...], *, dry_run: bool, yes: bool) -> int:
    from realtime_kit.components import of_lessons, plan
    from realtime_kit.errors import MissingDependency
    from realtime_kit.pushpin.machine import inspect_machine
    from realtime_kit.pushpin.step import run_steps

    wanted = of_lessons(*lessons)
    chosen = plan(wanted, inspect_machine())
    if dry_run:
        click.echo(str(chosen))
        return FAILED if chosen.missing else DONE
    if chosen.needs_confirmation:
        click.echo(str(chosen), err=True)
        if not _agreed(yes):
            chosen = plan(wanted, dataclasses.replace(inspect_machine(), has_sudo=False))
    titles = ", ".join(each.title for each in chosen.missing)
    run_steps(chosen.steps, echo=_tell, what=titles)
    for each in wanted:
        try:
            click.echo(f"{each.title} {each.find()} is ready.")
        except MissingDependency as error:
            if not each.optional and not chosen.beyond:
                raise
            click.echo(str(error), err=True)
    if chosen.beyond:
        raise chosen.beyond[0]
    return DONE


def _agreed(yes: bool) -> bool:
    return yes or (sys.stdin.isatty() and click.confirm("Run these commands?", err=True))


def _tell(line: str) -> None:
    click.echo(line, err=True)
