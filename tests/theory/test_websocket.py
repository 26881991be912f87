import random

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.theory import streaming, websocket


def test_server_to_client_latency_is_that_of_streaming():
    arguments = {"downstream_s": 0.02, "service_s": 0.005}
    assert websocket.latency(**arguments) == streaming.latency(**arguments)


def test_each_inbound_message_costs_the_origin_one_request():
    assert websocket.load(inbound_per_s=12.5).origin_requests_per_s == 12.5


def test_a_connection_that_only_listens_costs_the_origin_nothing():
    assert websocket.load().to_json() == {"origin_requests_per_s": 0.0}


def test_a_delivery_weighs_two_bytes_more_than_a_short_payload():
    assert websocket.load(payload_bytes=5).bytes_per_delivery == len(b"\x81\x05hello")


@pytest.mark.parametrize("arguments", [{"inbound_per_s": -1}, {"payload_bytes": -1}, {"payload_bytes": 1.5}])
def test_a_load_that_cannot_be_is_refused(arguments):
    with pytest.raises(UsageError, match=next(iter(arguments))):
        websocket.load(**arguments)


def tries_s(chance):
    """When Pushpin tries again, drawn as it does: a wait that doubles, and up to a second on top."""
    at_s, tries = 0.0, []
    for number in range(5):
        at_s += 2**number + chance.uniform(0, 1)
        tries.append(at_s)
    return tries


@pytest.mark.parametrize("away_s", [0.5, 1.5, 2.2, 4.0, 6.0, 12.0, 30.0])
def test_a_message_is_heard_within_the_moments_that_are_possible(away_s):
    chance = random.Random(7)
    heard = [next(at_s for at_s in tries_s(chance) if at_s >= away_s) for _ in range(20_000)]
    earliest_s, latest_s = websocket.heard_after_s(away_s=away_s)

    assert earliest_s <= min(heard)
    assert max(heard) <= latest_s
    # Nor is the span too wide: it is filled, but for what several waits of chance in one direction would take.
    assert max(heard) - min(heard) > 0.5 * (latest_s - earliest_s)


def test_an_origin_that_is_there_hears_at_once():
    assert websocket.heard_after_s(away_s=0) == (0, 0)


@pytest.mark.parametrize("away_s", [-1, 31.5, float("nan")])
def test_who_is_away_for_longer_than_pushpin_tries_is_refused(away_s):
    with pytest.raises(UsageError, match="away_s"):
        websocket.heard_after_s(away_s=away_s)
