import math

import numpy as np
import pytest

from realtime_kit.errors import UsageError
from realtime_kit.theory import streaming


def test_every_event_takes_the_direct_way():
    law = streaming.latency(downstream_s=0.03, service_s=0.01)
    assert {law.min, law.mean, law.p50, law.p90, law.p99, law.max} == {0.04}
    assert law.count is None


def test_events_cost_the_origin_nothing():
    assert streaming.load().to_json() == {"origin_requests_per_s": 0.0}


def test_a_delivery_weighs_as_much_as_its_block_in_its_chunk():
    really_sent = b"2d\r\n" + b"id: 17\nevent: score\ndata: " + b"x" * 17 + b"\n\n" + b"\r\n"
    load = streaming.load(payload="x" * 17, event_id="17", event_type="score")
    assert int(really_sent[:2], 16) == len(really_sent) - 6
    assert load.bytes_per_delivery == len(really_sent)


def test_fields_without_a_payload_are_refused():
    with pytest.raises(UsageError, match="without a payload"):
        streaming.load(event_id="17")


def test_simulated_outages_lose_the_predicted_share_of_events():
    due_s = np.cumsum(np.random.default_rng(5).exponential(0.37, 50_000))
    connected = due_s % 30.0 >= 4.0
    predicted = streaming.delivered_fraction(outage_s=4.0, outage_every_s=30.0)
    assert connected.mean() == pytest.approx(predicted, abs=5 * math.sqrt(0.25 / 50_000))


@pytest.mark.parametrize(("outage_s", "expected"), [(0, 1.0), (30, 0.0)])
def test_no_outage_delivers_all_and_nothing_but_outage_none(outage_s, expected):
    assert streaming.delivered_fraction(outage_s=outage_s, outage_every_s=30) == expected


@pytest.mark.parametrize(("outage_s", "every_s"), [(31, 30), (-1, 30), (0, 0)])
def test_outages_that_cannot_be_are_refused(outage_s, every_s):
    with pytest.raises(UsageError, match="outage"):
        streaming.delivered_fraction(outage_s=outage_s, outage_every_s=every_s)
