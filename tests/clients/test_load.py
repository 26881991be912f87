"""The load: many clients opened a few at a time, called by the roll, counted over a window."""

import asyncio
import contextlib
import gc
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.clients import Receipts
from realtime_kit.clients.load import CLIENTS, OPENING_AT_ONCE, EvenSample, LoadWorker
from realtime_kit.errors import ClientError, UsageError


@pytest.fixture(autouse=True)
def thaw():
    """`open` freezes the garbage collector for its process; a test has to find its own garbage."""
    yield
    gc.unfreeze()


class Stream:
    """A server of event streams, all of which say what `say` is given."""

    def __init__(self):
        self.responses = []
        self.hang_up = asyncio.Event()
        self.opening = self.most_opening = 0
        self.joined = asyncio.Condition()

    async def handle(self, request):
        self.opening += 1
        self.most_opening = max(self.most_opening, self.opening)
        await asyncio.sleep(0.001)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        self.opening -= 1
        await response.prepare(request)
        await response.write(b":\n\n")
        self.responses.append(response)
        await self.hang_up.wait()
        return response

    async def say(self, *event_ids, to=None):
        for response in self.responses[:to]:
            await response.write(b"".join(f"id: {event_id}\ndata: x\n\n".encode() for event_id in event_ids))

    @contextlib.asynccontextmanager
    async def loaded(self, clients, **options):
        app = web.Application()
        app.router.add_get("/events", self.handle)
        async with TestServer(app) as server:
            load = LoadWorker()
            url = str(server.make_url("/events"))
            try:
                await load.open(transport="streaming", url=url, clients=clients, seed=1, options=options)
                yield load
            finally:
                await load.report()


async def until(condition):
    while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)


def rows(report):
    receipts = Receipts.from_json(report["receipts"])
    return sorted(zip(receipts.client.tolist(), receipts.event_id.tolist(), strict=True))


def test_opening_returns_when_every_client_is_connected_and_never_opens_too_many_at_once():
    async def main():
        stream = Stream()
        async with stream.loaded(3 * OPENING_AT_ONCE) as load:
            assert all(client.connected.is_set() for client in load.clients)
            assert len(stream.responses) == 3 * OPENING_AT_ONCE
            assert stream.most_opening <= OPENING_AT_ONCE

    asyncio.run(main())


def test_every_client_of_a_seed_has_its_own_phase_and_the_same_one_again():
    async def main():
        async def answer(request):
            return web.json_response({"events": [], "cursor": 0})

        app = web.Application()
        app.router.add_get("/events", answer)
        seen = []
        async with TestServer(app) as server:
            for seed in (1, 1, 2):
                load = LoadWorker()
                url = str(server.make_url("/events"))
                options = {"interval_s": 100.0}
                await load.open(transport="polling", url=url, clients=5, seed=seed, options=options)
                seen.append([client._phase_s for client in load.clients])
                await load.report()
        assert seen[0] == seen[1] != seen[2]
        assert len(set(seen[0])) == 5

    asyncio.run(main())


def test_a_client_that_cannot_connect_fails_the_opening_with_its_reason():
    async def main():
        async with TestServer(web.Application()) as server:
            load = LoadWorker()
            url = str(server.make_url("/nowhere"))
            with pytest.raises(ClientError, match="/nowhere answered 404 Not Found"):
                await load.open(transport="streaming", url=url, clients=3, seed=1, options={})
            await load.report()

    asyncio.run(main())


def test_an_option_that_no_client_takes_is_refused():
    async def main():
        with pytest.raises(UsageError, match="interval_s is 0"):
            await LoadWorker().open(
                transport="polling", url="http://there/", clients=1, seed=1, options={"interval_s": 0}
            )

    asyncio.run(main())


def test_the_roll_call_returns_as_soon_as_everyone_has_the_event_or_a_later_one():
    async def main():
        stream = Stream()
        async with stream.loaded(5) as load:
            calling = asyncio.create_task(load.roll_call(event_id=3, timeout_s=60))
            await stream.say(1, 2)
            await asyncio.sleep(0.01)
            assert not calling.done()
            await stream.say(3, to=4)
            await stream.say(4)
            assert await calling == []

    asyncio.run(main())


def test_the_roll_call_names_who_was_silent():
    async def main():
        stream = Stream()
        async with stream.loaded(3) as load:
            await stream.say(1, to=2)
            (silent,) = await load.roll_call(event_id=1, timeout_s=0.2)
            assert silent in range(3)
            assert await load.roll_call(event_id=2, timeout_s=0.01) == [0, 1, 2]

    asyncio.run(main())


def test_a_late_old_event_does_not_undo_a_newer_one():
    async def main():
        stream = Stream()
        async with stream.loaded(2) as load:
            await stream.say(5, 3)
            await stream.say(6)
            assert await load.roll_call(event_id=6, timeout_s=60) == []
            await stream.say(2, 7)
            assert await load.roll_call(event_id=7, timeout_s=60) == []
            assert load.latest == [7, 7]

    asyncio.run(main())


def test_progress_counts_deliveries_of_the_run_and_neither_warm_up_nor_repetitions():
    async def main():
        stream = Stream()
        async with stream.loaded(3) as load:
            await stream.say(1, 2)
            await load.roll_call(event_id=2, timeout_s=60)
            assert (await load.progress())["received"] == 0
            now_ns = time.monotonic_ns()
            await load.window(start_ns=now_ns, end_ns=now_ns, first_id=3)
            await stream.say(3, 3, 4)
            await load.roll_call(event_id=4, timeout_s=60)
            progress = await load.progress()
            sample = progress.pop("sample")
            assert progress == {"received": 6, "stride": 1, "empty_responses": 0, "errors": []}
            assert sorted(number for number, _ in sample) == [3, 3, 3, 4, 4, 4]
            assert all(now_ns < at_ns < time.monotonic_ns() for _, at_ns in sample)
            assert (await load.progress())["sample"] == []

    asyncio.run(main())


@pytest.mark.parametrize("count", [0, 1, 500, 501, 1000, 1001, 5000])
def test_what_is_shown_of_many_deliveries_is_every_so_many_th_of_them(count):
    sample = EvenSample(500)
    for number in range(count):
        sample.add(number, 0)
    kept, stride = sample.take()

    assert [number for number, _ in kept] == list(range(0, count, stride))
    assert len(kept) <= 500
    assert stride == 1 or len(kept) > 250
    assert sample.take() == ([], 1)


def test_the_window_counts_what_happened_between_its_two_moments():
    async def main():
        stream = Stream()
        async with stream.loaded(2) as load:
            await stream.say(1)
            await load.roll_call(event_id=1, timeout_s=60)
            start_ns = time.monotonic_ns()
            window = asyncio.create_task(
                load.window(start_ns=start_ns, end_ns=start_ns + 200_000_000, first_id=2)
            )
            await until(lambda: "start" in load.snapshots)
            await stream.say(2, 3)
            await load.roll_call(event_id=3, timeout_s=60)
            await window
            await stream.say(4)
            await load.roll_call(event_id=4, timeout_s=60)
            report = await load.report()
        received_ns = Receipts.from_json(report["receipts"]).received_ns
        counted = int(((received_ns >= start_ns) & (received_ns < start_ns + 200_000_000)).sum())
        assert report["window"]["receipts"] == counted
        assert report["window"]["bytes_received"] >= counted * len("id: 2\ndata: x\n\n")
        assert report["window"]["requests"] == report["window"]["connections"] == 0
        assert report["connections"] == 2
        assert rows(report) == [(client, event) for client in range(2) for event in range(1, 5)]
        assert (report["reconnections"], report["reconnected_because"]) == (0, "")

    asyncio.run(main())


def test_a_run_that_ends_before_its_window_reports_up_to_now():
    async def main():
        stream = Stream()
        async with stream.loaded(2) as load:
            now_ns = time.monotonic_ns()
            window = asyncio.create_task(load.window(start_ns=now_ns, end_ns=now_ns + 10**15, first_id=1))
            await until(lambda: "start" in load.snapshots)
            await stream.say(1)
            await load.roll_call(event_id=1, timeout_s=60)
            report = await load.report()
            assert report["window"]["receipts"] == 2
            window.cancel()
            await asyncio.wait([window])

    asyncio.run(main())


def test_lateness_of_the_loop_counts_from_the_windows_start():
    async def main():
        stream = Stream()
        async with stream.loaded(1) as load:
            load.lags_s.extend([100.0] * 1000)  # the rush of opening
            now_ns = time.monotonic_ns()
            await load.window(start_ns=now_ns, end_ns=now_ns, first_id=1)
            assert max(load.lags_s, default=0.0) < 100

    asyncio.run(main())


def test_clients_that_have_to_come_back_are_counted_from_the_windows_start_with_the_reason(monkeypatch):
    monkeypatch.setattr("realtime_kit.clients.backoff.Backoff.next_s", lambda _: 0.0)

    async def come_back(stream, load):
        stream.hang_up, before = asyncio.Event(), stream.hang_up
        connected = len(stream.responses)
        before.set()
        await until(lambda: len(stream.responses) == connected + len(load.clients))

    async def main():
        stream = Stream()
        async with stream.loaded(2) as load:
            await come_back(stream, load)
            now_ns = time.monotonic_ns()
            await load.window(start_ns=now_ns, end_ns=now_ns, first_id=1)
            await come_back(stream, load)
            await come_back(stream, load)
            report = await load.report()
        assert (report["reconnections"], report["reconnected_because"]) == (4, "the connection ended")

    asyncio.run(main())


@pytest.mark.parametrize("late", ["start", "end"])
def test_a_window_that_the_load_hears_of_too_late_is_reported_as_late(late):
    async def main():
        stream = Stream()
        async with stream.loaded(1) as load:
            now_ns = time.monotonic_ns()
            start_ns = now_ns - 10**12 if late == "start" else now_ns
            await load.window(start_ns=start_ns, end_ns=now_ns - 10**12, first_id=1)
            assert (await load.report())["window_late_s"] >= 1000

    asyncio.run(main())


def test_an_id_that_is_no_whole_number_ends_the_client_with_a_reason_the_parent_hears():
    async def main():
        stream = Stream()
        async with stream.loaded(2) as load:
            await stream.say("abc", to=1)
            await asyncio.wait(
                [task for task in load.tasks if task.get_coro().__name__ == "_receive"],
                return_when=asyncio.FIRST_COMPLETED,
            )
            (error,) = (await load.progress())["errors"]
            assert "sent an event with the id 'abc': to be measured it needs a whole number" in error

    asyncio.run(main())


def test_a_client_that_fails_in_an_unforeseen_way_is_heard_of_too(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("realtime_kit.clients.receipt.ReceiptBook.write", broken)

    async def main():
        stream = Stream()
        async with stream.loaded(1) as load:
            await stream.say(1)
            await asyncio.wait([load.tasks[0]])
            assert "ZeroDivisionError: a bug" in (await load.progress())["errors"][0]

    asyncio.run(main())


def test_there_is_a_client_for_every_transport():
    assert list(CLIENTS) == ["polling", "long-polling", "streaming", "websocket"]
