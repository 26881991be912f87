"""What the receivers in Python write down, and the commands they answer: those of receiver.c."""

from __future__ import annotations

import time


class ReceiptBook:
    """The latest event of each client, and when it was read.

    Args:
        clients: How many.
    """

    def __init__(self, clients: int) -> None:
        self.ids = [0] * clients
        self.received_ns = [0] * clients
        self._expected = self._missing = 0

    def write(self, client: int, line: bytes) -> None:
        """A line of an event stream; only an id's is of interest."""
        if not line.startswith(b"id: "):
            return
        before, event_id = self.ids[client], int(line[4:])
        if event_id <= before:
            return
        self.ids[client], self.received_ns[client] = event_id, time.monotonic_ns()
        if before < self._expected <= event_id:
            self._missing -= 1
            if not self._missing:
                print("reached", flush=True)

    def obey(self, command: str, event_id: int) -> None:
        """`expect` and `report`."""
        if command == "expect":
            self._expected = event_id
            self._missing = sum(latest < event_id for latest in self.ids)
            if not self._missing:
                print("reached", flush=True)
        elif command == "report":
            times = zip(self.ids, self.received_ns, strict=True)
            print(*(at_ns if latest == event_id else 0 for latest, at_ns in times), flush=True)

    def silent(self, event_id: int) -> list[int]:
        """Who has not had it."""
        return [client for client, latest in enumerate(self.ids) if latest < event_id]
