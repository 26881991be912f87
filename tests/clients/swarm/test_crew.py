"""A crew: paced opening, receipts for whatever way the bytes are cut, and the silent named."""

import asyncio
import contextlib
import gc

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.clients import Receipts
from realtime_kit.clients.swarm import SwarmState, opener
from realtime_kit.clients.swarm.crew import CrewWorker
from realtime_kit.errors import ClientError


@pytest.fixture(autouse=True)
def thaw():
    """A push freezes the garbage collector for its process; a test has to find its own garbage."""
    yield
    gc.enable()
    gc.unfreeze()


class Server:
    """A server of streams that says what it is told, and refuses the first few requests."""

    def __init__(self, refuse=0):
        self.refuse = refuse
        self.responses = []
        self.hang_up = asyncio.Event()
        self.opening = self.most_opening = 0

    async def handle(self, request):
        self.opening += 1
        self.most_opening = max(self.most_opening, self.opening)
        await asyncio.sleep(0.001)
        self.opening -= 1
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=502, text="Error while proxying to origin.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b":\n\n")
        self.responses.append(response)
        await self.hang_up.wait()
        return response

    async def say(self, data, to=None):
        for response in self.responses[:to]:
            await response.write(data)

    @contextlib.asynccontextmanager
    async def crew(self, count, in_flight=20):
        app = web.Application()
        app.router.add_get("/events", self.handle)
        async with TestServer(app) as server:
            crew = CrewWorker()
            try:
                urls = [str(server.make_url("/events"))]
                state = await crew.open(urls=urls, sources=[], count=count, in_flight=in_flight)
                assert state["connected"] == count
                yield crew
            finally:
                await crew.close()
                self.hang_up.set()


def event(number):
    return f"id: {number}\ndata: x\n\n".encode()


async def rows(crew):
    receipts = Receipts.from_json((await crew.collect())["receipts"])
    return sorted(zip(receipts.client.tolist(), receipts.event_id.tolist(), strict=True))


def test_all_are_connected_and_never_too_many_at_a_time():
    async def main():
        server = Server()
        async with server.crew(50, in_flight=7):
            assert len(server.responses) == 50
            assert server.most_opening <= 7

    asyncio.run(main())


def test_who_is_refused_for_overload_comes_again():
    async def main():
        server = Server(refuse=5)
        async with server.crew(10) as crew:
            assert crew.retries == 5
            (reason,) = crew.failed_because
            assert "502" in reason

    asyncio.run(main())


def test_why_a_connection_ended_is_not_why_another_could_not_be_opened():
    async def main():
        server = Server(refuse=1)
        async with server.crew(2) as crew:
            server.hang_up.set()
            async with asyncio.timeout(20):
                while crew.losses < 2:  # noqa: ASYNC110 - a crew is looked at from outside
                    await asyncio.sleep(0.005)
            state = SwarmState.of([await crew.collect()])
            assert len(state.failed_because) == len(state.lost_because) == 1
            assert "502" in state.failed_because[0]
            assert "502" not in state.lost_because[0]
            assert state.reasons == state.failed_because + state.lost_because

    asyncio.run(main())


def test_who_is_not_answered_has_a_reason_in_words(monkeypatch):
    class Unanswered(CrewWorker):
        async def _connect(self, number, connector):
            raise TimeoutError

    async def main():
        crew = Unanswered()
        await crew.open(urls=["http://127.0.0.1:9/events?token=secret"], sources=[], count=1, in_flight=1)
        await crew.close()
        return crew.failed_because

    monkeypatch.setattr(opener, "TRIES", 1)
    assert [*asyncio.run(main())] == ["http://127.0.0.1:9/events: no answer within 15 s"]


def test_of_many_reasons_the_latest_are_kept():
    crew = CrewWorker()
    for reason in "abcdefga":
        crew._note_failure(reason)
    assert [*crew.failed_because] == [*"defga"]


def test_the_latest_reason_of_all_processes_is_the_last():
    answer = {"connected": 1, "retries": 0, "losses": 2, "failed_because": {}, "bytes_per_client": 0.0}
    reasons = (
        {
            "old": 1,
            "newest": 9,
        },
        {"old": 3, "older": 2},
    )
    state = SwarmState.of([answer | {"lost_because": each} for each in reasons])
    assert state.lost_because == ("older", "old", "newest")


def test_every_client_has_a_receipt_for_every_event():
    async def main():
        server = Server()
        async with server.crew(5) as crew:
            for number in (1, 2, 3):
                await crew.expect(event_id=number)
                await server.say(event(number))
                assert await crew.reached(timeout_s=20) == []
            assert await rows(crew) == [(client, number) for client in range(5) for number in (1, 2, 3)]
            assert await rows(crew) == []

    asyncio.run(main())


def test_events_come_whole_however_the_bytes_are_cut():
    async def main():
        server = Server()
        async with server.crew(3) as crew:
            await crew.expect(event_id=3)
            for byte in event(1) + event(2):
                await server.say(bytes([byte]))
                await asyncio.sleep(0)
            await server.say(event(2) + event(3))
            assert await crew.reached(timeout_s=20) == []
            assert await rows(crew) == [(client, n) for client in range(3) for n in (1, 2, 2, 3)]

    asyncio.run(main())


def test_the_silent_are_named_and_come_back_when_they_are_opened_again():
    async def main():
        server = Server()
        async with server.crew(3) as crew:
            await crew.expect(event_id=1)
            await server.say(event(1), to=2)
            (silent,) = await crew.reached(timeout_s=0.2)
            await crew.reopen(numbers=[silent], in_flight=1)
            assert len(server.responses) == 4
            server.responses = [*server.responses[:2], server.responses[3]]
            await crew.expect(event_id=2)
            await server.say(event(2))
            assert await crew.reached(timeout_s=20) == []

    asyncio.run(main())


def test_a_connection_that_ends_is_counted_and_named():
    async def main():
        server = Server()
        async with server.crew(3) as crew:
            await crew.expect(event_id=1)
            server.hang_up.set()
            while len(await crew.unconnected()) < 3:  # noqa: ASYNC110 - a crew tells when it is asked
                await asyncio.sleep(0.001)
            assert crew.losses == 3
            assert await crew.reached(timeout_s=0.01) == [0, 1, 2]

    asyncio.run(main())


def test_nobody_waits_for_those_whose_connection_has_ended():
    async def main():
        server = Server()
        async with server.crew(3) as crew:
            await crew.expect(event_id=1)
            await server.say(event(1), to=2)
            server.hang_up.set()
            async with asyncio.timeout(20):
                assert len(await crew.reached(timeout_s=1000)) == 1
            await crew.expect(event_id=2)
            async with asyncio.timeout(20):
                assert await crew.reached(timeout_s=1000) == [0, 1, 2]

    asyncio.run(main())


def test_what_is_no_stream_is_said_with_its_status_and_type():
    async def main():
        app = web.Application()
        async with TestServer(app) as server:
            crew = CrewWorker()
            urls = [str(server.make_url("/nowhere"))]
            wanted = r"no event stream: HTTP/1.1 404 Not Found \(text/plain; charset=utf-8\)"
            with pytest.raises(ClientError, match=wanted):
                await crew.open(urls=urls, sources=[], count=1, in_flight=1)

    asyncio.run(main())
