"""The configuration as text, for every version that reads it differently."""

from pathlib import Path

import pytest

from realtime_kit.pushpin.config import Addresses, PushpinSettings, render
from realtime_kit.pushpin.version import PushpinVersion

FOLDER = Path("/tmp/rk-example")
VERSIONS = [(1, 31), (1, 34), (1, 36), (1, 38), (1, 40), (1, 41)]

WITH_ZURL = """\
[global]
include={libdir}/internal.conf
rundir=/tmp/rk-example
ipc_prefix=k-

[runner]
services=condure,zurl,pushpin-proxy,pushpin-handler
http_port=127.0.0.1:21000
client_maxconn=2000
log_level=1
updates_check=off

[proxy]
routesfile=routes
sig_key=secret
debug=true
updates_check=off
zurl_out_specs=ipc://{rundir}/{ipc_prefix}zurl-in
zurl_out_stream_specs=ipc://{rundir}/{ipc_prefix}zurl-in-stream
zurl_in_specs=ipc://{rundir}/{ipc_prefix}zurl-out

[handler]
push_in_http_addr=127.0.0.1
push_in_http_port=21001
push_in_http_max_body_size=1000000
push_in_max_body_size=1000000
push_in_spec=ipc:///tmp/rk-example/k-pull
push_in_sub_specs=ipc:///tmp/rk-example/k-sub
command_spec=ipc:///tmp/rk-example/k-command
stats_spec=ipc:///tmp/rk-example/k-stats
stats_format=json
stats_report_interval=1
id_cache_ttl=60
message_wait=1000
message_rate=0
message_hwm=0
subscription_linger=60
"""

WITHOUT_ZURL = "".join(
    line.replace("condure,zurl,pushpin-proxy,pushpin-handler", "connmgr,proxy,handler")
    for line in WITH_ZURL.splitlines(keepends=True)
    if not line.startswith("zurl_")
)


def rendered(
    version: tuple[int, int] = (1, 36),
    *,
    host: str = "127.0.0.1",
    settings: PushpinSettings | None = None,
    libdir: Path | None = None,
) -> str:
    return render(
        PushpinVersion(*version),
        Addresses(host, 21000, 21001, FOLDER),
        settings or PushpinSettings(),
        client_maxconn=2000,
        sig_key="secret",
        libdir=libdir,
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_whole_text_is_what_the_version_was_run_with(version: tuple[int, int]) -> None:
    assert rendered(version) == (WITH_ZURL if version < (1, 40) else WITHOUT_ZURL)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_port_never_stands_without_its_address(version: tuple[int, int]) -> None:
    # A bare http_port listens on every address of the machine.
    assert "\nhttp_port=127.0.0.1:21000\n" in rendered(version)
    assert "\npush_in_http_addr=127.0.0.1\n" in rendered(version)


def test_an_ipv6_address_is_bracketed_before_a_port_and_bare_alone() -> None:
    text = rendered(host="::1")
    assert "\nhttp_port=[::1]:21000\n" in text
    assert "\npush_in_http_addr=::1\n" in text


def test_a_private_prefix_is_named_where_its_files_are() -> None:
    text = rendered(libdir=Path("/private/usr/lib/pushpin"))
    assert "\ninclude=/private/usr/lib/pushpin/internal.conf\n" in text
    assert "\nlibdir=/private/usr/lib/pushpin\n" in text


def test_every_setting_has_its_key() -> None:
    settings = PushpinSettings(
        message_rate=2500,
        message_hwm=25000,
        message_wait_ms=5000,
        id_cache_ttl_s=7,
        subscription_linger_s=8,
        log_level=2,
        metrics_port=21002,
        debug=False,
    )
    lines = rendered(settings=settings).splitlines()
    expected = {
        "message_rate=2500",
        "message_hwm=25000",
        "message_wait=5000",
        "id_cache_ttl=7",
        "subscription_linger=8",
        "log_level=2",
        "prometheus_port=127.0.0.1:21002",
        "debug=false",
    }
    assert expected <= set(lines)


@pytest.mark.parametrize(
    ("host", "url", "control_url"),
    [
        ("127.0.0.1", "http://127.0.0.1:21000", "http://127.0.0.1:21001"),
        ("::1", "http://[::1]:21000", "http://[::1]:21001"),
    ],
)
def test_addresses_know_their_urls(host: str, url: str, control_url: str) -> None:
    addresses = Addresses(host, 21000, 21001, FOLDER)
    assert str(addresses.url) == url
    assert addresses.control_url == control_url
    assert addresses.socket("stats") == "ipc:///tmp/rk-example/k-stats"
