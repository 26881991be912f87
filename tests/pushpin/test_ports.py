"""Ports: free, taken, and by whom."""

import os
import re
import socket

import psutil
import pytest

from realtime_kit.errors import PortInUse
from realtime_kit.pushpin.ports import check_port, free_port, is_strangers, owner_of, taken


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_free_port_passes_the_check(host: str) -> None:
    check_port(host, free_port(host))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_somebody_listens_on_names_him(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        expected = (
            rf"port {port} cannot be used: belongs to \S+ \(pid {os.getpid()}\); give another, or 0 for"
        )
        with pytest.raises(PortInUse, match=expected):
            check_port(host, port)


def test_an_owner_the_system_does_not_tell_is_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(_: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", deny)
    assert owner_of(1) is None
    assert re.search("port 1 cannot be used: belongs to another process; give another", taken(1))
    assert "port 1 cannot be used: Permission denied; give" in taken(1, "Permission denied")
    assert not is_strangers(1, [])


def test_a_port_belongs_to_strangers_unless_it_is_ours_or_nobodys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_strangers(port, [])
        assert not is_strangers(port, [psutil.Process()])
    assert not is_strangers(port, [])
