"""`realtime-kit install-deps`."""

from __future__ import annotations

import dataclasses
import sys

import click

from realtime_kit.cli.status import DONE, FAILED


@click.command(name="install-deps")
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
