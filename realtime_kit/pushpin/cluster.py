"""Several Pushpins side by side in front of one origin, for more clients than one can hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Literal, Self, get_args

import psutil
from pubcontrol import Item
from yarl import URL

from realtime_kit import background
from realtime_kit.errors import RealtimeKitError, UsageError
from realtime_kit.publisher import ZeroMqBroadcast, text_item
from realtime_kit.pushpin.cluster_statistics import ClusterStatistics, InstanceStatistics
from realtime_kit.pushpin.config import PushpinSettings
from realtime_kit.pushpin.embedded import Pushpin, State
from realtime_kit.pushpin.routes import Route

Door = Literal["http", "zeromq"]
DOORS: tuple[Door, ...] = get_args(Door)
"""How events can reach all instances."""

MOST_INSTANCES = 64
_RESTARTS = 10
_STARTING_AT_A_TIME = 2
_START_TIMEOUT_S = 30.0
"""Each is tried out while it starts: six at once on two busy processors were not ready within 40 s."""

_PAUSE_S = 0.1


class PushpinCluster:
    """Embedded Pushpins that share routes and settings, and get every publish at the same time.

    An instance that ends by itself is started again on the ports it had, up to ten times; its clients come back by
    themselves, if they are of the kind that does. Starting a cluster again replaces the running one.

        with PushpinCluster(3, 8000) as cluster:
            print(cluster.urls)
            cluster.publish("news", "hello")  # to the clients of all three

    Args:
        instances: How many, 1 to 64.
        routes: Where requests go: `Route`s, or just the origin's port on this machine.
        settings: What to configure, the same for all.
        door: How `publish` reaches them: `http`, a request to each, which answers; or `zeromq`, one PUB socket to all,
            which costs them a tenth and answers nothing.
        **options: Further arguments of `Pushpin`; ports are chosen by the cluster.

    Attributes:
        instances: The Pushpins.
        restarts: How often one of them was started again.
        door: How `publish` reaches them.
        error: Why one of them could not be started again, the last time that was so; None: it has always come back.
        given_up: Set, on the kit's loop, when one of them is not started again any more.
    """

    def __init__(
        self,
        instances: int,
        routes: Iterable[Route] | int = (),
        *,
        settings: PushpinSettings | None = None,
        door: Door = "http",
        **options: Any,
    ) -> None:
        if not 1 <= instances <= MOST_INSTANCES:
            message = f"instances is {instances}: allowed are 1 to {MOST_INSTANCES}"
            raise UsageError(message)
        if fixed := {"http_port", "publish_port"} & options.keys():
            message = f"{' and '.join(sorted(fixed))}: a cluster chooses a port for each of its instances"
            raise UsageError(message)
        if door not in DOORS:
            message = f"door is {door!r}: allowed are {' and '.join(DOORS)}"
            raise UsageError(message)
        options.setdefault("start_timeout_s", _START_TIMEOUT_S)
        shared = routes if isinstance(routes, int) else tuple(routes)
        self.instances = [Pushpin(shared, settings=settings, **options) for _ in range(instances)]
        self.restarts = 0
        self.door = door
        self.error: RealtimeKitError | OSError | None = None
        self._restarts_of = [0] * instances
        self._broadcast: ZeroMqBroadcast | None = None
        self.given_up = asyncio.Event()
        # Told whenever an instance has been started again, or is not any more.
        self._tried = asyncio.Condition()
        self._stack = contextlib.AsyncExitStack()
        self._turns = background.Turns()

    # Life

    def start(self) -> Self:
        """Start all, and return when all are ready.

        Raises:
            MissingDependency: if there is no Pushpin.
            PushpinError: if one cannot start; none is left running.
        """
        try:
            background.run(self._start())
        except BaseException:  # an interrupt may come when all are ready and have not been handed over
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop all. May be called again."""
        background.run(self._stop())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        try:
            await background.arun(self._start())
        except BaseException:
            await background.arun(self._stop())
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await background.arun(self._stop())

    async def _start(self) -> None:
        async with self._turns.take(), contextlib.AsyncExitStack() as stack:
            await self._end()
            self.error, self.given_up, self._tried = None, asyncio.Event(), asyncio.Condition()
            lease = background.Lease(self.stop)
            stack.callback(lease.end)
            for pushpin in self.instances:
                stack.push_async_callback(pushpin.astop)
            try:
                async with asyncio.TaskGroup() as starting:
                    turns = asyncio.Semaphore(_STARTING_AT_A_TIME)
                    for pushpin in self.instances:
                        starting.create_task(_start_in_turn(pushpin, turns))
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from None  # one reason is what a person can act on
            if self.door == "zeromq":
                self._broadcast = await stack.enter_async_context(ZeroMqBroadcast(self.sub_specs))
            watches = [
                asyncio.create_task(self._keep_alive(index, pushpin))
                for index, pushpin in enumerate(self.instances)
            ]
            stack.push_async_callback(_cancel, watches)
            self._stack = stack.pop_all()

    async def _stop(self) -> None:
        async with self._turns.take():
            await self._end()

    async def _end(self) -> None:
        stack, self._stack = self._stack, contextlib.AsyncExitStack()
        await stack.aclose()
        self._broadcast = None

    async def _keep_alive(self, index: int, pushpin: Pushpin) -> None:
        for _ in range(_RESTARTS):
            before = _sub_spec(pushpin)
            await pushpin.aended()
            try:
                await pushpin.arestart()
                if self._broadcast is not None:  # its ports are the same, its sockets are in a new folder
                    self._broadcast.move(before, _sub_spec(pushpin))
            except (RealtimeKitError, OSError) as error:  # the next round tries again
                self.error = error
            else:
                self._restarts_of[index] += 1
                self.restarts += 1
                await self._tell()
            await asyncio.sleep(_PAUSE_S)
        await pushpin.aended()
        self.error = pushpin.error or self.error
        self.given_up.set()
        await self._tell()

    async def _tell(self) -> None:
        async with self._tried:
            self._tried.notify_all()

    async def awhole(self, *, timeout_s: float) -> bool:
        """Wait until every instance runs.

        Returns:
            Whether that is so within the timeout; False at once where one is not started again any more, because it
            has been ten times: `error` says why.
        """
        return await background.arun(self._until_whole(timeout_s))

    async def _until_whole(self, timeout_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._tried:
                await self._tried.wait_for(lambda: self.given_up.is_set() or self._all_run)
        return self._all_run

    @property
    def _all_run(self) -> bool:
        return all(pushpin.state is State.READY for pushpin in self.instances)

    # Looking at it

    @property
    def urls(self) -> list[URL]:
        """Where clients connect, one address for each instance."""
        return [pushpin.url for pushpin in self.instances]

    @property
    def control_urls(self) -> list[str]:
        """The publish ports."""
        return [pushpin.control_url for pushpin in self.instances]

    @property
    def sub_specs(self) -> list[str]:
        """ZeroMQ addresses for a PUB socket; that of an instance that is started again is a new one."""
        return [_sub_spec(pushpin) for pushpin in self.instances]

    @property
    def statistics(self) -> ClusterStatistics:
        """What each instance has counted so far, on one board."""
        return ClusterStatistics(
            tuple(
                InstanceStatistics(
                    url=str(pushpin.url),
                    state=pushpin.state.value,
                    restarts=restarts,
                    connections=counted.connections,
                    subscriptions=sum(counted.subscriptions.copy().values()),
                    messages=counted.messages.total(),
                    receivers=counted.receivers.total(),
                )
                for pushpin, restarts in zip(self.instances, self._restarts_of, strict=True)
                for counted in (pushpin.statistics,)
            )
        )

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
            PublishError: if one of them refuses it or cannot be reached; the others have it all the same. Through the
                door `zeromq` nobody says so; who is not listening does not get it.
        """
        background.run(self._publish(channel, item))

    async def apublish(self, channel: str, item: Item | str) -> None:
        """Like `publish`, for coroutines."""
        await background.arun(self._publish(channel, item))

    async def alisteners(self, channel: str) -> int:
        """With the door `zeromq`: how many instances listen for a channel."""
        return await background.arun(self._listeners(channel))

    async def _listeners(self, channel: str) -> int:
        if self._broadcast is None:
            raise UsageError("only a cluster that runs, with the door zeromq, knows who listens")
        return await self._broadcast.listeners(channel)

    async def _publish(self, channel: str, item: Item | str) -> None:
        if self._broadcast is not None:
            await self._broadcast.publish(channel, text_item(item) if isinstance(item, str) else item)
            return
        answers = await asyncio.gather(
            *(pushpin.apublish(channel, item) for pushpin in self.instances), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer


async def _start_in_turn(pushpin: Pushpin, turns: asyncio.Semaphore) -> None:
    async with turns:
        await pushpin.astart()


def _sub_spec(pushpin: Pushpin) -> str:
    return pushpin.addresses.socket("sub")


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
