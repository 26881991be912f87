"""What taps have heard and nobody has decoded yet: noted at once, decoded when there is time or somebody asks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable

REST_S = 0.005
"""How long decoding waits for a pause. A message takes about 2 ms through Pushpin; decoding takes 0.1 ms, and
would hold up what comes behind it."""

_SPELL_S = 0.001
"""How long decoding goes on before what has arrived meanwhile is passed on."""

_MOST_BYTES = 1_000_000
"""What may wait to be decoded; with more, whoever notes it decodes it."""


class Journal:
    """Decodes in the order in which it was noted, on whichever thread has time.

    So whoever asks sees all that was noted before, and nothing that is passed on waits for a decoder.
    """

    def __init__(self) -> None:
        self._notes: deque[tuple[Callable[[], None], int]] = deque()
        self._decoding = threading.Lock()
        self._noted_bytes = 0  # written by the taps' thread only
        self._decoded_bytes = 0  # written under the lock only
        self._timer: asyncio.Handle | None = None

    def note(self, decode: Callable[[], None], size_bytes: int = 0) -> None:
        """Keep something for later. Called on the taps' loop.

        Args:
            decode: Decodes it; must not raise.
            size_bytes: What it keeps in memory until then.
        """
        self._notes.append((decode, size_bytes))
        self._noted_bytes += size_bytes
        if self._noted_bytes - self._decoded_bytes > _MOST_BYTES:
            self.catch_up()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(REST_S, self._work)

    def catch_up(self) -> None:
        """Decode all that was noted before this call. From any thread."""
        with self._decoding:
            for _ in range(len(self._notes)):
                self._decode_next()

    def stop(self) -> None:
        """Decode what is left, and wait for nothing more. Called on the taps' loop."""
        self.catch_up()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _work(self) -> None:
        """Decode for a while, on the taps' loop."""
        self._timer = None
        until_s = time.monotonic() + _SPELL_S
        if self._decoding.acquire(blocking=False):  # else somebody is at it
            try:
                while self._notes and time.monotonic() < until_s:
                    self._decode_next()
            finally:
                self._decoding.release()
        if self._notes:
            self._timer = asyncio.get_running_loop().call_soon(self._work)

    def _decode_next(self) -> None:
        decode, size_bytes = self._notes.popleft()
        self._decoded_bytes += size_bytes
        decode()
