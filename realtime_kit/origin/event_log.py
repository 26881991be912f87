"""The application's own memory: events in order, with increasing ids. Everything an origin answers comes from here."""

from __future__ import annotations

from collections.abc import Callable

from realtime_kit.errors import UsageError


class EventLog:
    """Events with ids 1, 2, 3, …

    Ids that grow by one make every question a slice: what came after 17 is everything from the 18th on.

    The trap of a second log: Pushpin remembers the ids of a channel for `id_cache_ttl_s` (60 s), and drops what is
    published with one of them again, without a word. So a log that begins at 1 needs a Pushpin that has just been
    started, or a channel of its own. Where it has neither, begin at an id that nobody has used: with
    `time.time_ns() // 1_000_000` no two logs of up to 1,000 events a second meet.

    Args:
        first_id: Id of its first event, 1 or more.

    Raises:
        UsageError: if `first_id` is less.
    """

    def __init__(self, *, first_id: int = 1) -> None:
        if first_id < 1:
            message = f"first_id is {first_id}: it has to be 1 or more"
            raise UsageError(message)
        self._first_id = first_id
        self._texts: list[str] = []
        self._listeners: list[Callable[[int, str], None]] = []

    @property
    def last_id(self) -> int:
        """Id of the latest event; that before the first, usually 0, if there is none yet."""
        return self._first_id - 1 + len(self._texts)

    def append(self, data: str) -> int:
        """Add an event, tell whoever listens, and return its id."""
        self._texts.append(data)
        for listener in self._listeners:
            listener(self.last_id, data)
        return self.last_id

    def after(self, event_id: int, *, limit: int | None = None) -> list[tuple[int, str]]:
        """Events later than `event_id`, oldest first, at most `limit`: (id, data) of each.

        An id from the future (the log of a restarted origin is shorter) yields nothing.
        """
        begin = max(event_id + 1 - self._first_id, 0)
        end = None if limit is None else begin + limit
        return list(enumerate(self._texts[begin:end], self._first_id + begin))

    def on_append(self, listener: Callable[[int, str], None]) -> None:
        """Call `listener(id, data)` for every event from now on, such as to publish it."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Callable[[int, str], None]) -> None:
        """Undo `on_append`; a listener that is not there changes nothing."""
        self._listeners = [each for each in self._listeners if each != listener]
