"""Routes: several origins, changed while it runs, and in force as soon as the call returns."""

import asyncio

import pytest
import requests

from realtime_kit.errors import PushpinNotReady, RouteError
from realtime_kit.pushpin import Pushpin, Route

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


def get(pushpin: Pushpin, path: str = "/") -> requests.Response:
    return requests.get(f"{str(pushpin.url).rstrip('/')}{path}", timeout=10)


def origin_of(pushpin: Pushpin, path: str = "/") -> int:
    return int(get(pushpin, path).text.split()[0])


def test_requests_go_to_the_origin_of_the_longest_matching_path(origin: int, second_origin: int) -> None:
    routes = [Route(f"127.0.0.1:{second_origin}", path="/second/"), Route(f"127.0.0.1:{origin}")]
    with Pushpin(routes) as pushpin:
        assert origin_of(pushpin, "/") == origin
        assert origin_of(pushpin, "/second/page") == second_origin


def test_new_routes_are_in_force_when_the_call_returns(origin: int, second_origin: int) -> None:
    with Pushpin(origin) as pushpin:
        for port in (second_origin, origin, second_origin):
            pushpin.set_routes(port)
            assert origin_of(pushpin) == port


def test_coroutines_change_routes_too_and_one_call_after_the_other(origin: int, second_origin: int) -> None:
    async def change() -> None:
        async with Pushpin(origin) as pushpin:
            await asyncio.gather(*(pushpin.aset_routes(port) for port in (origin, second_origin)))
            assert await asyncio.to_thread(origin_of, pushpin) == second_origin

    asyncio.run(change())


def test_routes_set_before_the_start_are_those_it_starts_with(origin: int) -> None:
    pushpin = Pushpin()
    pushpin.set_routes(origin)
    with pushpin:
        assert origin_of(pushpin) == origin


def test_without_routes_it_starts_and_answers_502() -> None:
    with Pushpin() as pushpin:
        assert get(pushpin).status_code == 502


def test_a_route_that_cannot_be_read_raises_and_the_old_ones_stay(origin: int) -> None:
    with Pushpin(origin) as pushpin:
        with pytest.raises(RouteError, match="two routes take the same requests"):
            pushpin.set_routes([Route("127.0.0.1:1"), Route("127.0.0.1:2")])
        assert origin_of(pushpin) == origin


def test_a_route_that_only_pushpin_does_not_accept_raises_and_the_old_ones_are_back(
    origin: int, second_origin: int
) -> None:
    bad = [Route(f"127.0.0.1:{second_origin}"), Route("127.0.0.1:1", path="/x", options=("proto=gopher",))]
    with Pushpin(origin) as pushpin:
        for _ in range(2):  # the first warning is still in the log at the second try
            with pytest.raises(RouteError, match="proto must be set to 'http' or 'ws'"):
                pushpin.set_routes(bad)
            assert origin_of(pushpin) == origin
        pushpin.set_routes(second_origin)
        assert origin_of(pushpin) == second_origin


def test_a_route_for_http_only_does_not_hide_the_probe(origin: int) -> None:
    with Pushpin([Route(f"127.0.0.1:{origin}", options=("proto=http",))]) as pushpin:
        assert origin_of(pushpin) == origin


def test_options_take_effect_whichever_half_of_the_line_they_belong_to(origin: int) -> None:
    target = f"127.0.0.1:{origin}"
    with Pushpin([Route(target), Route(target, path="/plain/", options=("no_grip",))]) as pushpin:
        assert get(pushpin, "/").text == f"{origin} True\n"  # whether the request had a Grip-Sig
        assert get(pushpin, "/plain/").text == f"{origin} False\n"


def test_new_routes_that_do_not_come_into_force_in_time_are_an_error(
    origin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pushpin(origin) as pushpin:
        instance = pushpin._started
        monkeypatch.setattr(instance, "_timeout_s", 0.2)
        monkeypatch.setattr(instance._probe, "_greeting", lambda: b"")
        with pytest.raises(PushpinNotReady, match=r"within 0\.2 s no event came through"):
            pushpin.set_routes(origin)
