"""What the origin notes about its requests: how many, from when, and how long they were on their way."""

import asyncio
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realtime_kit.origin.request_log import REQUEST_START, RequestLog, RouteLoad

ALWAYS = (0, 2**62)


async def answer(request):
    return web.Response()


def ask(log, *requests):
    """Send (path, headers) of each; the handler of `/broken` raises."""

    async def broken(request):
        raise web.HTTPBadGateway

    async def main():
        app = web.Application(middlewares=[log.middleware()])
        app.router.add_get("/broken", broken)
        app.router.add_get("/{path:.*}", answer)
        async with TestClient(TestServer(app)) as client:
            for path, headers in requests:
                await client.get(path, headers=headers)

    asyncio.run(main())


def stamped(ago_s=0.0):
    return {REQUEST_START: f"t={time.monotonic_ns() - int(ago_s * 1e9)}"}


def test_requests_are_counted_by_the_first_part_of_their_path():
    log = RequestLog()
    ask(log, ("/a/events", {}), ("/a/other?after=3", {}), ("/b", {}), ("/", {}))
    assert {name: route.requests for name, route in log.load(*ALWAYS).items()} == {"a": 2, "b": 1, "": 1}


def test_a_request_belongs_to_the_window_in_which_it_arrived():
    log = RequestLog()
    ask(log, ("/a", {}))
    between = time.monotonic_ns()
    ask(log, ("/a", {}), ("/a", {}))
    assert log.load(0, between)["a"].requests == 1
    assert log.load(between, 2**62)["a"].requests == 2
    assert log.load(0, 1)["a"] == RouteLoad()


def test_what_has_come_since_a_moment_is_counted_while_more_comes():
    log = RequestLog()
    ask(log, ("/a", {}), ("/b", {}))
    between = time.monotonic_ns()
    ask(log, ("/a", {}), ("/a", {}))
    assert log.since(between) == {"a": 2, "b": 0}


def test_a_request_that_ends_in_an_error_counts_like_any_other():
    log = RequestLog()
    ask(log, ("/broken", {}), ("/a", {}))
    assert log.load(*ALWAYS)["broken"].requests == 1


def test_the_way_upstream_is_the_mean_over_those_that_say_when_they_were_sent():
    log = RequestLog()
    ask(log, ("/a", stamped(2)), ("/a", {}), ("/a", stamped(4)))
    assert log.load(*ALWAYS)["a"].upstream_s == pytest.approx(3, rel=0.2)


@pytest.mark.parametrize(
    "stamp",
    ["", "now", "t=", "t=-5", "t=1.5", "t=²", "t=" + "9" * 19, "t=1700000000000", "t=99999999999999999"],
)
def test_a_stamp_that_is_none_of_ours_is_ignored_and_disturbs_no_answer(stamp):
    log = RequestLog()
    ask(log, ("/a", {REQUEST_START: stamp}))
    assert log.load(*ALWAYS)["a"].requests == 1
    assert log.load(*ALWAYS)["a"].upstream_s == 0


def test_a_request_that_pushpin_repeats_says_nothing_of_the_way_upstream():
    log = RequestLog()
    ask(log, ("/a", {**stamped(30), "Grip-Last": "events; last-id=3"}))
    assert log.load(*ALWAYS)["a"].upstream_s == 0


def test_a_route_load_is_plain_values_for_json():
    assert RouteLoad(1, 0.5).to_json() == {"requests": 1, "upstream_s": 0.5}
