"""The programs that can be a gateway, and what differs between them: their files, their start, their log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from realtime_kit.errors import UsageError
from realtime_kit.gateway import kong, nginx
from realtime_kit.gateway.access_log import LoggedRequest
from realtime_kit.gateway.policy import GatewayPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a gateway stands.

    Attributes:
        folder: Its own folder.
        port: Where it listens.
        target_port: Where requests go.
        status_port: Where it says whether it is ready, if it has a port for that.
        directives: Further lines in its own words.
    """

    folder: Path
    port: int
    target_port: int
    status_port: int
    directives: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One of them.

    Attributes:
        name: What it is called, as a component too.
        files: Its configuration, a text for each file's name.
        command: Its arguments.
        log: The file in which it notes requests, one JSON object a line.
        read: Understands such a line.
        ready_path: What answers 200 on the status port once it is ready; empty if it is ready when it listens.
        start_timeout_s: Longest wait until then.
        refuse: Raises a `UsageError` for a policy, or directives, that it cannot follow.
    """

    name: str
    files: Callable[[GatewayPolicy, Place], dict[str, str]]
    command: Callable[[Path], list[str]]
    log: str
    read: Callable[[dict[str, Any]], LoggedRequest]
    ready_path: str = ""
    start_timeout_s: float = 10.0
    refuse: Callable[[GatewayPolicy, str], None] = lambda _policy, _directives: None


def _nginx_files(policy: GatewayPolicy, place: Place) -> dict[str, str]:
    text = nginx.nginx_conf(
        policy, port=place.port, target_port=place.target_port, directives=place.directives
    )
    return {"nginx.conf": text}


def _kong_files(policy: GatewayPolicy, place: Place) -> dict[str, str]:
    log_file = str(place.folder / kong.ACCESS_LOG)
    return {
        "kong.yml": kong.kong_declaration(policy, target_port=place.target_port, log_file=log_file),
        "kong.conf": kong.kong_conf(place.folder, port=place.port, status_port=place.status_port),
    }


PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        "nginx": Program(
            name="nginx",
            files=_nginx_files,
            command=lambda folder: ["-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")],
            log=nginx.ACCESS_LOG,
            read=lambda line: LoggedRequest(**line),
        ),
        "kong": Program(
            name="kong",
            files=_kong_files,
            command=lambda folder: ["start", "--conf", str(folder / "kong.conf")],
            log=kong.ACCESS_LOG,
            read=kong.logged_request,
            ready_path="/status/ready",
            start_timeout_s=30.0,  # it prepares its folder, and starts LuaJIT twice
            refuse=kong.refuse,
        ),
    }
)
"""By name; nginx is the default."""


def program(name: str) -> Program:
    """The program of that name.

    Raises:
        UsageError: if there is none.
    """
    if name in PROGRAMS:
        return PROGRAMS[name]
    message = f"program is {name!r}: a gateway is {' or '.join(map(repr, PROGRAMS))}"
    raise UsageError(message)
