"""What the chat board shows: who said what, and what crossed the wires for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from realtime_kit.plots.sequence_rows import Away
from realtime_kit.taps.x_ray import Message, exchanges

SHOWN = 30
"""How many of the room's messages are shown, the newest."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message to the room.

    Attributes:
        who: Who said it.
        text: What was said.
        is_heard: Whether it has come back to everybody; else it is on its way.
    """

    who: str
    text: str
    is_heard: bool = False

    def __str__(self) -> str:
        return f"{self.who}: {self.text}"


@dataclass(frozen=True, slots=True)
class ChatView:
    """The room at one moment.

    Attributes:
        people: Who is in it, in the order in which they came.
        said: All messages, in the order in which they were said.
        seen: What crossed the wires, oldest first: the newest of it.
        dropped: How much came before that.
        away: When there was no backend.
        phase: What is going on, in a sentence.
        is_open: Whether everybody is in, and can speak.
    """

    people: tuple[str, ...]
    said: tuple[Said, ...] = ()
    seen: tuple[Message, ...] = ()
    dropped: int = 0
    away: tuple[Away, ...] = ()
    phase: str = ""
    is_open: bool = False

    @property
    def heard(self) -> tuple[Said, ...]:
        """The messages that have come back to everybody."""
        return tuple(each for each in self.said if each.is_heard)

    @property
    def asked(self) -> tuple[int, int]:
        """How many requests the backend has seen: to let somebody in, and for what came on a WebSocket."""
        whys = [each.cause.why for each in exchanges(self.seen).values() if each.cause is not None]
        return whys.count("client request"), whys.count("websocket")


def room_html(said: Sequence[Said]) -> str:
    """The messages as a list that grows at its end; every text escaped.

    Args:
        said: All of them; the newest are shown.
    """
    items = "".join(_item(each) for each in said[-SHOWN:]) or "<li>Nobody has said anything yet.</li>"
    left_out = len(said) - SHOWN
    note = f"<p>{left_out:,} earlier messages are not shown.</p>" if left_out > 0 else ""
    return (
        f'{_CSS}<div class="rtk-room">{note}'
        f'<ul role="log" aria-live="polite" aria-label="What was said in the room">{items}</ul></div>'
    )


def _item(said: Said) -> str:
    waits = "" if said.is_heard else " <em>(on its way)</em>"
    return f"<li><strong>{escape(said.who)}</strong>: {escape(said.text)}{waits}</li>"


_CSS = (
    "<style>"
    ".rtk-room{color:var(--jp-content-font-color1,inherit);line-height:1.5}"
    ".rtk-room ul{list-style:none;margin:.3em 0;padding:0;max-height:15em;overflow-y:auto}"
    ".rtk-room li{overflow-wrap:anywhere}"
    ".rtk-room em{color:var(--jp-content-font-color2,inherit)}"
    "</style>"
)
