"""Hand-made exchanges, as an X-ray would have seen them; times in milliseconds."""

from __future__ import annotations

from realtime_kit.plots.widgets.history_timeline_view import HistoryView
from realtime_kit.plots.widgets.long_poll_microscope_view import LongPollView
from realtime_kit.publisher import encode_event, json_page
from realtime_kit.taps.x_ray import Cause, Exchange, Head, Hold, Message
from realtime_kit.taps.x_ray.exchange import Why

BEGAN_NS = 5_000_000_000


def ns(at_ms: float) -> int:
    return BEGAN_NS + round(at_ms * 1e6)


def message(kind: str, at_ms: float, *, text: str = "", target: str = "", **headers: str) -> Message:
    head = Head(tuple((name.replace("_", "-"), value) for name, value in headers.items()), target=target)
    return Message(1, ns(at_ms), "client", 1, 1, "client", "pushpin", kind, "", text=text,  # type: ignore[arg-type]
                   size_bytes=len(text), head=head)  # fmt: skip


def question(
    number: int,
    client: int,
    asked: float,
    held: tuple[float, float | None] | None = None,
    answered: float | None = None,
    *events: int,
) -> Exchange:
    """A long-poll."""
    request = message("request", asked, target=f"/events?client={client}&after=0")
    page = json_page([(event, '{"id":99}') for event in events], 0).decode()
    response = None if answered is None else message("response", answered, text=page)
    hold = None if held is None else Hold("response", ("events",), ns(held[0]), held[1] and ns(held[1]))
    ended = None if answered is None else ns(answered)
    return Exchange(
        number, "client", client, (request,), request, response, ended_ns=ended, hold=hold, cause=None
    )


def to_origin(
    number: int, at: float, why: Why, *, clients: tuple[int, ...] = (), text: str = "", answered: float = 0.0
) -> Exchange:
    request = message("request", at)
    response = message("response", answered or at + 1, text=text)
    return Exchange(number, "origin", 9, (request, response), request, response, cause=Cause(why, 1, clients))


def publication(number: int, at: float, *events: int) -> Exchange:
    """A request to Pushpin's publish port; without ids it is a call to those who are late."""
    details = tuple(("id", str(event)) for event in events)
    sent = Message(1, ns(at), "publish", 8, number, "publisher", "pushpin", "publish", "", details)
    return Exchange(number, "publish", 8, (sent,))


LONG_POLLS = [
    question(1, 1, 0, (10, 2000), 2001, 1),
    question(2, 2, 5, (20, 2010), 2012, 1),
    to_origin(3, 8, "client request"),
    to_origin(4, 12, "client request"),
    to_origin(5, 1100, "repeat"),
    to_origin(6, 1105, "repeat"),
    publication(7, 1999, 1),
    publication(8, 2005),
    question(9, 1, 2020, (2050, 4000), 4001, 2),
    question(10, 2, 2030, (2060, 4002), 4003, 2),
    to_origin(11, 2025, "client request"),
    to_origin(12, 2035, "client request"),
    publication(13, 3999, 2),
    publication(14, 4010, 3),
    question(15, 1, 4015, None, 4020, 3),
    question(16, 2, 4030, None, 4040, 3),
    question(17, 1, 4070, (4100, None)),
    question(18, 2, 4080, (4090, None)),
    to_origin(19, 4500, "repeat"),
]


def long_polls(exchanges: list[Exchange] | None = None, *, now: float = 5000) -> LongPollView:
    return LongPollView.of(
        LONG_POLLS if exchanges is None else exchanges,
        clients=2,
        began_ns=BEGAN_NS,
        now_ns=ns(now),
        until_s=6.0,
    )


def blocks(*events: int) -> str:
    return b"".join(encode_event("x", id=str(event)) for event in events).decode()


def stream(
    number: int,
    opened: float,
    held: float | None,
    parts: list[tuple[float, str]],
    *,
    closed: float | None = None,
    after: int = 0,
) -> Exchange:
    request = message("request", opened, target="/events", Last_Event_ID=str(after))
    answer = [message("response", opened + 1), *(message("body part", at, text=text) for at, text in parts)]
    hold = None if held is None else Hold("stream", ("events",), ns(held))
    return Exchange(
        number, "client", number, (request, *answer), request, answer[0], hold=hold,
        ended_ns=None if closed is None else ns(closed),
    )  # fmt: skip


HISTORY = [
    stream(
        1,
        0,
        9,
        [(5, blocks(1, 2)), (8, blocks(3, 4)), (11, blocks(5)), (1000, blocks(6)), (1500, blocks(7))],
        closed=2000,
    ),
    to_origin(2, 3, "client request", clients=(1,), text=blocks(1, 2)),
    to_origin(3, 6, "next link", clients=(1,), text=blocks(3, 4)),
    to_origin(4, 8, "next link", clients=(1,), text=blocks(5)),
    stream(5, 4000, 4008, [(4010, blocks(8, 9)), (4500, blocks(10))], after=7),
    to_origin(6, 4002, "client request", clients=(5,), text=blocks(8, 9)),
]


def history(exchanges: list[Exchange] | None = None, *, published: int = 10) -> HistoryView:
    return HistoryView.of(
        HISTORY if exchanges is None else exchanges,
        published=published,
        now_ns=ns(5000),
        until_s=6.0,
        events_until=12,
    )
