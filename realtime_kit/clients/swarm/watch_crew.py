"""The clients, in one process, of a service that the kit knows nothing of. It runs as a worker."""

from __future__ import annotations

import asyncio
import gc
import itertools
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from realtime_kit import worker
from realtime_kit.clients.receipt import ReceiptBook
from realtime_kit.clients.swarm.connect import Connector, make_socket
from realtime_kit.clients.swarm.head import OVERLOADED, Refused
from realtime_kit.clients.swarm.opener import ANSWER_TIMEOUT_S, Opener
from realtime_kit.clients.swarm.watch_member import SocketMember, StreamMember, has_id
from realtime_kit.errors import ClientError
from realtime_kit.tls import tls_context, tls_trouble

_MOST_OLD = 100_000
_LONGEST_HOLD_OFF_S = 10.0
"""Garbage collection is not held off longer than this after the last new event, if nobody looks meanwhile."""

_CLOSE_TIMEOUT_S = 0.5
"""Wait for the other side's half of a close."""


@dataclass(slots=True)
class _Sighting:
    """One event as a crew has seen it."""

    first_ns: int
    first_used_ns: int
    has: bytearray = field(repr=False)
    clients: int = 0
    repeats: int = 0
    last_ns: int = 0
    used_ns: int = 0


class WatchCrew(Opener):
    """Some clients that write down whatever comes."""

    def __init__(self) -> None:
        super().__init__()
        self.book = ReceiptBook()
        self.members: list[StreamMember | SocketMember | None] = []
        self.pieces: dict[bytes, tuple[int, ...]] = {}
        self.end_ns = 2**63 - 1
        self._start_ns = self.end_ns
        self._most = 0
        self._old: set[int] = set()
        self._sightings: dict[int, _Sighting] = {}
        self._further = 0
        self._receipts_before = 0
        self._letting_be: asyncio.TimerHandle | None = None
        self._headers: dict[str, str] = {}
        self._tls: ssl.SSLContext | None = None
        self._session: aiohttp.ClientSession | None = None

    async def open_by(
        self,
        *,
        url: str,
        headers: dict[str, str],
        sources: Sequence[str],
        count: int,
        in_flight: int,
        timeout_s: float,
        first: int = 0,
    ) -> dict[str, Any]:
        """Connect clients, a few at a time, as many as can be in some time.

        Args:
            url: Address of an event stream or a WebSocket.
            headers: Header fields of every request.
            sources: Addresses of this machine to connect from; empty: the system chooses.
            count: How many clients.
            in_flight: How many may be opening at a time.
            timeout_s: After so many seconds the others are left.
            first: The number of the first of them in the swarm.
        """
        self._prepare([url], sources, count, first)
        self._headers, self._tls = headers, tls_context(URL(url))
        self.members = [None] * count
        return await self._open_within(timeout_s, range(count), in_flight)

    async def reopen_by(self, *, numbers: Sequence[int], in_flight: int, timeout_s: float) -> dict[str, Any]:
        """Connect these clients anew, whatever has become of them, as many as can be in some time."""
        for number in numbers:
            member, self.members[number] = self.members[number], None
            if member is not None:
                member.close()
        return await self._open_within(timeout_s, numbers, in_flight)

    async def _open_within(self, timeout_s: float, numbers: Sequence[int], in_flight: int) -> dict[str, Any]:
        try:
            async with asyncio.timeout(timeout_s):
                await self._open_all(numbers, in_flight)
        except TimeoutError:
            self._note_failure(f"not open within {timeout_s:.0f} s")
        return self._state()

    async def watch(self, *, start_ns: int, end_ns: int, most: int) -> None:
        """Write down events from a moment on, up to so many different ones; read nothing after another moment."""
        gc.collect()
        gc.freeze()  # what is there by now is not looked through again while events come
        self._start_ns, self.end_ns, self._most = start_ns, end_ns, most

    async def watch_on(self, *, end_ns: int) -> None:
        """Read until another moment than was said."""
        self.end_ns = end_ns

    async def sightings(self) -> dict[str, Any]:
        """What has been seen since the watch began, by key, and how many receipts were beyond what is watched.

        If there are no more than when this was last asked, no event is coming: garbage may be collected.
        """
        receipts = sum(each.clients + each.repeats for each in self._sightings.values())
        if receipts == self._receipts_before:
            gc.enable()
        self._receipts_before = receipts
        seen = {
            str(key): [each.first_ns, each.clients, each.repeats, each.last_ns, each.used_ns]
            for key, each in self._sightings.items()
        }
        return {"seen": seen, "further": self._further, **self._state()}

    async def old(self, *, keys: Sequence[int]) -> list[int]:
        """Which of these somebody has received before the watch began."""
        return [key for key in keys if key in self._old]

    async def collect(self) -> dict[str, Any]:
        """The receipts since the last call, and what has happened so far."""
        book, self.book = self.book, ReceiptBook()
        return {"receipts": book.receipts().to_json(), **self._state()}

    # What members report

    def receive(self, number: int, keys: tuple[int, ...], received_ns: int, opened_ns: int) -> None:
        """Write down what is watched."""
        if received_ns < self._start_ns:
            if len(self._old) < _MOST_OLD:
                self._old.update(keys)
            return
        if received_ns >= self.end_ns:
            return
        for key in keys:
            sighting = self._sightings.get(key)
            if sighting is None:
                if len(self._sightings) >= self._most:
                    self._further += 1
                    continue
                has = bytearray(self._count)
                self._hold_off_collection()
                sighting = self._sightings[key] = _Sighting(received_ns, time.process_time_ns(), has)
            if sighting.has[number]:
                sighting.repeats += 1
                if has_id(key) and len(self.book) < 2 * self._most * self._count:
                    self.book.write(number, key, received_ns, opened_ns)
            else:
                self.book.write(number, key, received_ns, opened_ns)
                sighting.has[number] = 1
                sighting.clients += 1
                sighting.last_ns = received_ns
                sighting.used_ns = time.process_time_ns() - sighting.first_used_ns

    def _hold_off_collection(self) -> None:
        """An event begins to come: no garbage collection until it has, or for so long."""
        gc.disable()
        if self._letting_be is not None:
            self._letting_be.cancel()
        self._letting_be = asyncio.get_running_loop().call_later(_LONGEST_HOLD_OFF_S, gc.enable)

    def lose(self, number: int, member: object, reason: str) -> None:
        """Remember that a connection has ended; nobody opens it again."""
        if self.members[number] is member:
            self.members[number] = None
            self.losses += 1
            self._note_end(reason)

    # Connecting

    async def _open_one(self, number: int) -> None:
        # Who is turned away, by a limit on clients perhaps, is missing; the others can be watched all the same.
        try:
            await super()._open_one(number)
        except ClientError as error:
            self._note_failure(str(error))

    async def _connect(self, number: int, connector: Connector) -> None:
        open_member = self._open_socket if connector.url.scheme in ("ws", "wss") else self._open_stream
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                self.members[number] = await open_member(number, connector)
        except (aiohttp.ClientError, OSError) as error:
            if trouble := tls_trouble(connector.url, error):
                raise Refused(trouble, again=True) from None
            if isinstance(error, OSError):
                raise
            raise Refused(str(error), again=True) from None

    async def _open_stream(self, number: int, connector: Connector) -> StreamMember:
        member = StreamMember(number, self, self._request(connector.url))
        connection = await connector.connect(self._source(number))
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: member,
                sock=connection,
                ssl=self._tls,
                server_hostname=connector.url.host if self._tls else None,
            )
            await member.answered
        except BaseException:
            member.answered.cancel()
            member.close()
            raise
        return member

    def _request(self, url: URL) -> bytes:
        port = "" if url.is_default_port() else f":{url.explicit_port}"
        host = f"[{url.raw_host}]" if ":" in (url.raw_host or "") else url.raw_host
        fields = {"Host": f"{host}{port}", "Accept": "text/event-stream", **self._headers}
        lines = [f"GET {url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "\r\n"]).encode()

    async def _open_socket(self, number: int, connector: Connector) -> SocketMember:
        url = connector.url
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=self._pool(), cookie_jar=aiohttp.DummyCookieJar())
        try:
            hang_up = aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT_S)
            socket = await self._session.ws_connect(url, headers=self._headers, timeout=hang_up)
        except aiohttp.WSServerHandshakeError as error:
            message = f"the answer is no WebSocket: {error.status} {error.message}"
            raise Refused(message, again=error.status in OVERLOADED) from None
        return SocketMember(number, self, socket)

    def _pool(self) -> aiohttp.TCPConnector:
        """What aiohttp connects with, from each source in turn."""
        sources = itertools.cycle(self._sources or [""])
        return aiohttp.TCPConnector(
            limit=0,
            ssl=self._tls or True,
            socket_factory=lambda address: make_socket(address[0], next(sources)),
        )

    def _is_connected(self, number: int) -> bool:
        return self.members[number] is not None


def main() -> None:
    """Run the worker."""
    crew = WatchCrew()
    names = ("open_by", "reopen_by", "watch", "watch_on", "sightings", "old", "collect")
    worker.serve({name: getattr(crew, name) for name in names}, loop_factory=worker.fastest_loop())


if __name__ == "__main__":
    main()
