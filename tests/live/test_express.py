"""The Express origin of lesson 13: another language behind the same Pushpin. It needs Node.js and its `npm ci`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import websocket

from realtime_kit import Backend, Site, serving, sse_events
from realtime_kit.errors import OriginError

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

FOLDER = Path(__file__).parents[2] / "notebooks" / "backends" / "express"


def express(environ: dict[str, str] | None = None) -> Backend:
    return Backend(("node", "server.js"), FOLDER, "Express", {} if environ is None else environ)


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def site(shown: list[str]) -> Iterator[Site]:
    with serving(express(), x_ray=True, show_error=shown.append) as site:
        yield site


def enter(site: Site, name: str) -> websocket.WebSocket:
    return websocket.create_connection(f"ws://{site.url.authority}/chat?name={name}", timeout=10)


def asked(site: Site) -> list[str]:
    return [seen.title for seen in site.x_ray.messages() if (seen.leg, seen.kind) == ("origin", "request")]


def test_a_stream_is_held_and_told_what_is_posted(site: Site) -> None:
    events = sse_events(site.url / "events")
    assert next(events).data == "welcome"
    assert requests.post(str(site.url / "events"), data="hello", timeout=5).status_code == 204
    assert next(events).data == "hello"
    assert asked(site) == ["GET /events", "POST /events, 5 B"]
    events.close()


def test_people_hear_each_other_and_pushpin_keeps_the_count(site: Site) -> None:
    ada, ben = enter(site, "Ada"), enter(site, "Ben")
    for number in (1, 2):
        ada.send("hello")
        assert [ada.recv(), ben.recv()] == [f"Ada ({number}): hello"] * 2
    ada.close()
    ben.close()


def test_a_ping_that_comes_alone_is_answered(site: Site) -> None:
    ada = enter(site, "Ada")
    ada.ping("there?")
    assert ada.recv_data(control_frame=True)[0] == websocket.ABNF.OPCODE_PONG
    ada.close()


def test_a_socket_that_breaks_is_no_mistake_of_the_handler(
    site: Site, shown: list[str], eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    ada = enter(site, "Ada")
    ada.shutdown()
    eventually(
        lambda: any(seen.title == "200: no events" for seen in site.x_ray.messages()),
        "the DISCONNECT was not answered",
    )
    assert shown == []


def test_a_goodbye_is_answered_with_its_own_code(site: Site) -> None:
    ada = enter(site, "Ada")
    ada.send_close(4001)
    kind, content = ada.recv_data(control_frame=True)
    assert (kind, content[:2]) == (websocket.ABNF.OPCODE_CLOSE, (4001).to_bytes(2, "big"))
    ada.shutdown()


def test_a_handler_that_throws_answers_500_and_shows_why(
    site: Site, shown: list[str], eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    assert requests.get(str(site.url / "broken"), timeout=5).status_code == 500
    eventually(lambda: "Error: this handler has a mistake" in "".join(shown), "nothing was shown")


def test_node_can_be_restarted_while_a_socket_and_a_stream_stay(site: Site) -> None:
    events, ada = sse_events(site.url / "events", reconnect=False), enter(site, "Ada")
    next(events)
    ada.send("before")
    assert ada.recv() == "Ada (1): before"
    site.stop_origin()
    assert requests.get(str(site.url / "events"), timeout=5).status_code == 502
    site.start_origin()
    ada.send("after")
    assert ada.recv() == "Ada (2): after"
    requests.post(str(site.url / "events"), data="still here", timeout=5)
    assert next(events).data == "still here"
    ada.close()
    events.close()


def test_a_port_that_is_taken_is_told_with_its_owner_before_node_is_started(site: Site) -> None:
    text = rf"Express cannot listen: port {site.origin_port} cannot be used: belongs to .*node"
    with pytest.raises(OriginError, match=text):
        serving(express(), origin_port=site.origin_port).start()


def test_a_port_of_its_own_choice_that_is_taken_is_told_in_the_words_of_node(site: Site) -> None:
    stubborn = Backend(("env", f"PORT={site.origin_port}", "node", "server.js"), FOLDER, "Express")
    with pytest.raises(OriginError, match=r"Express has ended at once: (.|\n)*EADDRINUSE"):
        serving(stubborn, show_error=lambda _: None).start()


def test_who_comes_past_pushpin_is_turned_away(site: Site) -> None:
    answer = requests.get(f"http://127.0.0.1:{site.origin_port}/events", timeout=5)
    assert answer.status_code == 501


def test_with_a_key_only_what_pushpin_has_signed_is_believed() -> None:
    environ: dict[str, str] = {}
    with serving(express(environ)) as site:
        address = f"http://127.0.0.1:{site.origin_port}/events"
        forged = {"Grip-Sig": "forged"}
        assert requests.get(address, headers=forged, timeout=5).status_code == 200

        site.stop_origin()
        assert site.pushpin.sig_key
        environ["GRIP_VERIFY_KEY"] = site.pushpin.sig_key.decode()
        site.start_origin()

        assert requests.get(address, headers=forged, timeout=5).status_code == 403
        events = sse_events(site.url / "events")
        assert next(events).data == "welcome"
        events.close()
