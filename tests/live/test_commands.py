"""Pushpin's command socket and its metrics, asked of the real one."""

from __future__ import annotations

import pytest
import requests

from realtime_kit import Pushpin, PushpinSettings
from realtime_kit.errors import CommandError
from realtime_kit.pushpin.ports import free_port

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


def test_it_says_where_its_sockets_are_and_refuses_what_it_does_not_know() -> None:
    with Pushpin() as pushpin:
        uris = pushpin.command("get-zmq-uris")
        assert uris["publish-pull"].decode() == pushpin.addresses.socket("pull")
        assert pushpin.command("conncheck", ids=["nobody"]) == []
        with pytest.raises(CommandError) as refused:
            pushpin.command("refresh", cid="nobody")
        assert refused.value.condition == "item-not-found"
        with pytest.raises(CommandError) as unknown:
            pushpin.command("juggle")
        assert unknown.value.condition == "method-not-found"


def test_its_metrics_are_there_when_a_port_was_given_for_them() -> None:
    port = free_port()
    with Pushpin(settings=PushpinSettings(metrics_port=port)) as pushpin:
        pushpin.publish("news", "hello")
        text = requests.get(f"http://127.0.0.1:{port}/", timeout=5).text
    assert "message_received" in text
