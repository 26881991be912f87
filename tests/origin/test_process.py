"""The origin of a measured run, asked as its parent asks it, with a publish port that notes what it gets."""

import asyncio
import base64
import contextlib
import time

import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.origin.process import _Origin


@contextlib.asynccontextmanager
async def origin_publishing_to(answer, *, payload_bytes=0):
    received = []

    async def publish(request):
        items = (await request.json())["items"]
        received.extend(items)
        return answer(items)

    app = web.Application()
    app.router.add_post("/publish/", publish)
    async with TestServer(app) as server:
        origin = _Origin()
        await origin.start(port=0)
        try:
            url = str(server.make_url("/"))
            await origin.publish_to(publisher={"control_url": url}, payload_bytes=payload_bytes)
            yield origin, received
        finally:
            await origin._stack.aclose()


def accept(_):
    return web.Response()


def offsets(*seconds):
    return base64.b64encode(np.array([int(s * 1e9) for s in seconds], np.int64).tobytes()).decode()


async def run(origin, *seconds):
    first_id = (await origin.warm_up())["last_id"] + 1
    start_ns = time.monotonic_ns()
    await origin.run(offsets_ns=offsets(*seconds), start_ns=start_ns, first_id=first_id)
    return await origin.report(start_ns=start_ns, end_ns=time.monotonic_ns())


def test_every_scheduled_event_is_logged_and_published_with_the_id_before_it():
    async def main():
        async with origin_publishing_to(accept) as (origin, received):
            report = await run(origin, 0, 0.01, 0.02)
            assert report["first_id"] == 2
            assert report["texts"] == ["event 2 ", "event 3 ", "event 4 "]
            assert report["not_published"] == []
            assert len(report["slip_s"]) == 3
            assert [(item["id"], item["prev-id"]) for item in received] == [
                ("1", "0"),
                ("2", "1"),
                ("3", "2"),
                ("4", "3"),
            ]

    asyncio.run(main())


def test_events_are_padded_to_the_payload_that_was_asked_for():
    async def main():
        async with origin_publishing_to(accept, payload_bytes=64) as (origin, _):
            assert [len(text) for text in (await run(origin, 0))["texts"]] == [64]

    asyncio.run(main())


def test_what_pushpin_did_not_take_of_the_run_is_reported_with_its_reason_and_costs_no_run():
    async def main():
        async with origin_publishing_to(lambda _: web.Response(status=503)) as (origin, _):
            report = await run(origin, 0, 0, 0)
            assert len(report["texts"]) == 3
            assert [number for number, _ in report["not_published"]] == [2, 3, 4]  # not 1, the warm-up's
            assert all("answered 503" in reason for _, reason in report["not_published"])

    asyncio.run(main())


def test_a_call_to_the_late_that_pushpin_does_not_take_is_no_event_that_was_not_published():
    called = asyncio.Event()

    def refuse_calls(items):
        if all("id" in item for item in items):
            return web.Response()
        called.set()
        return web.Response(status=503)

    async def main():
        async with origin_publishing_to(refuse_calls) as (origin, _):
            first_id = (await origin.warm_up())["last_id"] + 1
            start_ns = time.monotonic_ns()
            await origin.run(offsets_ns=offsets(0), start_ns=start_ns, first_id=first_id)
            await called.wait()
            report = await origin.report(start_ns=start_ns, end_ns=time.monotonic_ns())
            assert report["not_published"] == []

    asyncio.run(main())


def test_halting_ends_the_run_early():
    async def main():
        async with origin_publishing_to(accept) as (origin, _):
            happened = asyncio.Event()
            running = asyncio.create_task(run(origin, 0, 10**6))
            origin.log.on_append(lambda number, _: number == 2 and happened.set())
            await happened.wait()
            await origin.halt()
            assert (await running)["texts"] == ["event 2 "]

    asyncio.run(main())
