"""An interrupt while something is measured: what is under way may be finished, what has not begun is left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Coroutine
from typing import Any, TypeVar

from realtime_kit.errors import RealtimeKitError

T = TypeVar("T")

ENDING_EARLY = "ending early"
"""Phase in which what was interrupted settles what it has measured."""

STOPPING = "stopping"
"""Phase in which what was interrupted too early, with nothing measured, takes its processes down."""

SAID = {
    ENDING_EARLY: "finishing with what was measured; Ctrl-C again discards it",
    STOPPING: "stopping; nothing had been measured yet",
}
"""What is said to whoever pressed Ctrl-C, on a terminal or not."""


class Interrupted(RealtimeKitError):
    """What was being waited for has been left. (A KeyboardInterrupt on the kit's loop would end the loop itself.)"""


@contextlib.asynccontextmanager
async def ending(doing: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Do something meanwhile; what is left of it at the end, an error's included, is cancelled."""
    task = asyncio.create_task(doing)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def unless(stop: asyncio.Event, doing: Awaitable[T], *, grace_s: float = 0.0) -> T:
    """Wait for something, or for an interrupt.

    Args:
        stop: Set when the interrupt has come.
        doing: What to wait for; it is cancelled if it is left.
        grace_s: How long it may go on after the interrupt, seconds.

    Raises:
        Interrupted: if it had not ended by then.
    """
    task, stopped = asyncio.ensure_future(doing), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait((task,), timeout=grace_s)
        if not task.done():
            raise Interrupted("interrupted")
        return task.result()
    finally:
        for each in (task, stopped):
            each.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)
