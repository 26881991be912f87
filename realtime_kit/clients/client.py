"""What the clients of all transports share: a session, counters, and coming back after a failure."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from typing import Any, ClassVar, Self

import aiohttp
from yarl import URL

from realtime_kit.clients.backoff import Backoff
from realtime_kit.clients.receipt import Receipt
from realtime_kit.errors import ClientError, UsageError
from realtime_kit.origin.request_log import REQUEST_START
from realtime_kit.taps import ByteCount

MAX_FAILURES = 10
"""Failures in a row before a client gives up; with the default backoff that takes a good minute."""

ANSWER_TIMEOUT_S = 10.0
"""Longest wait for the beginning of an answer that should come at once."""

STEADY_S = 10.0
"""A connection that has lasted so long was a success, even if nothing happened on it."""


class Trouble(Exception):
    """A failure that may pass: the text says which, and the client tries again."""


class Client(ABC):
    """One receiver of events: an asynchronous iterator of receipts that survives failures.

        async with StreamingClient(url) as client:
            async for receipt in client:
                print(receipt.event.data)

    A refused or broken connection, or an answer of 500 and above, is tried again after a bounded, jittered
    wait, continuing after the last event received. An answer in the 400s, or of another kind than the
    transport's, is a `ClientError` at once: trying again would not change it.

    The loop may be left at any event; a second loop over the same client goes on after it.

    Args:
        url: Address of the events.
        last_event_id: Id of the event after which to begin; empty is from now on.
        rng: Source of jitter and phase; give a seeded one for a run that can be repeated.
        backoff: Waits between tries; None is the default one.
        max_failures: Failures in a row before it gives up with a `ClientError`, 1 or more.

    Attributes:
        last_event_id: Id of the latest event received.
        requests: HTTP requests sent, WebSocket handshakes included.
        empty_responses: Answers without an event.
        failures: Tries that failed.
        last_failure: Why the latest of them did; empty if none has.
        bytes: What has crossed the wire, and the connections opened.
        connected: Set once Pushpin has answered for the first time.
        on_failure: Called with the reason of each try that failed.
        on_connected: Called when Pushpin has answered, once for each try, with the seconds since that try began.
    """

    schemes: ClassVar[tuple[str, ...]] = ("http", "https")

    def __init__(
        self,
        url: str | URL,
        *,
        last_event_id: str = "",
        rng: random.Random | None = None,
        backoff: Backoff | None = None,
        max_failures: int = MAX_FAILURES,
    ) -> None:
        self.url = URL(url)
        if self.url.scheme not in self.schemes or not self.url.host:
            message = f"url is {str(url)!r}: it has to be an address with {' or '.join(self.schemes)}"
            raise UsageError(message)
        if max_failures < 1:
            message = f"max_failures is {max_failures!r}: it has to be 1 or more"
            raise UsageError(message)
        self.last_event_id = last_event_id
        self.requests = 0
        self.empty_responses = 0
        self.failures = 0
        self.last_failure = ""
        self.bytes = ByteCount()
        self.connected = asyncio.Event()
        self.on_failure: Callable[[str], object] = lambda _: None
        self.on_connected: Callable[[float], object] = lambda _: None
        self._began_s: float | None = None  # the try that Pushpin has not answered yet
        self._rng = rng or random.Random()
        self._backoff = backoff or Backoff(self._rng)
        self._max_failures = max_failures
        self._failures_in_a_row = 0
        self._session: aiohttp.ClientSession | None = None
        self._receiving: AsyncGenerator[Receipt, None] | None = None

    async def __aenter__(self) -> Self:
        if self._session is not None:
            raise UsageError("this client is in use already: make another one")
        connector = aiohttp.TCPConnector(limit=0, socket_factory=self.bytes.make_socket)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            read_bufsize=1 << 16,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        receiving, self._receiving = self._receiving, None
        if receiving is not None:
            with contextlib.suppress(RuntimeError):  # another task is in it; it fails with the session
                await receiving.aclose()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def __aiter__(self) -> AsyncGenerator[Receipt, None]:
        self._receiving = self._receive(self._receiving)
        return self._receiving

    async def _receive(self, earlier: AsyncGenerator[Receipt, None] | None) -> AsyncGenerator[Receipt, None]:
        """Receive, and come back after failures; `earlier` is a loop that was left, with its connection."""
        await _end(earlier)
        while True:
            began_s = self._began_s = time.monotonic()
            try:
                # Closed here and now: an abandoned generator would keep its connection until the garbage is
                # collected.
                async with contextlib.aclosing(self._connection()) as connection:
                    async for receipt in connection:
                        self._succeed()
                        yield receipt
            except (Trouble, aiohttp.ClientError, OSError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
            else:
                reason = "the connection ended"
            if time.monotonic() - began_s >= STEADY_S:
                self._succeed()
            self._fail(reason)
            await asyncio.sleep(self._backoff.next_s())

    def _answered(self) -> None:
        began_s, self._began_s = self._began_s, None
        self.connected.set()
        if began_s is not None:
            self.on_connected(time.monotonic() - began_s)

    def _succeed(self) -> None:
        self._failures_in_a_row = 0
        self._backoff.reset()

    def _fail(self, reason: str) -> None:
        self.failures += 1
        self.last_failure = reason
        self.on_failure(reason)
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= self._max_failures:
            count = self._failures_in_a_row
            message = f"gave up on {self.url} after {count} failures in a row; the last: {reason}"
            raise ClientError(message)

    @abstractmethod
    def _connection(self) -> AsyncGenerator[Receipt, None]:
        """Receive until the connection ends or breaks; called again to come back."""

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP session, while the client is entered."""
        if self._session is None:
            message = "use a client within its `async with` block"
            raise ClientError(message)
        return self._session

    def _request_headers(self) -> dict[str, str]:
        self.requests += 1
        return {REQUEST_START: f"t={time.monotonic_ns()}"}

    async def _check(self, response: aiohttp.ClientResponse, content_type: str) -> None:
        """Tell an answer to be retried from one that will not change.

        Raises:
            Trouble: for 500 and above, to be tried again.
            ClientError: for anything else that is not 200 and of the expected type.
        """
        if response.status == 200 and response.content_type == content_type:
            self._answered()
            return
        message = (
            f"{response.url} answered {response.status} {response.reason} with {response.content_type}, "
            f"not 200 with {content_type}{await _first_line(response)}"
        )
        raise Trouble(message) if response.status >= 500 else ClientError(message)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.url}, last event {self.last_event_id or 'none yet'}>"


async def _end(earlier: AsyncGenerator[Receipt, None] | None) -> None:
    if earlier is not None:
        try:
            await earlier.aclose()
        except RuntimeError:
            raise UsageError("another loop is reading this client: make one for each") from None


async def _first_line(response: aiohttp.ClientResponse) -> str:
    # A held answer of another type may never send a line: what comes within a second has to do.
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(1):
            text = (await response.content.read(200)).decode("utf-8", "replace").strip()
            return f": {text.splitlines()[0]}" if text else ""
    return ""


def query(**values: Any) -> dict[str, str]:
    """Query parameters, without those that are empty."""
    return {name: str(value) for name, value in values.items() if value != ""}
