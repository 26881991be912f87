"""Publishes that go wrong in a chosen way."""

import asyncio

from pubcontrol import Item

from realtime_kit.taps.publish_faults import FaultyPublisher, PublishFault


class Sent:
    def __init__(self, count=0):
        self.ids = []
        self.items = []
        self.all = asyncio.Event()
        self._count = count

    def send(self, _channel, item):
        self.ids.append(item.id)
        self.items.append(item)
        if len(self.ids) >= self._count:
            self.all.set()


def sent(fault, count=5, **options):
    """Ids that are sent if event 3 is harmed so."""

    async def main():
        there = Sent(count - (fault is PublishFault.DROP))
        faulty = FaultyPublisher(there, **options)
        faulty.fault = lambda number: fault if number == 3 else None
        for number in range(1, count + 1):
            faulty.send("events", Item([], id=str(number)))
        faulty.let_go()
        await asyncio.wait_for(there.all.wait(), 10)
        faulty.close()
        return there.ids

    return asyncio.run(main())


def test_without_a_fault_everything_passes():
    assert sent(None) == ["1", "2", "3", "4", "5"]


def test_a_dropped_event_is_never_sent():
    assert sent(PublishFault.DROP) == ["1", "2", "4", "5"]


def test_a_delayed_event_comes_after_those_that_followed_it():
    assert sent(PublishFault.DELAY, delay_s=0.01) == ["1", "2", "4", "5", "3"]


def test_a_reordered_event_changes_places_with_the_next():
    assert sent(PublishFault.REORDER) == ["1", "2", "4", "3", "5"]


def test_a_reordered_last_event_is_let_go_at_the_end():
    assert sent(PublishFault.REORDER, count=3) == ["1", "2", "3"]


def test_a_duplicated_event_is_sent_twice():
    assert sent(PublishFault.DUPLICATE) == ["1", "2", "3", "3", "4", "5"]


def test_a_wrong_prev_id_names_what_is_no_event_and_changes_nothing_else():
    there = Sent()
    faulty = FaultyPublisher(there)
    faulty.fault = lambda _: PublishFault.WRONG_PREV_ID
    item = Item([], id="7", prev_id="6", meta={"user": "alice"})
    faulty.send("events", item)
    (sent_item,) = there.items
    assert (sent_item.id, sent_item.meta) == (item.id, item.meta)
    assert sent_item.prev_id
    assert not sent_item.prev_id.isdigit()  # an earlier event's would fit whoever has missed the one between


def test_what_is_no_event_passes():
    there = Sent()
    faulty = FaultyPublisher(there)
    faulty.fault = lambda _: PublishFault.DROP
    faulty.send("events:late", Item([]))
    assert there.ids == [None]
    assert not faulty.harmed
