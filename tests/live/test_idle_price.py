"""What reliable streams cost while nothing happens, against theory."""

from __future__ import annotations

from statistics import median

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.lab.idle_price import idle_price

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


def test_silent_streams_with_links_of_their_own_cost_clients_through_timeout() -> None:
    prices = [idle_price(clients=12, timeout_s=2) for _ in range(3)]
    assert {price.links for price in prices} == {12}
    # Pushpin asks no earlier; on a busy machine it asks later.
    shares = [price.questions_per_s / price.predicted_per_s for price in prices]
    assert 1 / 1.5 < median(shares) < 1.1, prices


def test_streams_that_share_a_link_cost_no_more_than_that() -> None:
    price = idle_price(clients=12, timeout_s=2, own_links=False)
    assert price.links == 1
    assert price.questions_per_s < price.predicted_per_s, price


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"clients": 0}, "clients is 0"),
        ({"timeout_s": 0}, "timeout_s is 0"),
        ({"rounds": 0}, "rounds is 0"),
        ({"clients": 17, "timeout_s": 2}, "allowed are 16"),
    ],
)
def test_what_cannot_be_counted_is_refused(settings: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        idle_price(**settings)  # type: ignore[arg-type]
