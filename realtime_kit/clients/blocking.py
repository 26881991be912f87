"""A blocking client for scripts: follow a stream of events with a plain `for` loop.

requests fetches and sseclient-py reads events, which is all that they do. Added here is what makes it
reliable: connecting again after the server died, going on after the last event, and noticing an answer that
is no stream.
"""

from __future__ import annotations

import codecs
import contextlib
import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping

import requests
import sseclient

from realtime_kit.clients.backoff import Backoff
from realtime_kit.clients.event_stream import Event, EventStreamParser
from realtime_kit.errors import ClientError, UsageError

CONNECT_TIMEOUT_S = 10.0
"""Longest wait for a connection, in seconds; it covers two lost packets on the way to a distant server."""

LONGEST_RETRY_S = 60.0
"""Longest wait, in seconds, that a server's `retry:` can ask for; it is in ms, and easily mistaken."""


def sse_events(
    url: object,
    *,
    last_event_id: str = "",
    reconnect: bool = True,
    max_reconnects: int = 10,
    timeout_s: float | None = None,
    headers: Mapping[str, str] | None = None,
    session: requests.Session | None = None,
    backoff: Backoff | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Event, None, None]:
    """The events of a stream, as they arrive.

    It connects when the first event is asked for. When the stream ends or breaks it connects again, as a
    browser would, with the id of the last event in `Last-Event-ID`; an answer of 204 No Content ends it.
    Between connections it waits the `retry:` time the server asked for plus a growing random one (`Backoff`).
    Closing the generator (`.close()`) closes the connection; so does leaving the loop, if it is not kept.

    Args:
        url: Address of the stream; text, or anything whose `str()` is the address.
        last_event_id: Go on after this event; empty: from wherever the server begins.
        reconnect: Whether to connect again. Without it a stream that ends ends the loop, and one that breaks
            off raises.
        max_reconnects: Reconnections in a row that bring no event before giving up; 0 or more. Ten take a
            good minute on average, long enough to restart a server in between.
        timeout_s: Longest silence, in seconds, before the connection counts as broken; None waits for ever.
            On a stream with keep-alives, two and a half times their interval is a good choice.
        headers: Further request headers.
        session: Session to use, for its cookies, authentication or proxies; it is left open.
        backoff: Growing part of the waits between connections.
        sleep: What waits, given seconds; tests give something faster.

    Raises:
        UsageError: A number outside its range.
        ClientError: The first connection failed; an answer was no event stream (not 200, or another content
            type); the stream broke and `reconnect` is off; or every reconnection allowed was in vain.
        ProtocolError: The stream has a line or an event of over a megabyte.
    """
    if max_reconnects < 0 or (timeout_s is not None and timeout_s <= 0):
        message = (
            f"max_reconnects is 0 or more and timeout_s above 0 (or None for no limit), "
            f"not {max_reconnects!r} and {timeout_s!r}."
        )
        raise UsageError(message)
    stream = _Stream(str(url), last_event_id, headers or {}, timeout_s)
    waits = Backoff(random.Random()) if backoff is None else backoff
    return _follow(stream, session, max_reconnects if reconnect else None, waits, sleep)


def _follow(
    stream: _Stream,
    session: requests.Session | None,
    max_reconnects: int | None,
    backoff: Backoff,
    sleep: Callable[[float], None],
) -> Generator[Event, None, None]:
    in_vain = 0
    with contextlib.ExitStack() as stack:
        http = session or stack.enter_context(requests.Session())
        while True:
            broken = None
            try:
                with contextlib.closing(stream.one_connection(http)) as events:
                    for event in events:
                        in_vain = 0
                        backoff.reset()
                        yield event
            except requests.RequestException as error:
                if not stream.was_open:
                    message = f"GET {stream.url} failed: {error}"
                    raise ClientError(message) from error
                broken = error
            if stream.refused or (max_reconnects is None and broken is None):
                return
            if in_vain == (max_reconnects or 0):
                raise ClientError(_gave_up(stream.url, in_vain, broken)) from broken
            in_vain += 1
            sleep(min(stream.retry_s or 0.0, LONGEST_RETRY_S) + backoff.next_s())


def _gave_up(url: str, in_vain: int, broken: Exception | None) -> str:
    how = f"broke off ({broken})" if broken else "ended"
    return f"The stream of {url} {how}, and {in_vain} reconnections since its last event brought no other."


class _Stream:
    """What is known of a stream from one connection to the next."""

    def __init__(
        self, url: str, last_event_id: str, headers: Mapping[str, str], timeout_s: float | None
    ) -> None:
        self.url = url
        self.retry_s: float | None = None
        self.was_open = False
        self.refused = False  # by 204 No Content, the server's way to stop reconnections
        self._last_event_id = last_event_id
        self._headers = headers
        self._timeout_s = timeout_s

    def one_connection(self, http: requests.Session) -> Generator[Event, None, None]:
        """Connect and yield events until the server ends the stream; what breaks it is raised."""
        with contextlib.closing(self._get(http)) as response:
            if response.status_code == requests.codes.no_content:
                self.refused = True
                return
            _require_event_stream(self.url, response)
            self.was_open = True
            try:
                for event in sseclient.SSEClient(self._lines(response)).events():
                    yield Event(event.event, event.data, self._last_event_id)
            except _Ended:
                return

    def _get(self, http: requests.Session) -> requests.Response:
        # `identity`: a compressed stream would hold events back until the compressor's block is full.
        headers: dict[str, str | bytes] = {
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            "Cache-Control": "no-store",
            **self._headers,
        }
        if self._last_event_id:
            headers["Last-Event-ID"] = self._last_event_id.encode()  # as UTF-8; requests would try Latin-1
        return http.get(self.url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT_S, self._timeout_s))

    def _lines(self, response: requests.Response) -> Iterator[bytes]:
        """The response line by line, for sseclient-py, which yields an event at the line that ends it.

        sseclient-py skips blocks without data, and with them their `id:` and `retry:`, and it knows no bound
        on memory. So the kit's parser reads along, line by line, and is at the same event.
        """
        parser = EventStreamParser(last_event_id=self._last_event_id)
        # sseclient-py would take a byte order mark for part of a name, and raise at bytes that are not UTF-8.
        utf8 = codecs.getincrementaldecoder("utf-8-sig")("replace")
        # Without chunks, None would wait for the whole body, a number for that many bytes: read one by one.
        chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
        for chunk in response.iter_content(chunk_size=None if chunked else 1):
            for line in utf8.decode(chunk).encode().splitlines(keepends=True):
                parser.feed(line)
                self._last_event_id = parser.last_event_id
                self.retry_s = self.retry_s if parser.retry_s is None else parser.retry_s
                yield line
        # A plain end would make sseclient-py yield what it has of an event that the server did not finish.
        raise _Ended


class _Ended(Exception):
    """The server ended the response."""


def _require_event_stream(url: str, response: requests.Response) -> None:
    content_type = response.headers.get("Content-Type", "no content type")
    essence = content_type.partition(";")[0].strip().lower()
    if response.status_code == requests.codes.ok and essence == "text/event-stream":
        return
    message = (
        f"GET {url} answered {response.status_code} {response.reason} with {content_type}, "
        f"not 200 with text/event-stream{_first_line(response)}"
    )
    raise ClientError(message)


def _first_line(response: requests.Response) -> str:
    # Only of a body of known length: a held stream of another type might never send a first line.
    if "Content-Length" not in response.headers:
        return "."
    start = next(response.iter_content(chunk_size=200), b"")
    line = next(iter(start.decode("utf-8", "replace").strip().splitlines()), "")
    return f": {line}" if line else "."
