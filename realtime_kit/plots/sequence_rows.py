"""What a sequence of messages shows, in a picture and in a table: who tells whom what, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from realtime_kit.errors import UsageError
from realtime_kit.plots.words import format_seconds
from realtime_kit.taps.x_ray import Exchange, Hold, Message, exchanges

CLIENT_LANES = 3
"""So many clients get a line of their own; those beyond share the last one."""

PARTY_NAMES = {"client": "client", "pushpin": "Pushpin", "origin": "origin", "publisher": "publisher"}

_TRANSPORTS = {"response": "long-polling", "stream": "streaming", "websocket": "websocket"}
_OWN = {
    "next link": "no client asked: follows the link",
    "repeat": "no client asked: repeats its request",
    "unknown": "no client's request is known for it",
}
_SAID = (
    "last-event-id",
    "if-none-match",
    "grip-last",
    "grip-link",
    "grip-timeout",
    "grip-keep-alive",
    "grip-status",
)
_SAID_BEGINNINGS = ("meta-", "set-meta-", "grip-set-meta")
_FORMATS = ("http-response", "http-stream", "ws-message")


@dataclass(frozen=True, slots=True)
class SequenceRow:
    """One message, in words.

    Attributes:
        message: What it is told about.
        since_s: Seconds since the first message of all.
        sender: Name of the lifeline it leaves; several clients are numbered.
        receiver: Name of the lifeline it reaches.
        title: What stands on its arrow.
        remark: What stands beneath; may be empty.
        why: Of a request to the origin, why Pushpin sends it; numbers are those of exchanges.
        client: The client's request for whose sake it is sent, by number; None if there is none.
        transport: The kit's name of the way the client is served; empty for a plain request and for publishing.
        is_pushed: Whether Pushpin sends it to a client that waits or listens.
        is_own: Whether Pushpin sends it without a client's request.
    """

    message: Message
    since_s: float
    sender: str
    receiver: str
    title: str
    remark: str = ""
    why: str = ""
    client: int | None = None
    transport: str = ""
    is_pushed: bool = False
    is_own: bool = False

    @property
    def at(self) -> str:
        """When, in words: seconds to the millisecond."""
        return f"{self.since_s:,.3f} s"


@dataclass(frozen=True, slots=True)
class Away:
    """A time in which there was no origin: whoever took it down knows when.

    Attributes:
        from_ns: When it was taken down, nanoseconds of `time.monotonic_ns`.
        until_ns: When it was back; None if it is not yet.
    """

    from_ns: int
    until_ns: int | None = None

    def __str__(self) -> str:
        if self.until_ns is None:
            return "no origin"
        return f"no origin for {format_seconds((self.until_ns - self.from_ns) / 1e9)}"


@dataclass(frozen=True, slots=True)
class SequenceRows:
    """What is shown of a row of messages.

    Attributes:
        rows: The newest, in order.
        left_out: How many came before them.
        holds: By exchange, the requests of clients that were held.
        clients: The lifelines of clients, from left to right.
    """

    rows: tuple[SequenceRow, ...]
    left_out: int
    holds: Mapping[int, Hold]
    clients: tuple[str, ...] = ()


def sequence_rows(messages: Sequence[Message], *, newest: int, names: Sequence[str] = ()) -> SequenceRows:
    """A row for each message that tells something.

    That a connection opens is left out, and that it closes unless something was under way on it.

    Args:
        messages: All there are, in the order seen: what is not there explains nothing.
        newest: How many rows to make, of the newest; 1 or more.
        names: What clients are called, in the order in which they came; those beyond are numbered.

    Raises:
        UsageError: if `newest` is less than 1, or a name is taken.
    """
    if newest < 1:
        message = f"newest is {newest}: it has to be 1 or more"
        raise UsageError(message)
    check_names(names)
    told = [message for message in messages if _is_telling(message)]
    found = exchanges(messages)
    lanes = client_lanes(messages)
    count = max(lanes.values(), default=0) + 1
    called = {connection: client_name(lane, count, names) for connection, lane in lanes.items()}
    start_ns = messages[0].at_ns if messages else 0
    return SequenceRows(
        rows=tuple(_row(message, found, called, start_ns) for message in told[-newest:]),
        left_out=max(0, len(told) - newest),
        holds={number: each.hold for number, each in found.items() if each.hold},
        clients=tuple(dict.fromkeys(client_name(lane, count, names) for lane in range(count))),
    )


def check_names(names: Sequence[str]) -> None:
    """Nobody can be called like another, or like one of the other lifelines.

    Raises:
        UsageError: if somebody is.
    """
    taken = [*names, *PARTY_NAMES.values()]
    for name in names:
        if taken.count(name) > 1:
            message = f"two lifelines would be called {name!r}: every name has to be another one"
            raise UsageError(message)


def count_rows(messages: Iterable[Message]) -> int:
    """How many of the messages tell something."""
    return sum(map(_is_telling, messages))


def client_lanes(messages: Iterable[Message]) -> dict[int, int]:
    """For each connection of a client, which lane it is drawn in, counted from 0.

    A wire does not say which connections belong to one client. So those that exist at the same time get
    different lanes, and a lane is used again when its connection has been closed.
    """
    lanes: dict[int, int] = {}
    busy: dict[int, int] = {}  # lane: connection
    for message in messages:
        if message.leg != "client":
            continue
        if message.connection not in lanes:
            lane = next(number for number in range(len(busy) + 1) if number not in busy)
            lanes[message.connection] = lane
            busy[lane] = message.connection
        if message.kind == "closed":
            busy.pop(lanes[message.connection], None)
    return lanes


def client_name(lane: int, count: int, names: Sequence[str] = ()) -> str:
    """What a client's lane is called.

    Args:
        lane: Counted from 0.
        count: How many lanes there are in all.
        names: Those that are known, by lane.
    """
    is_shared = lane >= CLIENT_LANES - 1 and count > CLIENT_LANES
    if is_shared:
        lane = CLIENT_LANES - 1
    name = names[lane] if lane < len(names) else f"client {lane + 1}" if count > 1 else "client"
    return f"{name}+" if is_shared else name


def _is_telling(message: Message) -> bool:
    if message.kind == "closed":
        return message.exchange is not None
    return message.kind != "opened"


def _row(
    message: Message, found: Mapping[int, Exchange], called: Mapping[int, str], start_ns: int
) -> SequenceRow:
    exchange = found.get(message.exchange or 0)
    names = {**PARTY_NAMES, "client": called.get(message.connection, PARTY_NAMES["client"])}
    client = _client(exchange, found)
    transport = _transport(client)
    cause = exchange.cause if exchange and message.kind == "request" else None
    return SequenceRow(
        message=message,
        since_s=(message.at_ns - start_ns) / 1e9,
        sender=names[message.sender],
        receiver=names[message.receiver],
        title=message.title,
        remark=" · ".join(_remarks(message, exchange)),
        why=str(cause or ""),
        client=client.number if client else None,
        transport=transport,
        is_pushed=bool(transport) and message.receiver == "client" and message.kind != "closed",
        is_own=cause is not None and cause.is_pushpins_own,
    )


def _client(exchange: Exchange | None, found: Mapping[int, Exchange]) -> Exchange | None:
    """The request of a client that an exchange is, or is for."""
    if exchange is not None and exchange.cause is not None:
        exchange = found.get(next(iter(exchange.cause.clients), 0))
    return exchange if exchange is not None and exchange.leg == "client" else None


def _transport(client: Exchange | None) -> str:
    """How a client is served."""
    if client is None:
        return ""
    head = client.request.head if client.request else None
    if head is not None and head.get("Upgrade").lower() == "websocket":
        return "websocket"
    return _TRANSPORTS.get(client.hold.mode, "") if client.hold else ""


def _remarks(message: Message, exchange: Exchange | None) -> Iterator[str]:
    """What the title leaves out: why, how long, GRIP's details, and the content."""
    cause = exchange.cause if exchange else None
    if message.kind == "request" and cause and cause.why in _OWN:
        yield _OWN[cause.why] + ("" if cause.certain or cause.why == "unknown" else ", it seems")
    hold = exchange.hold if exchange else None
    if hold and hold.until_ns == message.at_ns and hold.mode == "response":
        yield f"held {format_seconds((hold.until_ns - hold.from_ns) / 1e9)}"
    content = one_line(message.text)
    if message.kind == "publish":
        if content:
            yield content
        yield from (f"{name} {value}" for name, value in message.details if name in ("id", "prev-id"))
        yield _formats({name for name, _ in message.details})
        return
    yield from _said_headers(message)
    if content:
        yield content


def _formats(details: Set[str]) -> str:
    """As what something is published."""
    found = [name for name in _FORMATS if name in details]
    if len(found) == len(_FORMATS):
        return "in every format"
    return "as " + ", ".join(found) if found else "without a format"


def _said_headers(message: Message) -> Iterator[str]:
    for name, value in message.details:
        known = name.lower()
        if known == "grip-link" and message.grip and not message.grip.hold:
            continue  # the title has it
        says_more = known == "grip-channel" and "(" in value
        if says_more or known in _SAID or known.startswith(_SAID_BEGINNINGS):
            yield (
                f"{known.removeprefix('grip-')} {value}" if known.startswith("grip-") else f"{name}: {value}"
            )
        elif name.split(" ")[0] in ("TEXT", "CLOSE", "reason", "problem") and value:
            yield one_line(value)


def one_line(text: str) -> str:
    """Text on one line, its line breaks shown as arrows, without those at the end."""
    return " ↵ ".join(line.strip() for line in text.strip().splitlines() if line.strip())
