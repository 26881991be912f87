"""`realtime-kit up`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from realtime_kit.cli.install_deps import install_deps
from realtime_kit.errors import MissingDependency


@click.command()
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
