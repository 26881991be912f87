"""The queue behind both publishers: order, batches, and what becomes of every item that fails."""

import asyncio
import json

import pytest
from pubcontrol import Item

from realtime_kit.errors import PublishError, UsageError
from realtime_kit.publisher import queue, text_item
from realtime_kit.publisher.queue import NobodyAnswers, QueueingPublisher


class Recorder(QueueingPublisher):
    """Sends nowhere; `answer(batch)` decides, and `gate` holds a request until it is opened."""

    def __init__(self, answer=lambda batch: None, gate=None, **options):
        super().__init__(**options)
        self.answer = answer
        self.gate = gate
        self.sent = []
        self.tries = 0
        self.under_way = asyncio.Event()
        self.open = False

    async def _open(self):
        self.open = True

    async def _send_batch(self, encoded):
        self.tries += 1
        self.under_way.set()
        if self.gate is not None:
            await self.gate.wait()
        batch = [json.loads(item)["formats"]["http-stream"]["content"] for item in encoded]
        batch = [text.removeprefix("data: ").strip() for text in batch]
        self.answer(batch)
        self.sent.append(batch)

    async def _close(self):
        self.open = False


def refusing(*bad):
    def answer(batch):
        if set(bad) & set(batch):
            raise PublishError(f"no {'+'.join(bad)}", refused=True)

    return answer


def failing(error):
    def answer(batch):
        raise error

    return answer


def flat(batches):
    return [text for batch in batches for text in batch]


def send(publisher, *texts):
    for text in texts:
        publisher.send("news", text_item(text))


def numbers(*bounds):
    return [str(number) for number in range(*bounds)]


def test_items_leave_in_the_order_they_were_given():
    async def main():
        async with Recorder() as publisher:
            for number in range(1000):
                send(publisher, str(number))
                if number % 37 == 0:
                    await asyncio.sleep(0)
        assert flat(publisher.sent) == numbers(1000)
        assert publisher.items == 1000

    asyncio.run(main())


def test_what_gathers_while_a_request_is_under_way_leaves_together():
    async def main():
        gate = asyncio.Event()
        async with Recorder(gate=gate) as publisher:
            send(publisher, "first")
            await publisher.under_way.wait()
            send(publisher, *numbers(50))
            gate.set()
        assert publisher.sent == [["first"], numbers(50)]
        assert publisher.batches == 2

    asyncio.run(main())


def test_a_batch_has_at_most_a_hundred_items():
    async def main():
        async with Recorder() as publisher:
            send(publisher, *numbers(250))
        assert [len(batch) for batch in publisher.sent] == [100, 100, 50]

    asyncio.run(main())


def test_a_batch_stays_below_what_pushpin_reads_and_a_larger_item_goes_alone(monkeypatch):
    monkeypatch.setattr(queue, "MAX_BATCH_BYTES", 1000)

    async def main():
        async with Recorder() as publisher:
            send(publisher, "a", "b", "x" * 2000, "c")
        assert [[text[0] for text in batch] for batch in publisher.sent] == [["a", "b"], ["x"], ["c"]]

    asyncio.run(main())


def test_publish_returns_when_its_item_has_been_accepted():
    async def main():
        gate = asyncio.Event()
        async with Recorder(gate=gate) as publisher:
            waiting = asyncio.create_task(publisher.publish("news", text_item("a")))
            await publisher.under_way.wait()
            assert not waiting.done()
            gate.set()
            await waiting
            assert publisher.items == 1

    asyncio.run(main())


@pytest.mark.parametrize("bad", [["7"], ["0"], ["99"], ["3", "4", "90"]])
def test_a_bad_item_takes_no_good_one_of_its_batch_along(bad):
    async def main():
        publisher = Recorder(refusing(*bad))
        with pytest.raises(PublishError, match=f"^{len(bad)} items? w[a-z]+ not published: no"):
            async with publisher:
                send(publisher, *numbers(100))
        assert flat(publisher.sent) == [text for text in numbers(100) if text not in bad]
        # Found by halving: far fewer requests than items.
        assert publisher.tries <= 1 + 2 * 7 * len(bad)

    asyncio.run(main())


def test_of_a_batch_only_the_publish_whose_item_is_bad_raises():
    async def main():
        async with Recorder(refusing("bad")) as publisher:
            results = await asyncio.gather(
                *(publisher.publish("news", text_item(text)) for text in ("good", "bad", "fine")),
                return_exceptions=True,
            )
        assert results[0] is results[2] is None
        assert isinstance(results[1], PublishError)
        assert results[1].refused

    asyncio.run(main())


def test_an_unreachable_port_fails_a_batch_without_being_asked_for_every_item():
    async def main():
        publisher = Recorder(failing(PublishError("gone")))
        with pytest.raises(PublishError, match=r"^100 items were not published: gone"):
            async with publisher:
                send(publisher, *numbers(100))
        assert publisher.tries == 1

    asyncio.run(main())


def test_what_queued_up_behind_a_silent_port_does_not_wait_in_vain_again():
    async def main():
        publisher = Recorder(failing(NobodyAnswers("silence")))
        with pytest.raises(PublishError, match=r"^1000 items were not published: silence"):
            async with publisher:
                send(publisher, *numbers(1000))
        assert publisher.tries == 1

    asyncio.run(main())


def test_after_a_failure_the_next_items_are_tried_again():
    async def main():
        publisher = Recorder(failing(PublishError("gone")))
        async with publisher:
            with pytest.raises(PublishError, match="gone"):
                await publisher.publish("news", text_item("a"))
            publisher.answer = lambda batch: None
            await publisher.publish("news", text_item("b"))
        assert publisher.sent == [["b"]]

    asyncio.run(main())


def test_failures_stay_small_and_complete_however_long_the_outage():
    async def main():
        def answer(batch):
            raise PublishError(f"reason {batch[0]}")

        publisher = Recorder(answer)
        await publisher.__aenter__()
        send(publisher, *numbers(10_000))
        await publisher.flush()
        assert len(publisher.failures) == 21
        assert publisher.failures["reason 0"] == 100
        assert publisher.failures["other reasons"] == 8_000
        with pytest.raises(PublishError, match=r"^10000 items were not published: reason 0"):
            await publisher.aclose()
        await publisher.aclose()  # said once

    asyncio.run(main())


def test_an_error_of_the_block_is_not_hidden_by_what_could_not_be_published():
    async def main():
        async def block():
            async with Recorder(failing(PublishError("gone"))) as publisher:
                send(publisher, "a")
                raise LookupError("mine")

        with pytest.raises(LookupError, match="mine") as raised:
            await block()
        assert raised.value.__notes__ == ["Besides: 1 item was not published: gone"]

    asyncio.run(main())


def test_a_bug_while_sending_fails_the_items_instead_of_leaving_their_publishers_waiting():
    async def main():
        async with Recorder(failing(ZeroDivisionError("a bug"))) as publisher:
            with pytest.raises(PublishError, match="ZeroDivisionError: a bug"):
                await publisher.publish("news", text_item("a"))

    asyncio.run(main())


def test_a_cancelled_publish_is_withdrawn_if_it_has_not_left():
    async def main():
        gate = asyncio.Event()
        async with Recorder(gate=gate) as publisher:
            send(publisher, "first")
            await publisher.under_way.wait()
            waiting = asyncio.create_task(publisher.publish("news", text_item("second thoughts")))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            send(publisher, "third")
            gate.set()
        assert flat(publisher.sent) == ["first", "third"]

    asyncio.run(main())


@pytest.mark.parametrize("error", [None, PublishError("gone")])
def test_a_publish_cancelled_on_its_way_disturbs_nobody_else(error):
    async def main():
        gate = asyncio.Event()
        async with Recorder(failing(error) if error else lambda batch: None, gate) as publisher:
            waiting = asyncio.create_task(publisher.publish("news", text_item("a")))
            await publisher.under_way.wait()
            waiting.cancel()
            await asyncio.wait([waiting])
            gate.set()
            await publisher.flush()
            publisher.answer = lambda batch: None
            await publisher.publish("news", text_item("b"))
        assert publisher.sent[-1] == ["b"]

    asyncio.run(main())


def test_closing_waits_for_what_is_queued_and_for_what_is_queued_meanwhile():
    async def main():
        gate = asyncio.Event()
        publisher = Recorder(gate=gate)
        await publisher.__aenter__()
        send(publisher, *numbers(300))
        closing = asyncio.create_task(publisher.aclose())
        await publisher.under_way.wait()
        gate.set()
        await closing
        assert flat(publisher.sent) == numbers(300)
        assert not publisher.open

    asyncio.run(main())


def test_cancelling_the_close_gives_up_on_the_rest_and_says_so_to_whoever_waits():
    async def main():
        publisher = Recorder(gate=asyncio.Event())  # never opened
        await publisher.__aenter__()
        waiting = [asyncio.create_task(publisher.publish("news", text_item(text))) for text in numbers(150)]
        await publisher.under_way.wait()
        closing = asyncio.create_task(publisher.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        assert closing.cancelled()
        assert not publisher.open
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(result, PublishError)
            assert "closed before the item had been sent" in str(result)

    asyncio.run(main())


def test_a_closed_publisher_refuses_items_instead_of_keeping_them():
    async def main():
        async with Recorder() as publisher:
            pass
        with pytest.raises(UsageError, match="this publisher is closed"):
            send(publisher, "late")
        async with publisher:  # entered again it works again
            send(publisher, "again")
        assert flat(publisher.sent) == ["again"]

    asyncio.run(main())


def test_an_item_that_cannot_be_written_is_the_callers_error_at_once():
    async def main():
        async with Recorder() as publisher:
            with pytest.raises(TypeError):
                publisher.send("news", Item([], meta={"what": object()}))
            send(publisher, "fine")
        assert flat(publisher.sent) == ["fine"]

    asyncio.run(main())


def test_cancelling_the_close_tells_of_what_nobody_awaited():
    async def main():
        publisher = Recorder(gate=asyncio.Event())  # never opened
        await publisher.__aenter__()
        send(publisher, *numbers(150))
        await publisher.under_way.wait()
        with pytest.raises(TimeoutError) as raised:
            async with asyncio.timeout(0):
                await publisher.aclose()
        assert raised.value.__cause__.__notes__ == [
            "Besides: 150 items were not published: the publisher was closed before the item had been sent"
        ]
        assert not publisher.open
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await publisher.aclose()  # said once

    asyncio.run(main())


def test_a_close_that_is_cancelled_twice_still_closes_the_connection_and_leaves_nobody_waiting():
    class Slow(Recorder):
        async def _send_batch(self, encoded):
            try:
                await super()._send_batch(encoded)
            finally:
                self.ending.set()
                await self.gate.wait()  # takes its time even when it is told to end

        ending = asyncio.Event()

    async def main():
        gate = asyncio.Event()
        publisher = Slow(gate=gate)
        await publisher.__aenter__()
        waiting = asyncio.create_task(publisher.publish("news", text_item("a")))
        await publisher.under_way.wait()
        closing = asyncio.create_task(publisher.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await publisher.ending.wait()
        closing.cancel()
        await asyncio.wait([closing])
        assert closing.cancelled()
        assert not publisher.open
        gate.set()
        with pytest.raises(PublishError, match="closed before the item had been sent"):
            await waiting

    asyncio.run(main())


def test_a_sender_that_is_cancelled_before_its_first_step_keeps_nobody_waiting():
    async def main():
        publisher = Recorder()
        await publisher.__aenter__()
        before = asyncio.all_tasks()
        send(publisher, "a")
        for sender in asyncio.all_tasks() - before:
            sender.cancel()  # as the end of asyncio.run does
        with pytest.raises(PublishError, match="1 item was not published: the publisher was closed before"):
            await publisher.aclose()
        assert publisher.sent == []

    asyncio.run(main())


def test_who_asks_to_be_told_hears_of_each_item_at_once_and_nothing_is_raised_at_the_end():
    async def main():
        told = []
        publisher = Recorder(
            refusing("bad", "worse"), on_failure=lambda item, error: told.append((item.id, str(error)))
        )
        async with publisher:
            for text in ("good", "bad", "fine", "worse"):
                item = text_item(text)
                item.id = f"the {text} one"
                publisher.send("news", item)
            await publisher.flush()
            assert told == [("the bad one", "no bad+worse"), ("the worse one", "no bad+worse")]
        assert publisher.failures == {}
        assert flat(publisher.sent) == ["good", "fine"]

    asyncio.run(main())


def test_a_failure_in_telling_is_the_loops_to_report_and_stops_nobody():
    def tell(item, error):
        raise ZeroDivisionError("in telling")

    async def main():
        reported = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: reported.append(context["exception"])
        )
        publisher = Recorder(failing(PublishError("gone")), on_failure=tell)
        async with publisher:
            send(publisher, "a", "b")
            with pytest.raises(PublishError, match="gone"):
                await publisher.publish("news", text_item("c"))
        assert [str(error) for error in reported] == ["in telling"] * 2

    asyncio.run(main())
