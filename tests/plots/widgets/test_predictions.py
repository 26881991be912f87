import math

import pytest

from realtime_kit.lab.expectations import MeasuredInputs, expect
from realtime_kit.lab.settings import RaceSettings
from realtime_kit.plots.widgets.predictions import Api, Surroundings, advice, predict

API = Api(clients=20, rate_per_s=2.0, interval_s=5.0, payload_bytes=64)
AROUND = Surroundings(push_s=0.003, round_trip_s=0.006, upstream_s=0.01, turnaround_s=0.0002)
TRANSPORTS = ("polling", "long-polling", "streaming", "websocket")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_it_says_what_the_lab_expects_of_a_race(transport):
    settings = RaceSettings(clients=20, rate=2.0, interval_s=5.0, payload_bytes=64)
    messages = [(1000, "x" * 64)]
    inputs = MeasuredInputs(0.003, 0.006, 0.01, 0.0002, rate_per_s=2.0, messages=messages)
    expected = expect(transport, settings, inputs)
    found = predict(API, AROUND)[transport]

    assert found.latency == expected.latency
    assert found.origin_requests_per_s == expected.load.origin_requests_per_s
    if expected.load.bytes_per_delivery is not None:
        assert found.bytes_per_s == pytest.approx(20 * 2.0 * expected.load.bytes_per_delivery)


def test_bytes_of_answers_are_those_of_a_real_run():
    """Measured with Pushpin 1.36: 320 polls by 10 clients in 8 s, 277 of them empty, for 4 events of 64 bytes."""
    api = Api(clients=10, rate_per_s=-math.log(277 / 320) / 0.25, interval_s=0.25, payload_bytes=64)

    assert 8 * predict(api, AROUND)["polling"].bytes_per_s == pytest.approx(43_366, rel=0.05)


def test_bytes_of_long_polls_are_those_of_a_real_run():
    """Measured likewise: 340 long-polls for 34 events of 1,000 bytes in 8 s."""
    api = Api(clients=10, rate_per_s=34 / 8, interval_s=1.0, payload_bytes=1000)
    per_s = predict(api, Surroundings(upstream_s=0.0, push_s=0.0))["long-polling"].bytes_per_s
    bytes_per_answer = per_s / (api.clients * api.rate_per_s)

    assert bytes_per_answer == pytest.approx(408_600 / 340, rel=0.01)


def test_pushed_events_cost_the_origin_nothing():
    assert [predict(API, AROUND)[name].origin_requests_per_s for name in ("streaming", "websocket")] == [0, 0]


def test_advice_knows_which_of_the_two_that_ask_asks_more():
    busy, quiet = advice(API, AROUND)[1], advice(Api(rate_per_s=0.01, interval_s=5.0), AROUND)[1]

    assert "asks the origin more often" in busy
    assert "asks the origin less often" in quiet


def test_an_api_says_what_it_is():
    assert str(API) == "20 clients, 2 events/s of 64 B, polled every 5 s"
    assert str(Api(clients=1)).startswith("1 client, ")
