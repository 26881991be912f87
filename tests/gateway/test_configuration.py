"""The policy, and what it becomes in the words of nginx."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from realtime_kit.errors import MissingDependency, UsageError
from realtime_kit.gateway import Gateway, GatewayPolicy, access_log, nginx_conf
from realtime_kit.gateway.program import PROGRAMS

FULL = GatewayPolicy(
    keys={"ada": "k-1"},
    requests_per_second=5,
    burst=2,
    buffering=True,
    http_version="1.0",
    read_timeout_s=1.5,
)


def test_nginx_gets_the_whole_policy() -> None:
    text = nginx_conf(FULL, port=8001, target_port=8002, directives="etag off;")

    for line in (
        "listen 127.0.0.1:8001;",
        "proxy_pass http://127.0.0.1:8002;",
        '"~^k-1$" "ada";',
        'if ($consumer = "") { return 401; }',
        "limit_req_zone $consumer zone=consumers:1m rate=5r/s;",
        "limit_req zone=consumers burst=2 nodelay;",
        "proxy_buffering on;",
        "proxy_http_version 1.0;",
        "proxy_read_timeout 1500ms;",
        "etag off;",
    ):
        assert line in text


def test_nginx_without_a_policy_asks_for_nothing() -> None:
    text = nginx_conf(GatewayPolicy(), port=8001, target_port=8002)

    assert "return 401;" not in text
    assert "limit_req" not in text
    assert "proxy_buffering off;" in text


def test_without_keys_the_limit_is_for_each_address() -> None:
    text = nginx_conf(GatewayPolicy(requests_per_second=1), port=8001, target_port=8002)

    assert "limit_req_zone $binary_remote_addr " in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"keys": {"ada": 'x"; return 200; #'}}, "letters, digits"),
        ({"keys": {"": "k"}}, "letters, digits"),
        ({"keys": {"ada": "k", "ben": "k"}}, "one key to two consumers"),
        ({"keys": {"ada": 1}}, "keys has 1: names and keys are"),
        ({"keys": ["ada"]}, "keys is ['ada']: it is a dict"),
        ({"requests_per_second": -1}, "requests_per_second is -1"),
        ({"requests_per_second": 1.5}, "whole number"),
        ({"requests_per_second": 5.0}, "whole number"),
        ({"requests_per_second": float("nan")}, "requests_per_second is nan: it is a whole number"),
        ({"requests_per_second": "x"}, "requests_per_second is 'x': it is a whole number"),
        ({"requests_per_second": 1, "burst": None}, "burst is None: it is a whole number"),
        ({"burst": 3}, "without a limit"),
        ({"read_timeout_s": 0}, "read_timeout_s is 0"),
        ({"read_timeout_s": float("nan")}, "read_timeout_s is nan"),
        ({"read_timeout_s": float("inf")}, "read_timeout_s is inf"),
        ({"read_timeout_s": "1"}, "read_timeout_s is '1': it is a time"),
        ({"http_version": "2"}, "http_version is '2'"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(text)):
        GatewayPolicy(**arguments)


@pytest.mark.parametrize(("target_port", "port"), [(0, 0), (65536, 0), (80, -1), (80, 65536)])
def test_a_port_that_is_none_is_refused(target_port: int, port: int) -> None:
    with pytest.raises(UsageError, match="a port is 1 to 65535"):
        Gateway(target_port, port=port)


def test_one_that_is_not_up_says_so() -> None:
    gateway = Gateway(8002)

    with pytest.raises(UsageError, match="not up"):
        gateway.requests()
    assert repr(gateway) == "<Gateway, not up>"
    gateway.stop()


def test_without_nginx_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)

    with pytest.raises(MissingDependency, match="install-deps --for 14"):
        Gateway(8002).start()


def test_a_line_that_is_being_written_is_left_for_later(tmp_path: Any) -> None:
    line = {"consumer": "", "method": "GET", "path": "/", "status": 200, "seconds": 0.1, "bytes": 3}
    (tmp_path / "log").write_text(json.dumps(line) + '\n{"consumer":')

    read = PROGRAMS["nginx"].read
    assert access_log.read(tmp_path / "log", read) == [access_log.LoggedRequest(**line)]  # type: ignore[arg-type]
    assert access_log.read(tmp_path / "none", read) == []


def test_a_program_that_is_no_gateway_is_refused() -> None:
    with pytest.raises(UsageError, match="program is 'apache': a gateway is 'nginx' or 'kong'"):
        Gateway(8002, program="apache")
