"""`realtime-kit doctor`."""

from __future__ import annotations

import json

import click

from realtime_kit.cli.status import DONE, FAILED


@click.command()
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
