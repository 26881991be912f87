"""The same policy in Kong's declarative configuration, for those who have Kong; the kit does not start it."""

from __future__ import annotations

import json
from typing import Any

from realtime_kit.gateway.policy import KEY_HEADER, GatewayPolicy
from realtime_kit.pushpin.ports import HOST


def kong_declaration(policy: GatewayPolicy, *, target_port: int, log_file: str = "/dev/stdout") -> str:
    """A `kong.yml` of format 3.0, for Kong without a database (`KONG_DATABASE=off`); JSON, which is YAML too.

    Kong counts requests by the clock's second and knows no burst: `burst` is added to the limit.

    Args:
        policy: What it asks for.
        target_port: Where requests go, on 127.0.0.1.
        log_file: Where each request is noted.
    """
    plugins: list[dict[str, Any]] = [{"name": "file-log", "config": {"path": log_file}}]
    if policy.keys:
        plugins.append({"name": "key-auth", "config": {"key_names": [KEY_HEADER]}})
    if policy.requests_per_second:
        limits = {
            "second": policy.requests_per_second + policy.burst,
            "policy": "local",
            "limit_by": "consumer" if policy.keys else "ip",
        }
        plugins.append({"name": "rate-limiting", "config": limits})
    declaration: dict[str, Any] = {
        "_format_version": "3.0",
        "services": [
            {
                "name": "behind",
                "url": f"http://{HOST}:{target_port}",
                "read_timeout": round(policy.read_timeout_s * 1000),
                "routes": [{"name": "all", "paths": ["/"], "response_buffering": policy.buffering}],
                "plugins": plugins,
            }
        ],
    }
    if policy.keys:
        declaration["consumers"] = [
            {"username": name, "keyauth_credentials": [{"key": key}]} for name, key in policy.keys.items()
        ]
    return json.dumps(declaration, indent=2) + "\n"
