"""Reports of pages: a clock for each, and receipts on the kernel's clock."""

from __future__ import annotations

from typing import Any

import pytest

from realtime_kit.plots.widgets.browser_receipt import BrowserReceipt, due_of
from realtime_kit.plots.widgets.browser_reports import BrowserReports

MS = 1_000_000
BASE_NS = 5_000_000 * MS


def report(
    number: int, *, page: str = "a", back: dict[str, float] | None = None, **more: Any
) -> dict[str, Any]:
    plain = {"tick_ms": 0.0, "transport": "streaming", "opened_ms": 0.0, "receipts": []}
    return {**plain, "page": page, "number": number, "back": back, **more}


def with_a_clock(due: Any, page: str = "a", offset_ms: int = 0) -> BrowserReports:
    """Reports of a page whose clock shows `offset_ms` more than the time since `BASE_NS`; ways of 2 ms."""
    reports = BrowserReports(due)
    reports.take(report(1, page=page), BASE_NS + 2 * MS)
    back = {"number": 1, "sent_ms": offset_ms, "back_ms": offset_ms + 4}
    reports.take(report(2, page=page, back=back), BASE_NS + 250 * MS)
    return reports


def test_a_receipt_is_counted_from_when_its_event_was_due_on_the_kernels_clock() -> None:
    reports = with_a_clock({7: BASE_NS + 90 * MS}, offset_ms=1_000_000)

    answer = reports.take(report(3, receipts=[["7", 1_000_100.0]]), BASE_NS + 500 * MS)

    assert answer["latencies_ms"] == pytest.approx([10.0])
    assert answer["uncertainties_ms"] == pytest.approx([2.0], abs=0.01)
    assert reports.latencies_s() == pytest.approx([0.010])
    assert reports.receipts[0].received_ns == BASE_NS + 100 * MS


def test_an_answer_says_which_report_of_which_page_it_answers() -> None:
    answer = BrowserReports({}).take(report(5, page="b"), BASE_NS)

    assert (answer["page"], answer["number"]) == ("b", 5)


def test_a_round_trip_that_was_not_the_last_is_not_believed() -> None:
    reports = with_a_clock({})
    before = reports.clock.uncertainty_ns

    reports.take(report(3, back={"number": 1, "sent_ms": 100.0, "back_ms": 100.0}), BASE_NS + 900 * MS)

    assert reports.clock.uncertainty_ns == before


def test_two_pages_have_a_clock_each() -> None:
    reports = with_a_clock({1: BASE_NS, 2: BASE_NS}, page="a")
    reports.take(report(1, page="b"), BASE_NS + 600 * MS)
    back = {"number": 1, "sent_ms": 70_000.0, "back_ms": 70_002.0}
    from_b = report(2, page="b", back=back, receipts=[["1", 70_009.0]])

    reports.take(from_b, BASE_NS + 700 * MS)
    reports.take(report(3, page="a", receipts=[["2", 610.0]]), BASE_NS + 800 * MS)

    assert reports.latencies_s() == pytest.approx([0.608, 0.610])


def test_history_has_no_latency_and_neither_has_what_was_due_at_no_known_time() -> None:
    reports = with_a_clock({1: BASE_NS + 10 * MS, 2: BASE_NS + 30 * MS})
    receipts = [["1", 50.0], ["2", 50.0], ["unknown", 50.0]]

    answer = reports.take(report(3, opened_ms=20.0, receipts=receipts), BASE_NS + 500 * MS)

    assert answer["latencies_ms"] == [None, pytest.approx(20.0), None]
    assert [receipt.event_id for receipt in reports.receipts] == ["1", "2", "unknown"]
    assert reports.latencies_s() == pytest.approx([0.020])


def test_what_is_due_may_become_known_after_the_receipt() -> None:
    due: dict[str, int] = {}
    reports = with_a_clock(due)
    reports.take(report(3, receipts=[["7", 100.0]]), BASE_NS + 500 * MS)
    assert reports.latencies_s() == []

    due["7"] = BASE_NS + 99 * MS

    assert reports.latencies_s() == pytest.approx([0.001])


@pytest.mark.parametrize(
    ("due", "event_id", "expected"),
    [
        ({"7": 1}, "7", 1),
        ({7: 1}, "7", 1),
        ({7: 1}, "8", None),
        ({7: 1}, "seven", None),
        ({"seven": 1}, "seven", 1),
        (lambda event_id: len(event_id), "seven", 5),
        (lambda event_id: None, "7", None),
    ],
)
def test_due_times_come_from_a_mapping_by_text_or_number_or_from_a_function(
    due: Any, event_id: str, expected: int | None
) -> None:
    assert due_of(due, event_id) == expected


def test_a_latency_may_be_below_zero_by_the_uncertainty() -> None:
    receipt = BrowserReceipt("7", BASE_NS, 0.002, 0, "streaming")

    assert receipt.latency_s({7: BASE_NS + MS}) == -0.001
