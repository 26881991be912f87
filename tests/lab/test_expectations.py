"""Theory for a race: which formula gets which measured input."""

from __future__ import annotations

import pytest

from realtime_kit import RaceSettings
from realtime_kit.lab.expectations import MeasuredInputs, expect
from realtime_kit.publisher import encode_event, websocket_message

SETTINGS = RaceSettings(clients=10, rate=2, interval_s=4)
INPUTS = MeasuredInputs(
    push_s=0.002,
    round_trip_s=0.004,
    upstream_s=0.003,
    turnaround_s=0.001,
    rate_per_s=2.0,
    messages=[(9, "nine"), (10, "ten")],
)


def test_polling_waits_between_nothing_and_the_interval_and_the_way_back() -> None:
    latency = expect("polling", SETTINGS, INPUTS).latency
    assert (latency.min, latency.max) == (pytest.approx(0.002), pytest.approx(4.002))


def test_polling_asks_clients_over_interval_times_a_second() -> None:
    assert expect("polling", SETTINGS, INPUTS).load.origin_requests_per_s == pytest.approx(2.5)


def test_what_is_a_law_of_poisson_arrivals_is_left_out_for_periodic_ones() -> None:
    periodic = RaceSettings(clients=10, rate=2, interval_s=4, arrivals="periodic")
    assert expect("polling", periodic, INPUTS).load.empty_fraction is None
    assert expect("polling", periodic, INPUTS).load.origin_requests_per_s == pytest.approx(2.5)
    assert expect("long-polling", periodic, INPUTS).load.origin_requests_per_s is None


def test_long_polling_is_late_at_most_by_its_window() -> None:
    latency = expect("long-polling", SETTINGS, INPUTS).latency
    assert latency.min == pytest.approx(INPUTS.push_s)
    assert latency.max == pytest.approx(INPUTS.push_s + 0.006)


@pytest.mark.parametrize("transport", ["streaming", "websocket"])
def test_what_is_pushed_takes_as_long_as_to_the_bare_socket(transport: str) -> None:
    latency = expect(transport, SETTINGS, INPUTS).latency
    assert latency.p50 == latency.max == INPUTS.push_s


def test_a_streamed_event_costs_its_block_in_a_chunk() -> None:
    blocks = [encode_event(text, id=str(number)) for number, text in INPUTS.messages]
    chunks = [b"%x\r\n%s\r\n" % (len(block), block) for block in blocks]
    expected = sum(map(len, chunks)) / len(chunks)
    assert expect("streaming", SETTINGS, INPUTS).load.bytes_per_delivery == pytest.approx(expected)


def test_a_websocket_event_costs_its_message_and_two_bytes() -> None:
    sizes = [2 + len(websocket_message(number, text)) for number, text in INPUTS.messages]
    assert expect("websocket", SETTINGS, INPUTS).load.bytes_per_delivery == pytest.approx(sum(sizes) / 2)


def test_an_expectation_names_the_inputs_it_rests_on() -> None:
    assert INPUTS.used_by("polling") == {"round_trip_s": 0.004}
    assert set(INPUTS.used_by("long-polling")) == {"push_s", "upstream_s", "turnaround_s"}
    assert INPUTS.used_by("websocket") == {"push_s": 0.002}
