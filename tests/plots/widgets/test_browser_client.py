"""The kernel's half of the client in the browser, with and without a page; a real one is in tests/browser."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import resources
from typing import Any

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from yarl import URL

from realtime_kit.errors import UsageError
from realtime_kit.plots.widgets import browser_client
from realtime_kit.plots.widgets.browser_client import NOBODY, BrowserClient

PORT = 7999
"""Nobody has to listen there: without a page nothing connects."""


@pytest.fixture
def client() -> Iterator[BrowserClient]:
    made = BrowserClient(PORT)
    yield made
    made.close()


def say(client: BrowserClient, kind: str, page: str = "a", **more: Any) -> None:
    """What a page sends."""
    client._handle_custom_msg({"kind": kind, "page": page, **more}, [])


def say_open(client: BrowserClient, page: str = "a") -> None:
    say(client, "state", page, state="open", words="Connected.", number=client.opening["number"])


def listens(port: int) -> bool:
    """Without connecting: asyncio drops a connection that comes in the very moment of stopping, and warns of it."""
    found = psutil.Process().net_connections("tcp")
    return any(each.laddr.port == port and each.status == psutil.CONN_LISTEN for each in found)


# Without a page


def test_without_a_page_it_says_that_none_has_answered(client: BrowserClient) -> None:
    client.start()

    assert client.status == NOBODY
    assert NOBODY in repr(client)
    assert client.receipts == ()
    assert client.latencies_s.shape == (0,)
    assert client.uncertainty_s == float("inf")


def test_waiting_for_a_page_ends_when_none_comes(client: BrowserClient) -> None:
    assert asyncio.run(client.astart(timeout_s=0.05)) is False


def test_everything_may_be_done_twice(client: BrowserClient) -> None:
    client.stop()
    client.start()
    client.start()
    client.stop()
    client.stop()
    client.close()
    client.close()

    assert "port" not in client.opening


def test_a_closed_one_cannot_be_started(client: BrowserClient) -> None:
    client.close()

    with pytest.raises(UsageError, match="closed: make another one"):
        client.start()


def test_a_notebook_that_a_program_executes_runs_to_its_end() -> None:
    source = f"""
from realtime_kit.plots.widgets.browser_client import BrowserClient
client = BrowserClient({PORT})
display(client)
connected = await client.astart(timeout_s=0.1)
client.stop()
client.close()
print(connected, client.status)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])

    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()

    printed = [output.text for output in notebook.cells[0].outputs if output.output_type == "stream"]
    assert printed == [f"False {NOBODY}\n"]


# What the page is told


def test_the_page_is_told_a_port_that_is_listened_on_until_it_is_stopped(client: BrowserClient) -> None:
    client.start()
    port = client.opening["port"]
    assert listens(port)

    client.stop()

    assert "port" not in client.opening
    assert not listens(port)


@pytest.mark.parametrize(
    ("where", "path", "transport", "expected"),
    [
        (PORT, None, "streaming", "/events"),
        (f"http://127.0.0.1:{PORT}", None, "websocket", "/events"),
        (URL(f"http://127.0.0.1:{PORT}/news"), None, "streaming", "/news"),
        (f"http://127.0.0.1:{PORT}/news?after=0", None, "websocket", "/news?after=0"),
        (PORT, "/news", "streaming", "/news"),
        (PORT, {"streaming": "/s", "websocket": "/w"}, "websocket", "/w"),
    ],
)
def test_the_page_is_told_the_path_of_the_transport(
    where: Any, path: Any, transport: str, expected: str
) -> None:
    client = BrowserClient(where, path, transport=transport)
    client.start()
    try:
        assert client.opening["path"] == expected
        assert client.opening["transport"] == transport
    finally:
        client.close()


def test_a_prefix_comes_from_the_hub_and_is_never_made_up(
    client: BrowserClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.start()
    assert client.opening["prefix"] == ""

    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    client.start()
    assert client.opening["prefix"] == "/user/ada/"


def test_it_ends_by_itself_even_if_the_page_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_client, "_GRACE_S", 0.0)
    client = BrowserClient(PORT, seconds=0.05)
    ended = threading.Event()
    client.observe(lambda change: "port" in change["new"] or ended.set(), "opening")

    client.start()

    assert ended.wait(20)
    client.close()


def test_each_start_is_one_more_so_that_the_page_notices(client: BrowserClient) -> None:
    client.start()
    first = dict(client.opening)
    client.start()

    assert client.opening["number"] == first["number"] + 1
    assert not listens(first["port"])


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("nowhere",), {}, "'nowhere' is no place to connect to"),
        (("ftp://127.0.0.1:21",), {}, "is no place to connect to"),
        ((0,), {}, "is no place to connect to"),
        ((PORT, "news"), {}, "'news': it has to begin with a slash"),
        ((PORT, {"polling": "/p"}), {}, "'polling': a browser has streaming and websocket"),
        ((PORT,), {"transport": "polling"}, "'polling': a browser has streaming and websocket"),
        ((PORT,), {"seconds": 0}, "above 0 and at most 3,600"),
        ((PORT,), {"seconds": 3601}, "above 0 and at most 3,600"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    arguments: tuple[Any, ...], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        BrowserClient(*arguments, **options)


def test_a_transport_without_a_path_is_named() -> None:
    client = BrowserClient(PORT, {"websocket": "/w"})

    with pytest.raises(UsageError, match="there is no path for streaming: paths are given for websocket"):
        client.start("streaming")

    client.close()


# What the page says


def test_the_pages_buttons_start_stop_and_close(client: BrowserClient) -> None:
    say(client, "start", transport="websocket")
    assert client.opening["transport"] == "websocket"

    say(client, "stop")
    assert "port" not in client.opening

    say(client, "close")
    assert client.comm is None


def test_waiting_for_a_page_ends_when_it_is_connected(client: BrowserClient) -> None:
    # Widget messages may come on a thread of their own.
    page = threading.Thread(target=say_open, args=(client,))
    client.observe(lambda _: page.start(), "opening")

    assert asyncio.run(client.astart(timeout_s=20)) is True

    client.unobserve_all("opening")
    page.join()
    assert client.status == "Connected."


def test_what_a_page_says_of_an_earlier_start_connects_nothing(client: BrowserClient) -> None:
    def too_late(change: dict[str, Any]) -> None:
        if "port" in change["new"]:
            number = change["new"]["number"] - 1
            say(client, "state", state="open", words="Connected.", number=number)

    client.observe(too_late, "opening")

    assert asyncio.run(client.astart(timeout_s=0.1)) is False


def test_the_page_that_is_connected_ends_the_connection_when_it_leaves(client: BrowserClient) -> None:
    client.start()
    say_open(client, "a")

    say(client, "left", "a")

    assert "port" not in client.opening


def test_a_page_that_was_superseded_by_another_ends_nothing(client: BrowserClient) -> None:
    client.start()
    say_open(client, "a")
    say_open(client, "b")

    say(client, "state", "a", state="ended", words="Ended.", number=client.opening["number"])
    say(client, "left", "a")

    assert "port" in client.opening


def test_a_report_is_answered_and_its_receipts_are_kept(client: BrowserClient) -> None:
    sent: list[dict[str, Any]] = []
    client.send = sent.append  # type: ignore[method-assign]
    plain = {"tick_ms": 0.1, "transport": "streaming", "opened_ms": 0}

    say(client, "report", number=1, back=None, receipts=[], **plain)
    back = {"number": 1, "sent_ms": 10, "back_ms": 12}
    say(client, "report", number=2, back=back, receipts=[["7", 12]], **plain)

    assert [answer["number"] for answer in sent] == [1, 2]
    assert [receipt.event_id for receipt in client.receipts] == ["7"]
    # Half of 2 ms, and two ticks.
    assert client.uncertainty_s == pytest.approx(0.0012)


# How it comes along


def test_what_the_page_has_reported_is_in_its_table_and_its_figure(client: BrowserClient) -> None:
    plain = {"tick_ms": 0.1, "transport": "streaming", "opened_ms": 0}
    assert "No page has reported an event." in str(client.table())
    say(client, "report", number=1, back=None, receipts=[], **plain)
    say(
        client,
        "report",
        number=2,
        back={"number": 1, "sent_ms": 10, "back_ms": 11},
        receipts=[["7", 12]],
        **plain,
    )

    assert "1 event, none with a latency" in str(client.table())
    assert client.figure().axes


def test_nothing_imports_it_that_could_do_without() -> None:
    code = "import sys, realtime_kit.plots, realtime_kit.lab; print('anywidget' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_its_other_half_lies_beside_it_and_is_what_the_page_gets(client: BrowserClient) -> None:
    module = resources.files("realtime_kit.plots.widgets") / "browser_client.js"

    assert module.read_text() == client._esm
