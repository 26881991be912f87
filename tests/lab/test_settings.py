"""What a race may be made of."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from realtime_kit import RaceSettings
from realtime_kit.errors import UsageError
from realtime_kit.lab import TRANSPORTS, polling_explorer, stalled_origin
from realtime_kit.lab.comeback import comeback
from realtime_kit.lab.microscope import MicroscopeSettings
from realtime_kit.lab.timeline import TimelineSettings
from realtime_kit.lab.watch_settings import WatchSettings


def test_the_defaults_suffice_for_a_99th_percentile() -> None:
    settings = RaceSettings()
    assert len(settings.schedule()) * settings.clients >= 1000


def test_deliveries_are_those_of_the_schedule_to_every_client() -> None:
    settings = RaceSettings(clients=4, arrivals="periodic", rate=5, seconds=10)
    assert settings.deliveries == 4 * 50


@pytest.mark.parametrize("arrivals", ["poisson", "periodic"])
@pytest.mark.parametrize("seconds", [4, 100, 400])
def test_a_99th_percentile_takes_its_thousand_deliveries_at_the_rate_or_what_random_events_lack(
    arrivals: str, seconds: float
) -> None:
    settings = RaceSettings(clients=5, rate=2, seconds=seconds, arrivals=arrivals)
    assert settings.seconds_for_p99 == pytest.approx(100, rel=0.1)


def test_a_window_that_random_events_left_short_is_never_called_long_enough() -> None:
    short = [
        settings
        for seed in range(200)
        if (settings := RaceSettings(clients=5, rate=2, seconds=100, seed=seed)).deliveries < 1000
    ]
    assert short
    assert all(settings.seconds_for_p99 > settings.seconds for settings in short)


def test_the_advice_gives_a_number_or_another_way_where_the_number_is_not_allowed() -> None:
    settings = RaceSettings(clients=5, rate=2, seconds=10, arrivals="periodic")
    assert settings.advice_for_p99 == "with 5 clients at 2 events/s it takes about 100 s"
    slow = RaceSettings(clients=1, rate=0.1, seconds=10, arrivals="periodic").advice_for_p99
    assert slow == "with 1 client at 0.1 events/s it takes about 10,000 s; use more clients or a higher rate"


def test_transports_may_be_given_as_text_and_keep_their_order() -> None:
    assert RaceSettings(transports="websocket, polling").transports == ("polling", "websocket")  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_events() -> None:
    first, second = (RaceSettings(seed=3).schedule().offsets_ns for _ in range(2))
    assert (first == second).all()
    assert (
        len(RaceSettings(seed=4).schedule()) != len(first)
        or (RaceSettings(seed=4).schedule().offsets_ns != first).any()
    )


def test_periodic_events_come_at_the_rate() -> None:
    assert len(RaceSettings(arrivals="periodic", rate=5, seconds=4).schedule()) == 20


def test_all_that_was_set_is_recorded() -> None:
    recorded = RaceSettings(clients=3).to_json()
    assert recorded["clients"] == 3
    assert recorded["transports"] == list(TRANSPORTS)
    assert {"rate", "interval_s", "seconds", "arrivals", "payload_bytes"} <= set(recorded)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"transports": ("pigeon",)}, "allowed are polling"),
        ({"transports": ()}, "allowed are polling"),
        ({"clients": -1}, "clients is -1"),
        ({"clients": "5"}, "clients is '5': it has to be a whole number"),
        ({"clients": 2.5}, "clients is 2.5: it has to be a whole number"),
        ({"interval_s": "2"}, "interval is '2': it has to be a number"),
        ({"seed": None}, "seed is None: it has to be a whole number"),
        ({"clients": 5000}, "1 to 1000"),
        ({"seed": -1}, "seed is -1"),
        ({"rate": 0}, "rate is 0"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"interval_s": 0}, "interval is 0"),
        ({"seconds": 0.5}, "seconds is 0.5"),
        ({"payload_bytes": 20_000}, "payload is 20000"),
        ({"arrivals": "bursts"}, "allowed are poisson, periodic"),
    ],
)
def test_what_is_not_allowed_is_said_with_what_is(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        RaceSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "make",
    [
        lambda wrong: MicroscopeSettings(clients=wrong),
        lambda wrong: TimelineSettings(rate=wrong),
        lambda wrong: WatchSettings("http://127.0.0.1/events", pushes=wrong),
        lambda wrong: polling_explorer(interval_s=wrong),
        lambda wrong: comeback(clients=wrong),
        lambda wrong: stalled_origin(seconds=wrong),
    ],
)
@pytest.mark.parametrize("wrong", ["4", None, 1 + 2j])
def test_what_is_no_number_is_said_to_be_none_wherever_one_is_asked_for(
    make: Callable[..., object], wrong: object
) -> None:
    with pytest.raises(UsageError, match=f"is {re.escape(repr(wrong))}: it has to be a (whole )?number"):
        make(wrong)


def test_clients_are_whole() -> None:
    with pytest.raises(UsageError, match=r"clients is 2\.5: it has to be a whole number"):
        MicroscopeSettings(clients=2.5)  # type: ignore[arg-type]
