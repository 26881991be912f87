"""The load: many clients of one transport, in a process of its own that measures its own fitness to measure."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from realtime_kit import worker
from realtime_kit.clients.client import Client
from realtime_kit.clients.long_polling import LongPollingClient
from realtime_kit.clients.polling import PollingClient
from realtime_kit.clients.receipt import Receipt, ReceiptBook
from realtime_kit.clients.streaming import StreamingClient
from realtime_kit.clients.websocket import WebSocketClient
from realtime_kit.errors import ClientError, RealtimeKitError

OPENING_AT_ONCE = 20
"""Connections being opened at a time: above about a hundred Pushpin 1.36 answers some of them with 502."""

LAG_SAMPLE_S = 0.01
"""How often the event loop's lateness is sampled."""

_MAX_DIGITS = 18  # what fits the 64 bits of a receipt

CLIENTS: dict[str, Callable[..., Client]] = {
    "polling": PollingClient,
    "long-polling": LongPollingClient,
    "streaming": StreamingClient,
    "websocket": WebSocketClient,
}

_COUNTED = ("requests", "empty_responses", "bytes_received", "bytes_sent", "connections", "receipts")
_SHOWN_DELIVERIES = 500  # at most, for each look at the progress: as many as a live picture can show; even
_REASON_LENGTH = 200  # of why a client came back: a sentence, not a server's page


class EvenSample:
    """Every so many-th of the deliveries since the last look, from the first on: one in 1, 2, 4 or more.

    Args:
        most: As many at most; an even number.
    """

    def __init__(self, most: int = _SHOWN_DELIVERIES) -> None:
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._kept: list[tuple[int, int]] = []
        self._count, self._stride = 0, 1

    def add(self, event_id: int, received_ns: int) -> None:
        """One more delivery."""
        if self._count % self._stride == 0:
            if len(self._kept) == self._most:
                del self._kept[1::2]
                self._stride *= 2
            self._kept.append((event_id, received_ns))
        self._count += 1

    def take(self) -> tuple[list[tuple[int, int]], int]:
        """Those kept, and one in how many they are; from here on it begins anew."""
        taken = self._kept, self._stride
        self._begin()
        return taken


class LoadWorker:
    """The clients of one transport and what they have counted; its methods are what the parent may ask for."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.book = ReceiptBook()
        self.latest: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.errors: list[str] = []
        self.lags_s: list[float] = []
        self.snapshots: dict[str, dict[str, int]] = {}
        self.window_late_s = 0.0
        self._failures_before: list[int] = []
        self._first_id = 0
        self._received = 0
        self._sample = EvenSample()
        self._news = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()

    async def open(
        self, *, transport: str, url: str, clients: int, seed: int, options: dict[str, Any]
    ) -> None:
        """Connect that many clients, a few at a time; returns when Pushpin has answered each."""
        make = CLIENTS[transport]
        self.clients = [
            make(url, rng=random.Random(f"{seed} {number}"), **options) for number in range(clients)
        ]
        self.latest = [0] * clients
        self._failures_before = [0] * clients
        gate = asyncio.Semaphore(OPENING_AT_ONCE)
        await asyncio.gather(*(self._open_one(number, gate) for number in range(clients)))
        self.tasks.append(asyncio.create_task(self._sample_lag()))
        gc.collect()
        gc.freeze()  # what lives as long as the run need not be searched for garbage during it

    async def _open_one(self, number: int, gate: asyncio.Semaphore) -> None:
        client = self.clients[number]
        async with gate:
            await self._stack.enter_async_context(client)
            receiving = asyncio.create_task(self._receive(number, client))
            self.tasks.append(receiving)
            # A long-poll is answered only by an event: its request is under way, the roll call proves the rest.
            if isinstance(client, LongPollingClient):
                return
            connected = asyncio.create_task(client.connected.wait())
            await asyncio.wait({connected, receiving}, return_when=asyncio.FIRST_COMPLETED)
            connected.cancel()
        if receiving.done():
            raise ClientError(self.errors[-1])

    async def _receive(self, number: int, client: Client) -> None:
        try:
            async for receipt in client:
                self._write_down(number, client, receipt)
                self._news.set()
        except RealtimeKitError as error:
            self.errors.append(str(error))
        except Exception:  # noqa: BLE001 - a client that ends for any reason must be heard of
            self.errors.append(traceback.format_exc())
        finally:
            self._news.set()

    def _write_down(self, number: int, client: Client, receipt: Receipt) -> None:
        text = receipt.event.id
        if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
            message = f"{client.url} sent an event with the id {text[:40]!r}: to be measured it needs a whole number"
            raise ClientError(message)
        event_id = int(text)
        self.book.write(number, event_id, receipt.received_ns, receipt.opened_ns)
        # A repetition is no progress; of events out of order only the ledger makes sense.
        if event_id > self.latest[number]:
            self.latest[number] = event_id
            if 0 < self._first_id <= event_id:
                self._received += 1
                self._sample.add(event_id, receipt.received_ns)

    async def roll_call(self, *, event_id: int, timeout_s: float) -> list[int]:
        """Wait until every client has received that event or a later one; returns who has not by the timeout."""

        def silent() -> list[int]:
            return [number for number, latest in enumerate(self.latest) if latest < event_id]

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while silent():
                    self._news.clear()
                    await self._news.wait()
        return silent()

    async def window(self, *, start_ns: int, end_ns: int, first_id: int) -> None:
        """Note the counters at these two moments of `CLOCK_MONOTONIC`; events from `first_id` on belong to the run."""
        self._first_id = first_id
        for name, at_ns in (("start", start_ns), ("end", end_ns)):
            await asyncio.sleep(max(0.0, (at_ns - time.monotonic_ns()) / 1e9))
            self.snapshots[name] = self._counters()
            self.window_late_s = max(self.window_late_s, (time.monotonic_ns() - at_ns) / 1e9)
            if name == "start":
                self.lags_s.clear()  # opening connections is busy work of its own
                self._failures_before = [client.failures for client in self.clients]

    async def progress(self) -> dict[str, Any]:
        """Deliveries and empty answers of the run so far, an even sample of what came since the last call, errors."""
        sample, stride = self._sample.take()
        empty = sum(client.empty_responses for client in self.clients)
        return {
            "received": self._received,
            "sample": sample,
            "stride": stride,
            "empty_responses": empty - self.snapshots["start"]["empty_responses"] if self.snapshots else 0,
            "errors": self.errors[:5],
        }

    async def report(self) -> dict[str, Any]:
        """Everything, after which the clients are closed."""
        self.snapshots.setdefault("end", self._counters())  # a run that was ended early
        start, end = self.snapshots.get("start", self._counters()), self.snapshots["end"]
        polls = [client for client in self.clients if isinstance(client, LongPollingClient)]
        turnarounds = sum(client.turnarounds for client in polls)
        # Not only to the window's end: what fails after it delays the last deliveries.
        failures = [
            (client.failures - before, client.last_failure)
            for client, before in zip(self.clients, self._failures_before, strict=True)
            if client.failures > before
        ]
        result = {
            "receipts": self.book.receipts().to_json(),
            "window": {name: end[name] - start[name] for name in _COUNTED},
            "connections": end["connections"],
            "window_late_s": self.window_late_s,
            "reconnections": sum(count for count, _ in failures),
            "reconnected_because": failures[0][1][:_REASON_LENGTH] if failures else "",
            "errors": self.errors,
            "turnaround_s": sum(client.turnaround_s for client in polls) / max(1, turnarounds),
            "lag_s": float(np.percentile(self.lags_s, 99)) if self.lags_s else 0.0,
        }
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._stack.aclose()
        return result

    def _counters(self) -> dict[str, int]:
        return {
            "requests": sum(client.requests for client in self.clients),
            "empty_responses": sum(client.empty_responses for client in self.clients),
            "bytes_received": sum(client.bytes.received for client in self.clients),
            "bytes_sent": sum(client.bytes.sent for client in self.clients),
            "connections": sum(client.bytes.connections for client in self.clients),
            "receipts": len(self.book),
        }

    async def _sample_lag(self) -> None:
        """Samples are due on a fixed grid: a stall counts as often as it is long, not once (coordinated omission)."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s += LAG_SAMPLE_S
            if due_s > loop.time():
                await asyncio.sleep(due_s - loop.time())
            self.lags_s.append(loop.time() - due_s)


def main() -> None:
    """Run the worker."""
    load = LoadWorker()
    names = ("open", "roll_call", "window", "progress", "report")
    worker.serve({name: getattr(load, name) for name in names})


if __name__ == "__main__":
    main()
