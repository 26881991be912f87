"""Clients of a service that the kit knows nothing of: events are told apart by what is in them. It runs as a worker."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, cast

import aiohttp
from yarl import URL

from realtime_kit.clients.event_stream import Event, EventStreamParser
from realtime_kit.clients.swarm.crew import ANSWER_TIMEOUT_S, NAMES, CrewWorker, serve
from realtime_kit.clients.swarm.stream import Refused, StreamMember
from realtime_kit.errors import ClientError

_MOST_OLD = 100_000


def key_of(text: str, *, id: str = "", type: str = "message") -> int:  # noqa: A002
    """A number for an event that is the same in every process: 62 bits of a digest, and whether it has an id."""
    digest = blake2b("\0".join((id, type, text)).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2 << 1 | bool(id)


def has_id(key: int) -> bool:
    """Whether the event of this key has an id; without one it may be the same again and again."""
    return bool(key & 1)


class OwnIdParser(EventStreamParser):
    """An id counts for the event that carries it: of what came before, clients have seen more or less."""

    def _dispatch(self) -> Event | None:
        event = super()._dispatch()
        self._id = ""
        return event


class WatchMember(StreamMember):
    """A streaming client that reads no more when the watch is over, however much still comes."""

    PARSER = OwnIdParser
    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """As ever, as long as it counts."""
        if time.monotonic_ns() < cast("WatchCrew", self._crew).end_ns:
            super().data_received(data)


class SocketMember:
    """A WebSocket client; its messages are the events."""

    def __init__(self, number: int, crew: WatchCrew, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._reading = asyncio.create_task(self._read(number, crew, time.monotonic_ns()))

    async def _read(self, number: int, crew: WatchCrew, opened_ns: int) -> None:
        reason = ""
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.ERROR:
                    break
                received_ns = time.monotonic_ns()
                text = message.data if isinstance(message.data, str) else message.data.decode("latin-1")
                crew.receive(number, (key_of(text),), received_ns, opened_ns)
        except (aiohttp.ClientError, OSError) as error:
            reason = f": {error}"
        crew.lose(number, self, f"the server closed the WebSocket ({self._socket.close_code}){reason}")  # type: ignore[arg-type]

    def close(self) -> None:
        """Hang up."""
        self._reading.cancel()


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


class WatchCrew(CrewWorker):
    """Some clients that write down whatever comes."""

    MEMBER = WatchMember

    def __init__(self) -> None:
        super().__init__()
        self.end_ns = 2**63 - 1
        self._start_ns = self.end_ns
        self._most = 0
        self._old: set[int] = set()
        self._sightings: dict[int, _Sighting] = {}
        self._further = 0
        self._headers: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None

    async def prepare(self, *, headers: dict[str, str]) -> None:
        """Send these header fields with every request."""
        self._headers = headers

    async def open_by(
        self, *, urls: Sequence[str], sources: Sequence[str], count: int, in_flight: int, timeout_s: float
    ) -> dict[str, Any]:
        """Connect clients as `open` does, as many as can be in some time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.open(urls=urls, sources=sources, count=count, in_flight=in_flight)
        return self._state()

    async def watch(self, *, start_ns: int, end_ns: int, most: int) -> None:
        """Write down events from a moment on, up to so many different ones; read nothing after another moment."""
        gc.collect()
        gc.freeze()  # what is there by now is not looked through again while events come
        self._start_ns, self.end_ns, self._most = start_ns, end_ns, most

    async def sightings(self) -> dict[str, Any]:
        """What has been seen since the watch began, by key, and how many receipts were beyond what is watched."""
        seen = {
            str(key): [each.first_ns, each.clients, each.repeats, each.last_ns, each.used_ns]
            for key, each in self._sightings.items()
        }
        return {"seen": seen, "further": self._further, **self._state()}

    async def old(self, *, keys: Sequence[int]) -> list[int]:
        """Which of these somebody has received before the watch began."""
        return [key for key in keys if key in self._old]

    async def close(self) -> None:
        """Hang up."""
        await super().close()
        if self._session is not None:
            await self._session.close()

    def number_of(self, event: Event) -> int:
        """Its key."""
        return key_of(event.data, id=event.id, type=event.type)

    def receive(self, number: int, event_ids: tuple[int, ...], received_ns: int, opened_ns: int) -> None:
        """Write down what is watched."""
        if received_ns < self._start_ns:
            if len(self._old) < _MOST_OLD:
                self._old.update(event_ids)
            return
        if received_ns >= self.end_ns:
            return
        for key in event_ids:
            sighting = self._sightings.get(key)
            if sighting is None:
                if len(self._sightings) >= self._most:
                    self._further += 1
                    continue
                has = bytearray(len(self.members))
                sighting = self._sightings[key] = _Sighting(received_ns, time.process_time_ns(), has)
            if sighting.has[number]:
                sighting.repeats += 1
                if has_id(key) and len(self.book) < 2 * self._most * len(self.members):
                    self.book.write(number, key, received_ns, opened_ns)
            else:
                self.book.write(number, key, received_ns, opened_ns)
                sighting.has[number] = 1
                sighting.clients += 1
                sighting.last_ns = received_ns
                if sighting.clients == len(self.members):
                    sighting.used_ns = time.process_time_ns() - sighting.first_used_ns

    def _request(self, url: URL) -> bytes:
        port = "" if url.is_default_port() else f":{url.explicit_port}"
        host = f"[{url.raw_host}]" if ":" in (url.raw_host or "") else url.raw_host
        fields = {"Host": f"{host}{port}", "Accept": "text/event-stream", **self._headers}
        lines = [f"GET {url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "\r\n"]).encode()

    async def _open_one(self, number: int) -> None:
        # Who is turned away, by a limit on clients perhaps, is missing; the others can be watched all the same.
        try:
            await super()._open_one(number)
        except ClientError as error:
            self._note(str(error))

    async def _connect(self, number: int, url: URL) -> Any:
        if url.scheme not in ("ws", "wss"):
            return await super()._connect(number, url)
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                socket = await self._session.ws_connect(url, headers=self._headers)
        except aiohttp.WSServerHandshakeError as error:
            message = f"the answer is no WebSocket: {error.status} {error.message}"
            raise Refused(message, again=error.status in (500, 502, 503, 504)) from None
        except aiohttp.ClientError as error:
            raise Refused(str(error), again=True) from None
        return SocketMember(number, self, socket)


def main() -> None:
    """Run the worker."""
    serve(WatchCrew(), (*NAMES, "prepare", "open_by", "watch", "sightings", "old"))


if __name__ == "__main__":
    main()
