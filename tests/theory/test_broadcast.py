import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from realtime_kit.errors import UsageError
from realtime_kit.theory import broadcast


@pytest.mark.parametrize("recipients", [1, 2, 10, 99, 50_000])
def test_a_server_that_delivers_one_after_the_other_meets_every_figure(recipients):
    waits = np.cumsum(np.full(recipients, 2e-5))
    law = broadcast.latency(recipients=recipients, per_delivery_s=2e-5)
    assert law.mean == pytest.approx(waits.mean())
    assert (law.min, law.max) == (pytest.approx(waits[0]), pytest.approx(waits[-1]))
    for share, expected in ((0.5, law.p50), (0.9, law.p90), (0.99, law.p99)):
        assert expected == pytest.approx(np.quantile(waits, share, method="inverted_cdf"))


def test_many_recipients_wait_as_if_uniform_between_nothing_and_all_deliveries():
    law = broadcast.latency(recipients=100_000, per_delivery_s=1e-5)
    assert (law.mean, law.p50, law.p90, law.p99, law.max) == pytest.approx(
        (0.5, 0.5, 0.9, 0.99, 1.0), rel=1e-4
    )


def test_completion_is_a_straight_line_from_nobody_to_everybody():
    line = [broadcast.completion_s(share=k / 10, recipients=10, per_delivery_s=0.5) for k in range(11)]
    assert line == [k * 0.5 for k in range(11)]


def test_reaching_100000_in_a_second_leaves_10_microseconds_each():
    assert broadcast.per_delivery_budget_s(recipients=100_000) == pytest.approx(10e-6)


@pytest.mark.parametrize(
    ("rate_per_s", "batch"), [(2500, 63), (1, 1), (40, 1), (41, 2), (1000, 25), (1_000_000, 25_000)]
)
def test_the_limiter_rounds_its_batch_up(rate_per_s, batch):
    assert broadcast.limiter_batch(rate_per_s) == batch


def simulate_limiter(recipients: int, rate_per_s: int, message_hwm: int = 0) -> list[float]:
    """When each delivery leaves, by the rules of Pushpin's limiter in whole milliseconds."""
    if rate_per_s >= 40:
        every_ms, batch = 25, (rate_per_s * 25 + 999) // 1000
    else:
        every_ms, batch = 1000 // rate_per_s, 1
    waiting, now_ms, left_s = recipients, 0, []
    if message_hwm > 0:
        waiting = sum(1 for k in range(recipients) if k + 1 <= message_hwm)
    while waiting:
        released = min(waiting, batch)
        left_s += [now_ms / 1000] * released
        waiting -= released
        now_ms += every_ms
    return left_s


@pytest.mark.parametrize("rate_per_s", [1, 3, 7, 39, 40, 41, 2500, 10_000])
@pytest.mark.parametrize("recipients", [1, 62, 63, 64, 126, 1000])
def test_completion_under_the_limiter_is_the_staircase_of_its_batches(recipients, rate_per_s):
    left_s = simulate_limiter(recipients, rate_per_s)
    for k in {1, recipients // 2 or 1, recipients}:
        done_s = broadcast.limiter_completion_s(
            recipients=recipients, rate_per_s=rate_per_s, share=k / recipients
        )
        assert done_s == pytest.approx(left_s[k - 1])


def test_a_thousand_recipients_at_the_packaged_rate_take_just_under_the_measured_0_39_seconds():
    assert broadcast.limiter_completion_s(recipients=1000, rate_per_s=2500) == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("message_hwm", "delivered"), [(300, 300), (1000, 1000), (25_000, 1000), (0, 1000), (-1, 1000)]
)
def test_the_limiter_drops_what_exceeds_its_queue(message_hwm, delivered):
    assert broadcast.delivered_under_limit(1000, message_hwm) == delivered
    assert len(simulate_limiter(1000, 2500, message_hwm)) == delivered


def test_a_simulated_herd_holds_again_after_the_predicted_time():
    answered_s = np.cumsum(np.random.default_rng(8).exponential(1 / 400, 30_000))
    predicted = broadcast.herd_recovery_s(recipients=30_000, origin_capacity_per_s=400)
    assert answered_s[-1] == pytest.approx(predicted, rel=5 / math.sqrt(30_000))


@pytest.mark.parametrize(("share_of_limit", "settles"), [(0.95, True), (1.05, False)])
def test_the_origin_catches_up_between_events_only_below_the_maximal_event_rate(share_of_limit, settles):
    recipients, capacity = 200, 1000.0
    limit = broadcast.max_event_rate_per_s(recipients=recipients, origin_capacity_per_s=capacity)
    between_events_s, backlog = 1 / (share_of_limit * limit), 0.0
    for _ in range(500):
        backlog = max(0.0, backlog + recipients - capacity * between_events_s)
    assert (backlog == 0) is settles


@pytest.mark.parametrize(("share_of_jitter", "within_capacity"), [(1.0, True), (0.5, False)])
def test_reconnects_stay_within_capacity_when_spread_over_the_predicted_jitter(
    share_of_jitter, within_capacity
):
    connections, capacity = 200_000, 1000.0
    jitter_s = share_of_jitter * broadcast.reconnect_jitter_s(
        connections=connections, origin_capacity_per_s=capacity
    )
    arrivals_s = np.random.default_rng(9).uniform(0, jitter_s, connections)
    per_second, _ = np.histogram(arrivals_s, bins=round(jitter_s))
    # Random arrivals scatter around their rate by its square root; five of those are no excess.
    assert bool(per_second.max() <= capacity + 5 * math.sqrt(capacity)) is within_capacity


@given(recipients=st.integers(1, 10**6), per_delivery_s=st.floats(1e-9, 1))
def test_figures_are_ordered_and_end_when_the_last_is_reached(recipients, per_delivery_s):
    law = broadcast.latency(recipients=recipients, per_delivery_s=per_delivery_s)
    assert law.min <= law.p50 <= law.p90 <= law.p99 <= law.max
    assert law.max == broadcast.completion_s(share=1, recipients=recipients, per_delivery_s=per_delivery_s)


@pytest.mark.parametrize(
    "call",
    [
        lambda: broadcast.latency(recipients=0, per_delivery_s=1),
        lambda: broadcast.latency(recipients=1, per_delivery_s=0),
        lambda: broadcast.completion_s(share=1.1, recipients=1, per_delivery_s=1),
        lambda: broadcast.per_delivery_budget_s(recipients=1, within_s=0),
        lambda: broadcast.limiter_batch(0),
        lambda: broadcast.limiter_interval_s(2.5),
        lambda: broadcast.limiter_completion_s(recipients=1, rate_per_s=0),
        lambda: broadcast.delivered_under_limit(0, 10),
        lambda: broadcast.herd_recovery_s(recipients=1, origin_capacity_per_s=0),
        lambda: broadcast.max_event_rate_per_s(recipients=0, origin_capacity_per_s=1),
        lambda: broadcast.reconnect_jitter_s(connections=0, origin_capacity_per_s=1),
    ],
)
def test_broadcasts_that_cannot_be_are_refused(call):
    with pytest.raises(UsageError, match="but has to be"):
        call()
