"""The policy in the words of Kong: a declarative configuration, for a Kong without a database, and its log.

Written after Kong's own documentation and schemas (3.3 to 3.9).
"""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Any

from realtime_kit.errors import UsageError
from realtime_kit.gateway.access_log import LoggedRequest
from realtime_kit.gateway.policy import KEY_HEADER, GatewayPolicy
from realtime_kit.pushpin.ports import HOST

ACCESS_LOG = "requests.log"


def kong_declaration(policy: GatewayPolicy, *, target_port: int, log_file: str = "/dev/stdout") -> str:
    """A `kong.yml` of format 3.0, for Kong without a database (`database = off`); JSON, which is YAML too.

    Kong counts requests by the clock's second and knows no burst: `burst` is added to the limit.

    Args:
        policy: What it asks for.
        target_port: Where requests go, on 127.0.0.1.
        log_file: Where each request is noted.

    Raises:
        UsageError: if Kong cannot follow the policy.
    """
    refuse(policy)
    plugins: list[dict[str, Any]] = [{"name": "file-log", "config": {"path": log_file}}]
    if policy.keys:
        plugins.append({"name": "key-auth", "config": {"key_names": [KEY_HEADER], "key_in_query": False}})
    if policy.requests_per_second:
        limits = {
            "second": policy.requests_per_second + policy.burst,
            "policy": "local",
            "limit_by": "consumer" if policy.keys else "ip",
        }
        plugins.append({"name": "rate-limiting", "config": limits})
    route = {
        "name": "all",
        "paths": ["/"],
        "strip_path": False,
        "preserve_host": True,
        "response_buffering": policy.buffering,
    }
    declaration: dict[str, Any] = {
        "_format_version": "3.0",
        "services": [
            {
                "name": "behind",
                "url": f"http://{HOST}:{target_port}",
                "read_timeout": round(policy.read_timeout_s * 1000),
                "retries": 0,  # what is asked twice would be counted twice
                "routes": [route],
                "plugins": plugins,
            }
        ],
    }
    if policy.keys:
        declaration["consumers"] = [
            {"username": name, "keyauth_credentials": [{"key": key}]} for name, key in policy.keys.items()
        ]
    return json.dumps(declaration, indent=2) + "\n"


def kong_conf(folder: Path, *, port: int, status_port: int) -> str:
    """A `kong.conf` for a Kong of its own in a folder, on loopback ports, in the foreground, with `kong.yml` beside it.

    Args:
        folder: Its prefix, where it keeps all that it writes.
        port: Where it listens.
        status_port: Where `/status/ready` says whether it has read its configuration.
    """
    settings = {
        "prefix": folder,
        "database": "off",
        "declarative_config": folder / "kong.yml",
        "proxy_listen": f"{HOST}:{port}",
        "status_listen": f"{HOST}:{status_port}",
        "admin_listen": "off",
        "admin_gui_listen": "off",
        "stream_listen": "off",
        "nginx_daemon": "off",
        "nginx_worker_processes": 1,
        "mem_cache_size": "16m",
        "proxy_access_log": "off",
        "proxy_error_log": "/dev/stderr",
        "log_level": "warn",
        "plugins": "file-log,key-auth,rate-limiting",
        "anonymous_reports": "off",
    }
    if os.geteuid() == 0:  # its workers would be another account's, which cannot enter a private folder
        settings["nginx_user"] = getpass.getuser()
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def refuse(policy: GatewayPolicy, directives: str = "") -> None:
    """Say what Kong cannot do.

    Raises:
        UsageError: for a policy, or for directives, that it cannot follow.
    """
    if policy.http_version != "1.1":
        message = (
            f"http_version is {policy.http_version!r}: Kong asks in HTTP/1.1; program='nginx' can do both"
        )
        raise UsageError(message)
    if directives:
        raise UsageError("directives are lines for nginx: with program='kong' there is no place for them")


def logged_request(line: dict[str, Any]) -> LoggedRequest:
    """A line of Kong's file-log, as it is documented: milliseconds, and a consumer only where a key was known."""
    request, response = line["request"], line["response"]
    return LoggedRequest(
        consumer=(line.get("consumer") or {}).get("username", ""),
        method=request["method"],
        path=request["uri"],
        status=response["status"],
        seconds=line["latencies"]["request"] / 1000,
        bytes=int(response["size"]),
    )
