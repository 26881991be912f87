"""The application's own memory: events in order, with increasing ids. Everything an origin answers comes from here."""

from __future__ import annotations

from collections.abc import Callable


class EventLog:
    """Events with ids 1, 2, 3, …

    Ids that grow by one make every question a slice: what came after 17 is everything from the 18th on.
    A new log begins again at 1, and Pushpin drops ids it has seen within the last `id_cache_ttl_s` (60 s): give a
    new log a new Pushpin, or another channel.
    """

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._listeners: list[Callable[[int, str], None]] = []

    @property
    def last_id(self) -> int:
        """Id of the latest event; 0 if there is none yet."""
        return len(self._texts)

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
        first = max(event_id, 0)
        end = None if limit is None else first + limit
        return list(enumerate(self._texts[first:end], first + 1))

    def on_append(self, listener: Callable[[int, str], None]) -> None:
        """Call `listener(id, data)` for every event from now on, such as to publish it."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Callable[[int, str], None]) -> None:
        """Undo `on_append`; a listener that is not there changes nothing."""
        self._listeners = [each for each in self._listeners if each != listener]
