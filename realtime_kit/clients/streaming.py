"""Streaming: one response that never ends, read as server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
from yarl import URL

from realtime_kit.clients.client import ANSWER_TIMEOUT_S, Client, query
from realtime_kit.clients.event_stream import EventStreamParser
from realtime_kit.clients.receipt import Receipt
from realtime_kit.errors import ClientError, ProtocolError, UsageError


class StreamingClient(Client):
    """Reads an event stream, and comes back with `Last-Event-ID` when it breaks.

    Args:
        url: Address of the stream.
        silence_timeout_s: Longest silence before the connection counts as broken, seconds, above 0; None waits
            for ever. On a stream with keep-alives, two and a half times their interval is a good choice: a
            machine that vanishes closes nothing.
        answer_timeout_s: Longest wait for the beginning of an answer, seconds, above 0; None is 10 s. A Pushpin that
            has just started may never answer a request that came in its first moments.
        **options: Those of `Client`.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        silence_timeout_s: float | None = None,
        answer_timeout_s: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(url, **options)
        if answer_timeout_s is not None and not answer_timeout_s > 0:
            message = f"answer_timeout_s is {answer_timeout_s!r}: it has to be above 0, or None"
            raise UsageError(message)
        self._answer_timeout_s = answer_timeout_s
        if silence_timeout_s is not None and not silence_timeout_s > 0:
            message = f"silence_timeout_s is {silence_timeout_s!r}: it has to be above 0, or None"
            raise UsageError(message)
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=silence_timeout_s)

    async def _connection(self) -> AsyncGenerator[Receipt, None]:
        parser = EventStreamParser(last_event_id=self.last_event_id)
        opened_ns = time.monotonic_ns()
        async with await self._open() as response:
            await self._check(response, "text/event-stream")
            async for chunk in response.content.iter_any():
                received_ns = time.monotonic_ns()
                for event in self._parse(parser, chunk):
                    # Not the parser's, which has read on to the end of the chunk.
                    self.last_event_id = event.id
                    yield Receipt(event, received_ns, opened_ns)
                self.last_event_id = parser.last_event_id

    async def _open(self) -> aiohttp.ClientResponse:
        headers = {"Accept": "text/event-stream", **query(**{"Last-Event-ID": self.last_event_id})}
        async with asyncio.timeout(self._answer_timeout_s or ANSWER_TIMEOUT_S):
            return await self.session.get(
                self.url, headers=headers | self._request_headers(), timeout=self._timeout
            )

    def _parse(self, parser: EventStreamParser, chunk: bytes) -> list[Any]:
        try:
            return parser.feed(chunk)
        except ProtocolError as error:
            message = f"{self.url}: {error}"
            raise ClientError(message) from error
