"""What the pages that show a client report, put together: one clock a page, and the receipts of all."""

from __future__ import annotations

from typing import Any

from realtime_kit.plots.widgets.browser_clock import BrowserClock, RoundTrip
from realtime_kit.plots.widgets.browser_receipt import BrowserReceipt, Due


class BrowserReports:
    """Takes reports and gives the answer to each.

    A report is one message from a page, and its answer another: together they are a round trip of the clock, of
    which the page tells with its next report. It sends no receipts before it has told of one.

    Args:
        due: When each event was due.

    Attributes:
        receipts: All of them, in the order of arrival.
        clock: That of the page which reported last; None before the first report.
    """

    def __init__(self, due: Due) -> None:
        self.receipts: list[BrowserReceipt] = []
        self.clock: BrowserClock | None = None
        self._due = due
        self._clocks: dict[str, BrowserClock] = {}
        self._answered: dict[str, tuple[int, int]] = {}

    def take(self, report: dict[str, Any], now_ns: int) -> dict[str, Any]:
        """Take a report in.

        Args:
            report: `page` and `number` of it; `tick_ms`, the resolution of the page's clock; `transport` and
                `opened_ms` of the connection; `receipts`, a list of [id, ms]; and `back`, None or the round trip of
                the report before: its `number`, `sent_ms` and `back_ms`. All are times of the page's clock.
            now_ns: The moment, on `CLOCK_MONOTONIC`.

        Returns:
            `page` and `number` of the report, and of each receipt `latencies_ms` (None where there is none, see
            `BrowserReceipt.latency_s`) and `uncertainties_ms`.
        """
        page = report["page"]
        clock = self._clocks.setdefault(page, BrowserClock(tick_ns=_ns(report["tick_ms"])))
        self.clock = clock
        number, answered_ns = self._answered.get(page, (None, 0))
        if (back := report["back"]) and back["number"] == number:
            clock.take(RoundTrip(_ns(back["sent_ms"]), answered_ns, _ns(back["back_ms"])))
        new = [_receipt(clock, report, *each) for each in report["receipts"]]
        self.receipts += new
        self._answered[page] = (report["number"], now_ns)
        return {
            "page": page,
            "number": report["number"],
            "latencies_ms": [_ms(receipt.latency_s(self._due)) for receipt in new],
            "uncertainties_ms": [_ms(receipt.uncertainty_s) for receipt in new],
        }

    def latencies_s(self) -> list[float]:
        """Seconds from due to the page, in order of arrival, of every receipt that has a latency."""
        found = (receipt.latency_s(self._due) for receipt in self.receipts)
        return [latency_s for latency_s in found if latency_s is not None]


def _receipt(clock: BrowserClock, report: dict[str, Any], event_id: str, at_ms: float) -> BrowserReceipt:
    received_ns, uncertainty_ns = clock.to_kernel(_ns(at_ms))
    opened_ns, _ = clock.to_kernel(_ns(report["opened_ms"]))
    return BrowserReceipt(event_id, received_ns, uncertainty_ns / 1e9, opened_ns, report["transport"])


def _ns(milliseconds: float) -> int:
    return round(milliseconds * 1e6)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3
