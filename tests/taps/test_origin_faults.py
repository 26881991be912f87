"""Faults of the origin."""

import asyncio
import subprocess
import sys

import psutil
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realtime_kit.taps.origin_faults import OriginFaults, paused


async def hello(_):
    return web.Response(text="hello")


def asking(main):
    async def run():
        faults, app = OriginFaults(), web.Application()
        app.router.add_get("/", hello)
        faults.install(app)
        async with asyncio.timeout(20), TestClient(TestServer(app)) as client:
            return await main(faults, client)

    return asyncio.run(run())


def test_a_status_answers_everything_until_it_is_taken_back():
    async def main(faults, client):
        faults.status = 500
        first = (await client.get("/")).status
        faults.status = None
        return first, (await client.get("/")).status, faults.harmed

    assert asking(main) == (500, 200, 1)


def test_a_stalled_origin_answers_when_it_goes_on():
    async def main(faults, client):
        faults.stall()
        answer = asyncio.create_task(client.get("/"))
        while not faults.harmed:  # noqa: ASYNC110 - the middleware tells nobody
            await asyncio.sleep(0)
        assert not answer.done()
        faults.go_on()
        return (await answer).status

    assert asking(main) == 200


def test_a_paused_process_is_stopped_and_goes_on():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        found = psutil.Process(process.pid)
        with paused(process.pid):
            while found.status() != psutil.STATUS_STOPPED:
                pass
        while found.status() == psutil.STATUS_STOPPED:
            pass
        process.communicate(b"\n", timeout=10)
    assert process.returncode == 0
