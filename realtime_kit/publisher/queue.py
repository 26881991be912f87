"""What both publishers share: a queue that turns whatever has gathered into one request.

While one batch is on its way the next gathers, so the batches grow with the load by themselves: alone an item
leaves at once, under pressure a hundred leave together. Order is kept, because only one batch is under way.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable
from typing import Self

from pubcontrol import Item

from realtime_kit.errors import PublishError, UsageError
from realtime_kit.publisher.formats import exported

MAX_ITEMS_PER_BATCH = 100
"""100 items a request cost a hundredth of the requests; more than that gains nothing measurable."""

MAX_BATCH_BYTES = 900_000
"""Pushpin refuses request bodies over 1,000,000 bytes unless it is configured otherwise."""

_KEPT_REASONS = 20
_OTHER_REASONS = "other reasons"
_NOT_SENT = "the publisher was closed before the item had been sent"

_encode = json.JSONEncoder(separators=(",", ":"), default=bytes.decode).encode


class NobodyAnswers(PublishError):
    """The other side was waited for in vain: what queued up meanwhile would only wait as long again."""


OnFailure = Callable[[Item, PublishError], object]
"""Told of an item that was not published, and why."""


class _Queued:
    """An item on its way; `published` is None if nobody awaits it."""

    __slots__ = ("encoded", "item", "published", "settled")

    def __init__(self, item: Item, encoded: bytes, published: asyncio.Future[None] | None) -> None:
        self.item = item
        self.encoded = encoded
        self.published = published
        self.settled = False

    @property
    def withdrawn(self) -> bool:
        """Whether its `publish` has been cancelled."""
        return self.published is not None and self.published.cancelled()


class QueueingPublisher(ABC):
    """Publishes items in order, in batches, and never swallows an error.

    Use it with `async with`: leaving it waits until everything has been published.

    Args:
        on_failure: Called with each item that nobody awaits and that was not published, and why; None keeps the
            reasons in `failures`.

    Attributes:
        items: Items accepted by Pushpin so far.
        batches: Requests they took.
        failures: Why items that nobody awaits were not published, and how many; raised at the end. However
            long an outage, it stays small.
    """

    max_items_per_batch = MAX_ITEMS_PER_BATCH

    def __init__(self, *, on_failure: OnFailure | None = None) -> None:
        self.items = 0
        self.batches = 0
        self.failures: Counter[str] = Counter()
        self._on_failure = on_failure
        self._queue: deque[_Queued] = deque()
        self._under_way: list[_Queued] = []
        self._sender: asyncio.Task[None] | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        await self._open()
        self._closed = False
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        try:
            await self.aclose()
        except PublishError as failed:
            if error is None:
                raise
            error.add_note(f"Besides: {failed}")  # raising it would hide what went wrong first

    async def publish(self, channel: str, item: Item) -> None:
        """Publish one item and wait until Pushpin has accepted it.

        Accepted means parsed: whether anybody received it is known to the receivers only. Cancelling this
        withdraws the item if it has not left yet.

        Raises:
            PublishError: if Pushpin refuses it or cannot be reached.
        """
        published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(channel, item, published)
        await published

    def send(self, channel: str, item: Item) -> None:
        """Publish one item without waiting; what goes wrong is told to `on_failure`, or else raised at the end."""
        self._put(channel, item, None)

    async def flush(self) -> None:
        """Wait until nothing is queued or under way."""
        while self._sender is not None:
            await asyncio.wait([self._sender])

    async def aclose(self) -> None:
        """Wait for what is queued, close the connection, and raise what `send` could not.

        Cancelling this gives up on what is queued, and closes the connection all the same.

        Raises:
            PublishError: if items given to `send` were not published: how many, and the first reason. A
                cancellation has it as a note.
        """
        self._closed = True
        try:
            await self._end()
        except BaseException as error:
            if failed := self._failed():
                error.add_note(f"Besides: {failed}")
            raise
        if failed := self._failed():
            raise failed

    async def _end(self) -> None:
        try:
            await self.flush()
        finally:  # whenever it is cancelled, be it twice
            try:
                if self._sender is not None:
                    self._sender.cancel()
                    await asyncio.wait([self._sender])
            finally:
                await self._close()

    def _failed(self) -> PublishError | None:
        failures, self.failures = self.failures, Counter()
        if not (count := failures.total()):
            return None
        message = f"{count} item{'s were' if count > 1 else ' was'} not published: {next(iter(failures))}"
        return PublishError(message)

    def _put(self, channel: str, item: Item, published: asyncio.Future[None] | None) -> None:
        if self._closed:
            raise UsageError("this publisher is closed: publish within its `async with` block")
        self._queue.append(_Queued(item, _encode(exported(channel, item)).encode(), published))
        if self._sender is None:
            self._start_sender()

    def _start_sender(self) -> None:
        self._sender = asyncio.create_task(self._send_all())
        # Not in the coroutine itself: of a task that is cancelled before its first step nothing ever runs.
        self._sender.add_done_callback(self._sender_ended)

    def _sender_ended(self, sender: asyncio.Task[None]) -> None:
        self._sender = None
        if sender.cancelled():
            left, self._under_way = [*self._under_way, *self._queue], []
            self._queue.clear()
            self._fail(left, PublishError(_NOT_SENT))
        elif self._queue:  # put there since the sender looked
            self._start_sender()

    async def _send_all(self) -> None:
        while batch := self._next_batch():
            self._under_way = batch
            await self._send_split(batch)
            self._under_way = []

    def _next_batch(self) -> list[_Queued]:
        batch: list[_Queued] = []
        size = 0
        while self._queue and len(batch) < self.max_items_per_batch:
            size += len(self._queue[0].encoded) + 1
            if batch and size > MAX_BATCH_BYTES:
                break
            queued = self._queue.popleft()
            if not queued.withdrawn:
                batch.append(queued)
        return batch

    async def _send_split(self, batch: list[_Queued]) -> None:
        """Send a batch; if it is refused, in halves, so that a bad item takes no good one along."""
        try:
            await self._send_batch([queued.encoded for queued in batch])
        except NobodyAnswers as error:
            self._fail([*batch, *self._queue], error)
            self._queue.clear()
        except PublishError as error:
            if error.refused and (half := len(batch) // 2):
                await self._send_split(batch[:half])
                await self._send_split(batch[half:])
            else:
                self._fail(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            failed = PublishError(f"{type(error).__name__}: {error}")
            failed.__cause__ = error
            self._fail(batch, failed)
        else:
            self._succeed(batch)

    def _succeed(self, batch: list[_Queued]) -> None:
        self.batches += 1
        self.items += len(batch)
        for queued in batch:
            queued.settled = True
            if queued.published is not None and not queued.published.done():
                queued.published.set_result(None)

    def _fail(self, batch: list[_Queued], error: PublishError) -> None:
        for queued in batch:
            if queued.settled:
                continue
            queued.settled = True
            if queued.published is None and self._on_failure is not None:
                # Not from here: what it raises is the loop's to report, and must leave nobody waiting.
                asyncio.get_running_loop().call_soon(self._on_failure, queued.item, error)
            elif queued.published is None:
                self._note(str(error))
            elif not queued.published.done():
                # One each: an exception that is raised in several places collects all their tracebacks.
                own = PublishError(str(error), refused=error.refused)
                own.__cause__ = error
                queued.published.set_exception(own)

    def _note(self, reason: str) -> None:
        known = reason in self.failures or len(self.failures) < _KEPT_REASONS
        self.failures[reason if known else _OTHER_REASONS] += 1

    @abstractmethod
    async def _open(self) -> None: ...

    @abstractmethod
    async def _send_batch(self, encoded: list[bytes]) -> None:
        """Send items, each a JSON object.

        Raises:
            PublishError: with `refused` set if Pushpin read the request and said no.
        """

    @abstractmethod
    async def _close(self) -> None: ...
