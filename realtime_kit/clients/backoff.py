"""How long to wait before trying again."""

from __future__ import annotations

import random

from realtime_kit.errors import UsageError


class Backoff:
    """Bounded exponential backoff with full jitter.

    The k-th wait since the start or the last `reset` (k = 0, 1, …) is uniform on

        [0, min(max_s, first_s · factor^k)]

    The growth leaves a server in trouble alone. The jitter takes apart clients that lost it in the same
    instant: with equal waits they would all come back in the same instant, too ("full jitter": M. Brooker,
    Exponential Backoff and Jitter, AWS Architecture Blog, 2015).

    With the defaults the first retry comes after a quarter of a second on average, the bound doubles each
    time, and from the seventh wait on a client tries about every quarter of a minute.

    Args:
        rng: Where the jitter comes from; give a seeded one to be able to repeat a run.
        first_s: Longest first wait, in seconds, above 0.
        factor: Growth of the bound per wait, 1 or more; 1 keeps it at `first_s`.
        max_s: Longest wait of all, in seconds, `first_s` or more.

    Raises:
        UsageError: A number outside its range.
    """

    def __init__(
        self, rng: random.Random, *, first_s: float = 0.5, factor: float = 2.0, max_s: float = 30.0
    ) -> None:
        if not (0 < first_s <= max_s and factor >= 1):
            message = (
                f"A backoff needs 0 < first_s <= max_s and factor >= 1, not first_s={first_s!r}, "
                f"factor={factor!r}, max_s={max_s!r}."
            )
            raise UsageError(message)
        self._rng = rng
        self._first_s = first_s
        self._factor = factor
        self._max_s = max_s
        self._bound_s = first_s

    def __repr__(self) -> str:
        return f"Backoff(next wait up to {self._bound_s:g} s, at most {self._max_s:g} s)"

    def next_s(self) -> float:
        """The next wait, in seconds; the one after it may be longer."""
        wait_s = self._rng.uniform(0, self._bound_s)
        self._bound_s = min(self._max_s, self._bound_s * self._factor)
        return wait_s

    def reset(self) -> None:
        """Begin again with the short waits: the last try succeeded."""
        self._bound_s = self._first_s
