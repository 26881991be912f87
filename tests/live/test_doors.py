"""What a publish costs, measured at a real Pushpin: compared within one run, never with a number of another day."""

from __future__ import annotations

import pytest

from realtime_kit import lab
from realtime_kit.errors import UsageError

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


def test_one_request_an_item_costs_the_handler_several_times_what_gathered_items_and_zeromq_do() -> None:
    costs = lab.publish_costs(items=10_000)

    waiting = costs["HTTP, one at a time"]
    assert (waiting.items, costs["HTTP, gathered"].items, costs["ZeroMQ"].items) == (500, 10_000, 10_000)
    for way in ("HTTP, gathered", "ZeroMQ"):
        assert waiting.handler_s_each > 2 * costs[way].handler_s_each
        assert waiting.per_second < costs[way].per_second
    assert "ZeroMQ" in str(costs)
    assert '<th scope="row">ZeroMQ</th>' in costs._repr_html_()


@pytest.mark.parametrize("items", [0, 19, 100_001, 2.5])
def test_a_number_that_tells_nothing_or_takes_too_long_is_refused(items: int) -> None:
    with pytest.raises(UsageError, match="from 20 to 100,000"):
        lab.publish_costs(items)


def test_a_way_that_is_none_is_named() -> None:
    with pytest.raises(UsageError, match="there is no way 'pigeon': there are HTTP"):
        lab.publish_costs(items=20)["pigeon"]
