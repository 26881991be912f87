"""A fan-out as a table for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from realtime_kit.measurements.fanout import FIRST, FanoutRun, Push
from realtime_kit.plots.words import format_seconds
from realtime_kit.quantities import LOST

_PARTS = {"pushpin": "Pushpin", "swarm": "swarm", "origin": "origin"}


def fanout_table(run: FanoutRun) -> Group:
    """A row for each push, and below what has to be known to believe it."""
    table = Table(
        title=through(run),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in ("push", "reached", "lost", "p50", "p99", "last", "per s", "µs each"):
        table.add_column(name, justify="right", no_wrap=True)
    for push in run.results:
        latency, cost_s = push.latency, push.processor_per_delivery_s
        table.add_row(
            str(push.number),
            f"{push.ledger.received:,}",
            f"{push.ledger.lost:,}",
            *(format_seconds(seconds) for seconds in (latency.p50, latency.p99, latency.max)),
            f"{push.deliveries_per_s:,.0f}",
            " + ".join(f"{cost_s[part] * 1e6:.1f}" for part in _PARTS if part in cost_s),
        )
    boards = [_instances(run)] if run.meta["config"].get("instances", 1) > 1 else []
    head = table if run.results else Text(through(run))
    return Group(head, *boards, *(Text(note) for note in _notes(run)))


def through(run: FanoutRun) -> str:
    """Who was pushed to, and through what."""
    config = run.meta["config"]
    clients = f"{config['clients']:,} {config['transport']} clients"
    if "url" in config:
        return f"{clients} of {config['url']}"
    instances = config["instances"]
    pushpins = "one Pushpin" if instances == 1 else f"{instances} Pushpins"
    return f"{clients} through {pushpins} {run.meta['pushpin']}"


def _notes(run: FanoutRun) -> list[str]:
    opening = run.meta["opening"]
    memory = run.meta["swarm_bytes_per_client"]
    parts = [
        name
        for part, name in _PARTS.items()
        if run.results and part in run.results[0].processor_per_delivery_s
    ]
    notes = [f"µs each: processor time for a delivery, {' + '.join(parts)}"] if parts else []
    if "url" in run.meta["config"]:
        notes += _service_notes(run)
    notes.append(
        f"opened in {format_seconds(opening['seconds'])}, {opening['reopened_after_roll_call']:,} opened anew "
        f"after the roll call; {memory:,} bytes of the swarm's memory a client"
    )
    notes += [
        f"push {push.number}: not reached: {_some(push.lost_clients)}"
        for push in run.results
        if push.lost_clients
    ]
    notes += [_herd(push) for push in run.results if push.herd]
    flags = dict.fromkeys(str(flag) for push in run.results for flag in push.verdict.flags)
    good = "verdict: trustworthy" if run.results else "verdict: none, since nothing was measured"
    return notes + ([f"do not trust it: {flag}" for flag in flags] or [good])


def _service_notes(run: FanoutRun) -> list[str]:
    """What is to be known of a service that is not the kit's."""
    connections = run.meta["connections"]
    notes = []
    if any(push.since == FIRST for push in run.results):
        notes.append(
            "times count from the first client that had an event. When it was published is not known here, so neither "
            "is the latency nor what the service's own processes used; --control-url lets the kit publish"
        )
    if not run.results:
        notes.append(
            f"no event came within {format_seconds(run.meta['watched_s'])} that could be told from others"
        )
    if aside := run.meta["set_aside"]:
        notes.append(
            f"{aside:,} events left out: without an id they came again and again, so nobody can tell which"
        )
    why = f" ({'; '.join(run.meta['reasons'])})" if run.meta["reasons"] else ""
    notes.append(
        f"connections: {connections['asked_for']:,} asked for = {connections['open_at_the_end']:,} open to the end + "
        f"{connections['ended']:,} ended by the service + {connections['never_open']:,} never open{why}"
    )
    return notes


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
