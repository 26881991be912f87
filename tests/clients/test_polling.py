"""The polling client: its rhythm, on a clock of the test's own, and what it makes of answers."""

import asyncio
import contextlib
import random
import selectors

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings, strategies as st

from realtime_kit.clients import PollingClient, polling
from realtime_kit.errors import ClientError, UsageError
from realtime_kit.origin import EventLog, polling_app


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer instead of waiting for it."""

    def __init__(self):
        self.now_s = 0.0

        selector = selectors.DefaultSelector()
        look = selector.select
        selector.select = lambda timeout=None: self._skip(timeout) or look(0)
        super().__init__(selector)

    def _skip(self, timeout_s):
        self.now_s += timeout_s or 0.0

    def time(self):
        return self.now_s


class Scripted(PollingClient):
    """Asks nobody: the k-th answer takes `durations[k]` seconds, and there is an error where one is given."""

    def __init__(self, durations, **options):
        super().__init__("http://there/", **options)
        self.durations = iter(durations)
        self.asked_s = []

    async def _ask(self):
        loop = asyncio.get_running_loop()
        self.asked_s.append(loop.time())
        duration = next(self.durations, None)
        if duration is None:
            raise ClientError("enough")
        await asyncio.sleep(duration)
        return iter(())


def asked_at(durations, **options):
    """When each request was sent, seconds."""

    async def main():
        async with Scripted(durations, **options) as client:
            with contextlib.suppress(ClientError):
                async for _ in client:
                    pass
        return client.asked_s

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(main())


def test_requests_go_out_at_once_then_after_the_phase_then_every_interval_from_start_to_start():
    assert asked_at([0.1, 0.3, 0.9, 0.0], interval_s=1, phase_s=0.25) == pytest.approx(
        [0, 0.25, 1.25, 2.25, 3.25]
    )


def test_an_answer_slower_than_the_interval_costs_whole_turns_and_never_the_rhythm():
    times = asked_at([0.1, 0.1, 2.4, 0.1, 1.0, 0.1], interval_s=1, phase_s=0.25)
    assert times == pytest.approx([0, 0.25, 1.25, 4.25, 5.25, 6.25, 7.25])


def test_a_first_answer_slower_than_the_phase_is_followed_at_once():
    assert asked_at([0.5, 0.1, 0.1], interval_s=1, phase_s=0.25) == pytest.approx([0, 0.5, 1.25, 2.25])


@settings(max_examples=30, deadline=None)
@given(
    durations=st.lists(st.floats(0, 3.5), min_size=1, max_size=30),
    interval=st.floats(0.5, 2),
    phase=st.floats(0, 1),
)
def test_after_the_first_request_all_others_stay_on_one_grid(durations, interval, phase):
    times = asked_at(durations, interval_s=interval, phase_s=phase * interval)
    for time in times[2:]:
        turns = (time - phase * interval) / interval
        assert abs(turns - round(turns)) < 1e-6


def test_random_phases_are_seeded_and_spread_over_the_whole_interval():
    def phases(seed):
        rng = random.Random(seed)
        return [PollingClient("http://there/", interval_s=5, rng=rng)._phase_s for _ in range(1000)]

    assert phases(1) == phases(1) != phases(2)
    assert all(0 <= phase <= 5 for phase in phases(1))
    # Mean of 1,000 uniform ones: 2.5 with a standard error of 5/√12,000.
    assert abs(sum(phases(1)) / 1000 - 2.5) < 5 * 5 / 12_000**0.5


@pytest.mark.parametrize("interval", [0, -1, float("inf"), float("nan")])
def test_an_interval_that_is_none_is_refused(interval):
    with pytest.raises(UsageError, match=r"interval_s is .*: it has to be a number of seconds above 0"):
        PollingClient("http://there/", interval_s=interval)


@pytest.mark.parametrize("phase", [-0.1, 5.1, float("nan")])
def test_a_phase_outside_the_interval_is_refused(phase):
    with pytest.raises(UsageError, match="it has to be from 0 to interval_s, which is 5"):
        PollingClient("http://there/", interval_s=5, phase_s=phase)


@contextlib.asynccontextmanager
async def origin(log, *middlewares):
    app = web.Application(middlewares=middlewares)
    app.add_subapp("/lesson", polling_app(log))
    async with TestServer(app) as server:
        yield server.make_url("/lesson/events")


def test_against_the_lessons_origin_every_event_comes_once_and_in_order():
    async def main():
        log = EventLog()
        async with origin(log) as url, PollingClient(url, interval_s=0.002) as client:
            got = []
            log.append("before: not for a client that begins now")

            async def read():
                async for receipt in client:
                    got.append((int(receipt.event.id), receipt.event.data))
                    if len(got) == 100:
                        return

            reading = asyncio.create_task(read())
            await client.connected.wait()
            for number in range(100):
                log.append(f"event {number}")
                if number % 7 == 0:
                    await asyncio.sleep(0.002)
            await reading
            assert got == [(number + 2, f"event {number}") for number in range(100)]

    asyncio.run(main())


def test_when_nothing_happens_answers_are_304_without_a_body_and_counted_as_empty():
    async def main():
        statuses, enough = [], asyncio.Event()

        @web.middleware
        async def note(request, handler):
            answer = await handler(request)
            statuses.append((answer.status, answer.body))
            if len(statuses) == 6:
                enough.set()
            return answer

        log = EventLog()
        async with origin(log, note) as url, PollingClient(url, interval_s=0.001) as client:
            reading = asyncio.create_task(anext(aiter(client)))
            await enough.wait()
            log.append("at last")
            assert (await reading).event.data == "at last"
        assert [status for status, _ in statuses[:6]] == [200] + [304] * 5
        assert {body for _, body in statuses[1:6]} == {None}
        assert client.empty_responses == client.requests - 1

    asyncio.run(main())


def test_leaving_in_the_middle_of_a_page_loses_none_of_the_rest():
    async def main():
        log = EventLog()
        for number in range(1, 6):
            log.append(str(number))
        async with origin(log) as url, PollingClient(url, interval_s=0.001, last_event_id="0") as client:
            for expected in (["1", "2"], ["3", "4", "5"]):
                got = []
                async for receipt in client:
                    got.append(receipt.event.data)
                    if len(got) == len(expected):
                        break
                assert got == expected

    asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "which is no JSON"),
        (b"\xff", "which is no JSON"),
        (b"[]", "did not answer"),
        (b"5", "did not answer"),
        (b'{"events": [{"id": 1}], "cursor": 1}', "did not answer"),
        (b'{"events": []}', "did not answer"),
    ],
)
def test_an_answer_of_another_shape_is_an_error_that_shows_it(body, reason, server):
    async def main():
        async with (
            server.serving(server.saying(server.http("200 OK", body))) as seen,
            PollingClient(seen.url, interval_s=1) as client,
        ):
            with pytest.raises(ClientError, match=reason):
                await anext(aiter(client))

    asyncio.run(main())


def test_a_page_is_read_as_events_and_a_cursor():
    events, cursor = polling.read_page({"events": [{"id": 1, "data": "a"}], "cursor": 1}, "url")
    assert [(event.type, event.id, event.data) for event in events] == [("message", "1", "a")]
    assert cursor == "1"
