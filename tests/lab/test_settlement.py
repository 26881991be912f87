"""Settling: what the processes report becomes results, and what disturbed the run becomes flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from realtime_kit import Pushpin, RaceSettings, Run
from realtime_kit.clients.receipt import ReceiptBook
from realtime_kit.lab.settlement import Observed, Settlement
from realtime_kit.measurements import Flag

SETTINGS = RaceSettings(
    transports=("polling", "streaming"), clients=2, arrivals="periodic", rate=10, seconds=2, interval_s=0.5
)
SCHEDULE = SETTINGS.schedule()
START_NS = 10**9
FIRST_ID = 5
OBSERVED = Observed(
    start_ns=START_NS,
    end_ns=START_NS + 2 * 10**9,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    processor={"seconds": {}, "machine_busy": 0.1, "busiest_process": 0.1},
    clock_drift_s=0.0,
    interrupted=False,
)
ORIGIN: dict[str, Any] = {
    "first_id": FIRST_ID,
    "texts": ["x"] * len(SCHEDULE),
    "slip_s": [0.0] * len(SCHEDULE),
    "not_published": [],
    "requests": {"polling": {"requests": 8, "upstream_s": 0.0}},
}
REFERENCE: dict[str, Any] = {
    "received_ns": {
        str(FIRST_ID + number): due_ns + 10**6
        for number, due_ns in enumerate(SCHEDULE.intended_ns(START_NS).tolist())
    },
    "round_trip_s": 0.001,
}


def load_report(**changes: Any) -> dict[str, Any]:
    """A load whose clients received every event a millisecond after it was due."""
    book = ReceiptBook()
    for client in range(SETTINGS.clients):
        for number, due_ns in enumerate(SCHEDULE.intended_ns(START_NS).tolist()):
            book.write(client, FIRST_ID + number, due_ns + 10**6, 0)
    counted = ("requests", "empty_responses", "bytes_received", "bytes_sent", "connections", "receipts")
    return {
        "receipts": book.receipts().to_json(),
        "window": dict.fromkeys(counted, 0),
        "connections": 2,
        "turnaround_s": 0.0,
        "lag_s": 0.0,
        "window_late_s": 0.0,
        "reconnections": 0,
        "reconnected_because": "",
        **changes,
    }


def settled(
    observed: Observed = OBSERVED,
    *,
    not_published: Sequence[Any] = (),
    reference: dict[str, Any] = REFERENCE,
    **streaming: Any,
) -> Run:
    origin = ORIGIN | {"not_published": not_published}
    settlement = Settlement(SETTINGS, SCHEDULE, observed, origin, reference)
    elsewhere = Pushpin.attach("http://127.0.0.1:1", "http://127.0.0.1:2")
    return settlement.run({"polling": load_report(), "streaming": load_report(**streaming)}, elsewhere)


def flags(run: Run, transport: str) -> dict[str, Flag]:
    return {flag.name: flag for flag in run[transport].verdict.flags}


def test_an_undisturbed_run_has_no_flag_but_those_of_its_size_and_of_a_proxy_elsewhere() -> None:
    assert set(flags(settled(), "streaming")) == {"too-few-samples", "rate-limiter-unknown"}
    assert settled()["streaming"].reconnections == 0
    assert settled().meta["not_published"] == []


def test_a_yardstick_that_was_cut_off_is_flagged_and_no_input_of_theory_is_made_up() -> None:
    heard = dict(list(REFERENCE["received_ns"].items())[:10])
    run = settled(reference={"received_ns": heard, "round_trip_s": None})
    assert flags(run, "streaming")["yardstick-missed"].found == pytest.approx(0.5)
    assert run["streaming"].measured_inputs == {"push_s": pytest.approx(0.001)}
    assert flags(run, "polling")["yardstick-missed"].found == 1
    assert run["polling"].measured_inputs == {}
    silent = settled(reference={"received_ns": {}, "round_trip_s": 0.001})
    assert silent["streaming"].measured_inputs == {}
    assert silent["streaming"].theory.latency.p50 == 0
    assert "yardstick-missed" not in flags(silent, "polling")


def test_a_yardstick_that_is_early_is_no_way_that_takes_less_than_no_time() -> None:
    early = {number: received_ns - 10**9 for number, received_ns in REFERENCE["received_ns"].items()}
    run = settled(reference={"received_ns": early, "round_trip_s": 0.001})
    assert run["streaming"].measured_inputs == {"push_s": 0.0}
    assert run["streaming"].theory.latency.p50 == 0


def test_a_yardstick_may_miss_one_event_in_twenty() -> None:
    heard = dict(list(REFERENCE["received_ns"].items())[:19])
    run = settled(reference={"received_ns": heard, "round_trip_s": 0.001})
    assert "yardstick-missed" not in flags(run, "streaming")


def test_reconnections_are_part_of_the_result_and_flagged_with_their_reason() -> None:
    run = settled(reconnections=3, reconnected_because="the connection ended")
    assert run["streaming"].reconnections == 3
    flag = flags(run, "streaming")["reconnected"]
    assert (flag.found, flag.limit) == (3, 0)
    assert "the connection ended" in flag.meaning
    assert "reconnected" not in flags(run, "polling")


def test_counters_that_were_noted_late_are_flagged() -> None:
    assert flags(settled(window_late_s=0.2), "streaming")["window-late"].found == 0.2


def test_events_that_pushpin_did_not_accept_are_flagged_where_they_are_pushed() -> None:
    run = settled(not_published=[[FIRST_ID, "refused"], [FIRST_ID + 1, "away"], [FIRST_ID + 2, "away"]])
    flag = flags(run, "streaming")["not-published"]
    assert flag.found == 3
    assert "refused" in flag.meaning
    assert "not-published" not in flags(run, "polling")
    assert run.meta["not_published"] == ["refused", "away"]


def test_of_a_run_that_was_ended_early_only_the_events_that_count_can_be_missed() -> None:
    early = replace(OBSERVED, interrupted=True)
    last_id = FIRST_ID + len(SCHEDULE) - 1
    assert "not-published" not in flags(settled(early, not_published=[[last_id, "away"]]), "streaming")


def test_the_flag_of_too_few_deliveries_says_how_long_it_would_take() -> None:
    assert "with 2 clients at 10 events/s it takes about 50 s" in (
        flags(settled(), "streaming")["too-few-samples"].meaning
    )


@pytest.mark.parametrize("after_s", [0.001, 0.4])
def test_a_run_that_was_ended_at_once_has_results_without_deliveries(after_s: float) -> None:
    early = replace(OBSERVED, interrupted=True, end_ns=START_NS + int(after_s * 1e9))
    run = settled(early)
    assert run.interrupted
    assert [result.ledger.expected for result in run.results] == [0, 0]
    assert Run.from_json(run.to_json()) == run
