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
