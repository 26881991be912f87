"""Load: the counters of both ends put together."""

import pytest

from realtime_kit.measurements.load import load
from realtime_kit.quantities import Load

WINDOW = {"requests": 40, "empty_responses": 30, "bytes_received": 9000, "bytes_sent": 4000, "receipts": 10}


def test_counters_become_rates_and_shares():
    assert load(WINDOW, origin_requests=50, connections=7, window_s=20.0) == Load(
        origin_requests_per_s=2.5,
        empty_fraction=0.75,
        bytes_per_delivery=900.0,
        origin_requests=50,
        proxy_requests=40,
        empty_responses=30,
        bytes_to_clients=9000,
        bytes_from_clients=4000,
        connections_opened=7,
    )


def test_a_stream_that_asks_nothing_has_no_empty_answers():
    assert (
        load(
            WINDOW | {"requests": 0, "empty_responses": 0}, origin_requests=0, connections=1, window_s=1
        ).empty_fraction
        == 0
    )


def test_an_answer_to_a_request_from_before_the_window_does_not_make_more_than_all_empty():
    assert (
        load(
            WINDOW | {"requests": 2, "empty_responses": 3}, origin_requests=0, connections=1, window_s=1
        ).empty_fraction
        == 1
    )


def test_without_a_delivery_there_are_no_bytes_for_each():
    result = load(WINDOW | {"receipts": 0}, origin_requests=0, connections=1, window_s=1)
    assert result.bytes_per_delivery is None
    assert "bytes_per_delivery" not in result.to_json()


@pytest.mark.parametrize("window_s", [0.5, 1.0, 8.0])
def test_the_origins_rate_is_over_the_whole_window(window_s):
    assert (
        load(WINDOW, origin_requests=8, connections=1, window_s=window_s).origin_requests_per_s
        == 8 / window_s
    )
