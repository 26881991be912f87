"""A fan-out as a table for the terminal."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from realtime_kit.measurements.fanout import FanoutRun, Push
from realtime_kit.plots.words import format_seconds
from realtime_kit.quantities import LOST

_PARTS = ("pushpin", "swarm", "origin")


def fanout_table(run: FanoutRun) -> Group:
    """A row for each push, and below what has to be known to believe it."""
    config = run.meta["config"]
    instances = config["instances"]
    through = "one Pushpin" if instances == 1 else f"{instances} Pushpins"
    title = f"{config['clients']:,} {config['transport']} clients through {through} {run.meta['pushpin']}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("push", justify="right")
    for name in ("reached", "lost", "p50", "p99", "last", "per s", "processor, µs each"):
        table.add_column(name, justify="right", no_wrap=True)
    for push in run.results:
        latency = push.latency
        table.add_row(
            str(push.number),
            f"{push.ledger.received:,}",
            f"{push.ledger.lost:,}",
            *(format_seconds(seconds) for seconds in (latency.p50, latency.p99, latency.max)),
            f"{push.deliveries_per_s:,.0f}",
            " + ".join(f"{push.processor_per_delivery_s[part] * 1e6:.1f}" for part in _PARTS),
        )
    opening = run.meta["opening"]
    memory = run.meta["swarm_bytes_per_client"]
    notes = [
        "processor time for each delivery: Pushpin + swarm + origin",
        (
            f"opened in {format_seconds(opening['seconds'])}, {opening['reopened_after_roll_call']:,} opened anew "
            f"after the roll call; {memory:,} bytes of the swarm's memory a client"
        ),
    ]
    notes += [
        f"push {push.number}: not reached: {_some(push.lost_clients)}"
        for push in run.results
        if push.lost_clients
    ]
    notes += [_herd(push) for push in run.results if push.herd]
    flags = dict.fromkeys(str(flag) for push in run.results for flag in push.verdict.flags)
    notes += [f"do not trust it: {flag}" for flag in flags] or ["verdict: trustworthy"]
    boards = [_instances(run)] if instances > 1 else []
    return Group(table, *boards, *(Text(note) for note in notes))


def _instances(run: FanoutRun) -> Table:
    """A row for each Pushpin, as it counted itself at the end."""
    table = Table(title="the instances at the end", title_justify="left")
    table.add_column("instance")
    for name in ("state", "restarts", "connections", "subscriptions", "messages", "receivers"):
        table.add_column(name, justify="right")
    for each in run.meta.get("instances", []):
        table.add_row(
            each["url"],
            each["state"],
            *(
                f"{each[name]:,}"
                for name in ("restarts", "connections", "subscriptions", "messages", "receivers")
            ),
        )
    return table


def _herd(push: Push) -> str:
    herd = push.herd
    assert herd is not None  # noqa: S101 - for the type checker
    when = "not all asked again in time"
    if herd.rearmed_s < LOST:
        theory = f"theory N/μ: {format_seconds(herd.theory_s)}"
        when = f"all asked again within {format_seconds(herd.rearmed_s)} ({theory})"
    return f"push {push.number}: herd: {when}, {herd.origin_requests:,} requests to the origin"


def _some(clients: tuple[int, ...], most: int = 10) -> str:
    """The first few client numbers."""
    shown = ", ".join(str(client) for client in clients[:most])
    return shown if len(clients) <= most else f"{shown} and {len(clients) - most:,} more"
