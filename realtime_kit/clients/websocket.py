"""WebSocket: one socket, a message an event."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any, ClassVar

import aiohttp
from aiohttp import WSMsgType
from yarl import URL

from realtime_kit.clients.client import ANSWER_TIMEOUT_S, Client, Trouble, query
from realtime_kit.clients.event_stream import Event
from realtime_kit.clients.receipt import Receipt
from realtime_kit.errors import ClientError, UsageError

COME_BACK = 1013
"""The server's "try again later", which the kit's origin sends after a page of history."""

# RFC 6455 §7.4.1. Everything else, 4000 and above included, says that this client is not wanted as it is.
_PASSING = {0, 1000, 1001, 1005, 1006, 1011, 1012, COME_BACK, 1014}
"""Close codes after which another try may end differently; 0 is none at all."""

_CLOSE_TIMEOUT_S = 1.0
"""Wait for the other side's half of a close; it has nothing more to say to us."""


class WebSocketClient(Client):
    """Reads `{"id": …, "data": …}` messages, and comes back with `?after=` when the socket breaks.

    After a close code that says the client itself is at fault (1008 policy, 4000 and above, …) it does not come
    back, but raises a `ClientError`. After 1013 (try again later), if there were events, it comes back at once.

    Args:
        url: Address of the socket, `ws://` or `http://`.
        silence_timeout_s: Longest silence before the connection counts as broken, seconds, above 0; None waits
            for ever. A machine that vanishes closes nothing. After two thirds of it a ping asks whether anybody is
            there: so a channel may be quiet, but through Pushpin each ping is a request to the origin, whose answer
            has the pong. An origin that has detached the socket hears no pings: with it, leave this None.
        **options: Those of `Client`.
    """

    schemes: ClassVar[tuple[str, ...]] = ("ws", "wss", "http", "https")

    def __init__(self, url: str | URL, *, silence_timeout_s: float | None = None, **options: Any) -> None:
        super().__init__(url, **options)
        if silence_timeout_s is not None and not silence_timeout_s > 0:
            message = f"silence_timeout_s is {silence_timeout_s!r}: it has to be above 0, or None"
            raise UsageError(message)
        self._silence_timeout_s = silence_timeout_s

    async def _connection(self) -> AsyncGenerator[Receipt, None]:
        more = True
        while more:
            more = False
            opened_ns = time.monotonic_ns()
            async with await self._open() as socket:
                self._answered()
                while (message := await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    received_ns = time.monotonic_ns()
                    event = read_event(message, str(self.url))
                    self.last_event_id = event.id
                    more = True
                    yield Receipt(event, received_ns, opened_ns)
            more = self._end(message) and more

    async def _open(self) -> aiohttp.ClientWebSocketResponse[Any]:
        url = self.url.update_query(query(after=self.last_event_id))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self.session.ws_connect(
                    url,
                    headers=self._request_headers(),
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT_S),
                    # aiohttp waits half as long again for the pong.
                    heartbeat=self._silence_timeout_s and self._silence_timeout_s / 1.5,
                )
        except aiohttp.WSServerHandshakeError as error:
            text = f"{self.url} answered the WebSocket handshake with {_status(error.status)}"
            raise (Trouble(text) if error.status >= 500 else ClientError(text)) from error

    def _end(self, last: aiohttp.WSMessage) -> bool:
        """Judge how a socket ended; whether to come back at once.

        Raises:
            ClientError: if coming back would end the same way.
        """
        if last.type is WSMsgType.CLOSE:
            text = f"{self.url} closed the WebSocket with {last.data}" + (
                f": {last.extra}" if last.extra else ""
            )
            if last.data not in _PASSING:
                raise ClientError(text)
            if last.data != COME_BACK:
                raise Trouble(text)
            return True
        if last.type is WSMsgType.ERROR and isinstance(last.data, aiohttp.ServerTimeoutError):
            text = f"{self.url} was silent for {self._silence_timeout_s:g} s and did not answer a ping"
            raise Trouble(text)
        if last.type is WSMsgType.ERROR:
            text = f"{self.url} broke off the WebSocket: {last.data}"
            raise ClientError(text) if isinstance(last.data, aiohttp.WebSocketError) else Trouble(text)
        return False


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def read_event(message: aiohttp.WSMessage, url: str) -> Event:
    """The event in a message.

    Raises:
        ClientError: if there is none.
    """
    try:
        values = json.loads(message.data)
        return Event("message", str(values["data"]), str(values["id"]))
    except (ValueError, KeyError, TypeError) as error:
        text = f'{url} sent {message.data!r:.200}, not {{"id": …, "data": …}}'
        raise ClientError(text) from error
