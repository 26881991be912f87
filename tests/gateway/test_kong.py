"""The policy in the words of Kong, held against what Kong documents. Kong itself does not run here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.gateway import Gateway, GatewayPolicy, kong_conf, kong_declaration
from realtime_kit.gateway.kong import logged_request

FULL = GatewayPolicy(keys={"ada": "k-1"}, requests_per_second=5, burst=2, buffering=True, read_timeout_s=1.5)

# What Kong 3.9 allows, from its schemas (kong/db/schema/entities, kong/plugins/*/schema.lua): the fields that a
# declaration might use, with the type of each. A field that is not there stops Kong with "unknown field".
FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "declaration": {
        "_format_version": str,
        "_transform": bool,
        "services": list,
        "routes": list,
        "consumers": list,
        "plugins": list,
    },
    "services": {
        "name": str,
        "url": str,
        "retries": int,
        "connect_timeout": int,
        "write_timeout": int,
        "read_timeout": int,
        "enabled": bool,
        "tags": list,
        "routes": list,
        "plugins": list,
    },
    "routes": {
        "name": str,
        "protocols": list,
        "methods": list,
        "hosts": list,
        "paths": list,
        "strip_path": bool,
        "preserve_host": bool,
        "request_buffering": bool,
        "response_buffering": bool,
        "tags": list,
        "plugins": list,
    },
    "consumers": {"username": str, "custom_id": str, "tags": list, "keyauth_credentials": list},
    "keyauth_credentials": {"key": str, "tags": list},
    "plugins": {"name": str, "config": dict, "enabled": bool, "protocols": list, "tags": list},
    "file-log": {"path": str, "reopen": bool},
    "key-auth": {
        "key_names": list,
        "hide_credentials": bool,
        "key_in_header": bool,
        "key_in_query": bool,
        "key_in_body": bool,
        "run_on_preflight": bool,
    },
    "rate-limiting": {
        "second": int,
        "minute": int,
        "limit_by": str,
        "policy": str,
        "fault_tolerant": bool,
        "hide_client_headers": bool,
        "error_code": int,
        "error_message": str,
    },
}


def unknown(kind: str, entity: dict[str, Any]) -> list[str]:
    """What of it is in no schema, or of another type, however deep."""
    found = []
    for name, value in entity.items():
        if not isinstance(value, FIELDS[kind].get(name, ())):
            found.append(f"{kind}.{name} = {value!r}")
        elif name == "config":
            found += unknown(entity["name"], value)
        elif name in FIELDS:
            found += [text for each in value for text in unknown(name, each)]
    return found


@pytest.mark.parametrize("policy", [FULL, GatewayPolicy(), GatewayPolicy(requests_per_second=3)])
def test_every_field_is_one_that_kong_knows(policy: GatewayPolicy) -> None:
    declaration = json.loads(kong_declaration(policy, target_port=8002))

    assert declaration["_format_version"] == "3.0"  # of all Kongs since 3.0
    assert unknown("declaration", declaration) == []


def test_a_field_that_kong_does_not_know_would_be_found() -> None:
    declaration = json.loads(kong_declaration(FULL, target_port=8002))
    declaration["services"][0]["plugins"][2]["config"]["seconds"] = 5
    declaration["services"][0]["routes"][0]["strip_path"] = "no"

    assert unknown("declaration", declaration) == [
        "routes.strip_path = 'no'",
        "rate-limiting.seconds = 5",
    ]


def test_it_gets_the_whole_policy() -> None:
    declaration = json.loads(kong_declaration(FULL, target_port=8002, log_file="/tmp/kong.log"))
    (service,) = declaration["services"]

    assert (service["url"], service["read_timeout"], service["retries"]) == ("http://127.0.0.1:8002", 1500, 0)
    assert service["routes"][0]["response_buffering"] is True
    assert {plugin["name"]: plugin["config"] for plugin in service["plugins"]} == {
        "file-log": {"path": "/tmp/kong.log"},
        "key-auth": {"key_names": ["apikey"], "key_in_query": False},
        "rate-limiting": {"second": 7, "policy": "local", "limit_by": "consumer"},
    }
    assert declaration["consumers"] == [{"username": "ada", "keyauth_credentials": [{"key": "k-1"}]}]


def test_without_a_policy_it_only_notes() -> None:
    declaration = json.loads(kong_declaration(GatewayPolicy(), target_port=8002))

    assert [plugin["name"] for plugin in declaration["services"][0]["plugins"]] == ["file-log"]
    assert "consumers" not in declaration


def test_without_keys_the_limit_is_for_each_address() -> None:
    declaration = json.loads(kong_declaration(GatewayPolicy(requests_per_second=1), target_port=8002))

    assert declaration["services"][0]["plugins"][1]["config"]["limit_by"] == "ip"


def test_what_kong_cannot_do_is_refused() -> None:
    old = GatewayPolicy(http_version="1.0")
    with pytest.raises(UsageError, match=r"http_version is '1\.0': Kong asks in HTTP/1\.1"):
        kong_declaration(old, target_port=8002)
    with pytest.raises(UsageError, match="program='nginx' can do both"):
        Gateway(8002, old, program="kong")
    with pytest.raises(UsageError, match="directives are lines for nginx"):
        Gateway(8002, program="kong", directives="etag off;")


def test_its_own_file_keeps_it_in_its_folder_in_the_foreground_and_on_loopback() -> None:
    text = kong_conf(Path("/tmp/rk-1"), port=8001, status_port=8003)
    settings = dict(line.split(" = ") for line in text.splitlines())

    assert settings.pop("nginx_user", None) == ("root" if os.geteuid() == 0 else None)
    assert settings["prefix"] == "/tmp/rk-1"
    assert settings["declarative_config"] == "/tmp/rk-1/kong.yml"
    assert (settings["database"], settings["nginx_daemon"]) == ("off", "off")
    listening = {name: value for name, value in settings.items() if name.endswith("_listen")}
    assert listening == {
        "proxy_listen": "127.0.0.1:8001",
        "status_listen": "127.0.0.1:8003",
        "admin_listen": "off",
        "admin_gui_listen": "off",
        "stream_listen": "off",
    }


def test_a_line_of_its_log_is_read() -> None:
    line: dict[str, Any] = {
        "request": {"method": "GET", "uri": "/poll?a=1", "url": "http://127.0.0.1:8001/poll?a=1", "size": 90},
        "response": {"status": 200, "size": 321, "headers": {}},
        "latencies": {"request": 5012, "proxy": 5010, "kong": 2},
        "consumer": {"id": "b8d0…", "username": "ada"},
        "client_ip": "127.0.0.1",
        "started_at": 1433209822425,
    }

    seen = logged_request(line)
    assert (seen.consumer, seen.method, seen.path, seen.status) == ("ada", "GET", "/poll?a=1", 200)
    assert (seen.seconds, seen.bytes) == (5.012, 321)
    assert logged_request({**line, "consumer": None}).consumer == ""
