"""Several Pushpins side by side in front of one origin, for more clients than one can hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Self

import psutil
from pubcontrol import Item
from yarl import URL

from realtime_kit import background
from realtime_kit.errors import RealtimeKitError, UsageError
from realtime_kit.pushpin.config import PushpinSettings
from realtime_kit.pushpin.embedded import Pushpin
from realtime_kit.pushpin.routes import Route

MOST_INSTANCES = 64
_RESTARTS = 10
_PAUSE_S = 0.1


class PushpinCluster:
    """Embedded Pushpins that share routes and settings, and get every publish at the same time.

    An instance that ends by itself is started again on the ports it had; its clients come back by themselves, if they
    are of the kind that does.

        with PushpinCluster(3, 8000) as cluster:
            print(cluster.urls)
            cluster.publish("news", "hello")  # to the clients of all three

    Args:
        instances: How many, 1 to 64.
        routes: Where requests go: `Route`s, or just the origin's port on this machine.
        settings: What to configure, the same for all.
        **options: Further arguments of `Pushpin`; ports are chosen by the cluster.

    Attributes:
        instances: The Pushpins.
        restarts: How often one of them was started again.
    """

    def __init__(
        self,
        instances: int,
        routes: Iterable[Route] | int = (),
        *,
        settings: PushpinSettings | None = None,
        **options: Any,
    ) -> None:
        if not 1 <= instances <= MOST_INSTANCES:
            message = f"instances is {instances}: allowed are 1 to {MOST_INSTANCES}"
            raise UsageError(message)
        if fixed := {"http_port", "publish_port"} & options.keys():
            message = f"{' and '.join(sorted(fixed))}: a cluster chooses a port for each of its instances"
            raise UsageError(message)
        shared = routes if isinstance(routes, int) else tuple(routes)
        self.instances = [Pushpin(shared, settings=settings, **options) for _ in range(instances)]
        self.restarts = 0
        self._stack = contextlib.AsyncExitStack()

    # Life

    def start(self) -> Self:
        """Start all, and return when all are ready.

        Raises:
            MissingDependency: if there is no Pushpin.
            PushpinError: if one cannot start; none is left running.
        """
        background.run(self._start())
        return self

    def stop(self) -> None:
        """Stop all. May be called again."""
        background.run(self._stop())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await background.arun(self._start())
        return self

    async def __aexit__(self, *_: object) -> None:
        await background.arun(self._stop())

    async def _start(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            lease = background.Lease(self.stop)
            stack.callback(lease.end)
            for pushpin in self.instances:
                stack.push_async_callback(pushpin.astop)
            try:
                async with asyncio.TaskGroup() as starting:
                    for pushpin in self.instances:
                        starting.create_task(pushpin.astart())
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from None  # one reason is what a person can act on
            watches = [asyncio.create_task(self._keep_alive(pushpin)) for pushpin in self.instances]
            stack.push_async_callback(_end, watches)
            self._stack = stack.pop_all()

    async def _stop(self) -> None:
        stack, self._stack = self._stack, contextlib.AsyncExitStack()
        await stack.aclose()

    async def _keep_alive(self, pushpin: Pushpin) -> None:
        for _ in range(_RESTARTS):
            await pushpin.aended()
            with contextlib.suppress(RealtimeKitError):  # the next round tries again
                await pushpin.arestart()
                self.restarts += 1
            await asyncio.sleep(_PAUSE_S)

    # Looking at it

    @property
    def urls(self) -> list[URL]:
        """Where clients connect, one address for each instance."""
        return [pushpin.url for pushpin in self.instances]

    @property
    def control_urls(self) -> list[str]:
        """The publish ports."""
        return [pushpin.control_url for pushpin in self.instances]

    def processes(self) -> list[psutil.Process]:
        """The processes of all instances."""
        return [process for pushpin in self.instances for process in pushpin.processes()]

    def subscribers(self, channel: str) -> list[int]:
        """Subscribers of a channel, as each instance counts them."""
        return [pushpin.statistics.subscribers(channel) for pushpin in self.instances]

    def __len__(self) -> int:
        return len(self.instances)

    def __repr__(self) -> str:
        return f"<PushpinCluster of {len(self)}: {', '.join(repr(pushpin) for pushpin in self.instances)}>"

    # Publishing

    def publish(self, channel: str, item: Item | str) -> None:
        """Publish one item to all instances at once, and wait until all have accepted it.

        Args:
            channel: Channel name.
            item: As for `Pushpin.publish`.

        Raises:
            PublishError: if one of them refuses it or cannot be reached; the others have it all the same.
        """
        background.run(self._publish(channel, item))

    async def apublish(self, channel: str, item: Item | str) -> None:
        """Like `publish`, for coroutines."""
        await background.arun(self._publish(channel, item))

    async def _publish(self, channel: str, item: Item | str) -> None:
        answers = await asyncio.gather(
            *(pushpin.apublish(channel, item) for pushpin in self.instances), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
