"""Pushpin's configuration file, written for the version that will read it. Text in, text out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from realtime_kit.pushpin.version import PushpinVersion

IPC_PREFIX = "k-"
"""Goes before every socket's name. Short, because a socket's whole path may take 107 bytes."""

UNLIMITED = 0
"""For `message_rate` and `message_hwm`: no limit. The packaged file says 2,500 and 25,000, at which 10,000 clients
wait 4 s for a message, and 30,000 do not all get it."""


@dataclass(frozen=True, slots=True)
class PushpinSettings:
    """What can be set, with the kit's defaults. Everything here is recorded in the result of a run.

    Attributes:
        message_rate: Deliveries per second and route that the limiter lets through; 0 is no limit.
        message_hwm: Deliveries that may wait at the limiter; beyond it they are dropped. 0 is no limit.
        message_wait_ms: How long a message with a gap before it waits for the missing one, milliseconds. Pushpin's
            own default of 5,000 makes a lesson wait; the timer has a grid of one second.
        id_cache_ttl_s: How long Pushpin remembers message ids to drop repetitions, seconds; 0 is not at all.
        subscription_linger_s: How long a channel stays warm after its last long-poller left, seconds.
        connections_max: Client connections at once, 100 or more; None is as many as the file limit allows. Of an odd
            number Pushpin serves one less. Keep it above the number of clients: more wait, unanswered, until others
            leave, and Pushpin 1.36 may break when that happens again and again.
        log_level: 0 errors, 1 warnings, 2 also requests and publishes (costs 30 % of the handler), 3 debug.
        metrics_port: TCP port on which it tells Prometheus of itself, at any path; None is not at all.
        debug: Put the reason into the body of Pushpin's own error answers.
    """

    message_rate: int = UNLIMITED
    message_hwm: int = UNLIMITED
    message_wait_ms: int = 1000
    id_cache_ttl_s: int = 60
    subscription_linger_s: int = 60
    connections_max: int | None = None
    log_level: int = 1
    metrics_port: int | None = None
    debug: bool = True


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where an instance listens and keeps its files.

    Attributes:
        host: Loopback address for both ports.
        http_port: TCP port for clients.
        publish_port: TCP port for publishing.
        run_folder: Folder for its sockets and pid files.
    """

    host: str
    http_port: int
    publish_port: int
    run_folder: Path

    @property
    def http_authority(self) -> str:
        """Host and port for clients."""
        return f"{_bracketed(self.host)}:{self.http_port}"

    @property
    def url(self) -> URL:
        """Where clients connect."""
        return URL(f"http://{self.http_authority}")

    @property
    def control_url(self) -> str:
        """Where to publish."""
        return f"http://{_bracketed(self.host)}:{self.publish_port}"

    def socket(self, name: str) -> str:
        """ZeroMQ address of one of its sockets: `pull`, `sub`, `command` or `stats`."""
        return f"ipc://{self.run_folder}/{IPC_PREFIX}{name}"


def render(
    version: PushpinVersion,
    addresses: Addresses,
    settings: PushpinSettings,
    *,
    client_maxconn: int,
    sig_key: str,
    libdir: Path | None = None,
) -> str:
    """The text of `pushpin.conf`.

    Args:
        version: The Pushpin that will read it.
        addresses: Ports and folder.
        settings: What to set.
        client_maxconn: Client connections to make room for.
        sig_key: Key with which Pushpin signs `Grip-Sig`; 32 bytes or more.
        libdir: Folder of `internal.conf` in a private prefix; None where it is compiled in.
    """
    sections = {
        "global": {
            "include": f"{libdir or '{libdir}'}/internal.conf",
            **({"libdir": str(libdir)} if libdir else {}),
            "rundir": str(addresses.run_folder),
            "ipc_prefix": IPC_PREFIX,
        },
        "runner": {
            "services": ",".join(version.services),
            # A bare port would listen on every address of the machine.
            "http_port": addresses.http_authority,
            "client_maxconn": str(client_maxconn),
            "log_level": str(settings.log_level),
            "updates_check": "off",
        },
        "proxy": {
            "routesfile": "routes",
            "sig_key": sig_key,
            "debug": "true" if settings.debug else "false",
            "updates_check": "off",
            **_outbound(version),
        },
        "handler": {
            "push_in_http_addr": addresses.host,
            "push_in_http_port": str(addresses.publish_port),
            # 1.31 to 1.40 read only the second name, later ones the first.
            "push_in_http_max_body_size": "1000000",
            "push_in_max_body_size": "1000000",
            "push_in_spec": addresses.socket("pull"),
            "push_in_sub_specs": addresses.socket("sub"),
            "command_spec": addresses.socket("command"),
            "stats_spec": addresses.socket("stats"),
            "stats_format": "json",
            "stats_report_interval": "1",
            "id_cache_ttl": str(settings.id_cache_ttl_s),
            "message_wait": str(settings.message_wait_ms),
            "message_rate": str(settings.message_rate),
            "message_hwm": str(settings.message_hwm),
            "subscription_linger": str(settings.subscription_linger_s),
            # A bare port would listen on every address of the machine.
            **(
                {"prometheus_port": f"{_bracketed(addresses.host)}:{port}"}
                if (port := settings.metrics_port)
                else {}
            ),
        },
    }
    return "\n".join(_section(name, values) for name, values in sections.items())


def _outbound(version: PushpinVersion) -> dict[str, str]:
    """Debian and Ubuntu patch `internal.conf` to use a Zurl of the system's; this one has its own."""
    if not version.needs_zurl:
        return {}
    socket = "ipc://{rundir}/{ipc_prefix}zurl-"
    return {
        "zurl_out_specs": socket + "in",
        "zurl_out_stream_specs": socket + "in-stream",
        "zurl_in_specs": socket + "out",
    }


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _section(name: str, values: dict[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
