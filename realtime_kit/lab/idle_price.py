"""What reliable streaming costs while nothing happens, counted at the origin."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from realtime_kit import background
from realtime_kit.clients import StreamingClient
from realtime_kit.errors import UsageError
from realtime_kit.lab.site import Site
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.reliable_streaming import reliable_streaming_app
from realtime_kit.theory import reliability

MOST_PER_S = 8
"""Pushpin reads ten different next links in a second at most; above that it is this limit that would be measured."""

PATIENCE = 5
"""So many times as long as it should take is waited for."""


@dataclass(frozen=True, slots=True)
class IdlePrice:
    """Questions of Pushpin for streams on which nothing happens.

    Attributes:
        clients: How many streams are held.
        timeout_s: The `timeout` of their links, seconds.
        links: How many different links they have.
        questions: Questions counted, from the second for each link on.
        questions_per_s: How many there are in a second, from the times between two for the same link.
        predicted_per_s: N / timeout.
    """

    clients: int
    timeout_s: int
    links: int
    questions: int
    questions_per_s: float
    predicted_per_s: float

    def __str__(self) -> str:
        return (
            f"{self.clients} silent streams, links that differ: {self.links}; {self.questions_per_s:.2f} questions/s "
            f"({self.questions} counted), N / timeout is {self.predicted_per_s:.2f}"
        )


def idle_price(
    clients: int = 12, *, timeout_s: int = 2, own_links: bool = True, rounds: int = 3
) -> IdlePrice:
    """Hold reliable streams, let nothing happen, and count what Pushpin asks the origin.

    Args:
        clients: How many, 1 or more.
        timeout_s: The links' `timeout`, whole seconds, 1 or more.
        own_links: Whether each client has a link of its own; otherwise Pushpin asks once for those that are due
            together.
        rounds: How many questions for each link are counted, 1 or more.

    Raises:
        UsageError: for a number outside that, or more than Pushpin can ask in a second.
        TimeoutError: if Pushpin does not ask.
    """
    for name, value in (("clients", clients), ("timeout_s", timeout_s), ("rounds", rounds)):
        if value < 1:
            message = f"{name} is {value}: it has to be 1 or more"
            raise UsageError(message)
    if own_links and clients > MOST_PER_S * timeout_s:
        message = (
            f"clients is {clients}: with links of their own and a timeout of {timeout_s} s allowed are "
            f"{MOST_PER_S * timeout_s}, because Pushpin reads ten different links in a second at most"
        )
        raise UsageError(message)
    return background.run(_idle_price(clients, timeout_s, own_links, rounds))


async def _idle_price(count: int, timeout_s: int, own_links: bool, rounds: int) -> IdlePrice:
    log, asked_s = EventLog(), defaultdict[str, list[float]](list)
    log.append("something, so that there is a position")
    links = count if own_links else 1
    news = asyncio.Event()

    @web.middleware
    async def count_questions(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "/after/" in request.path:
            asked_s[request.path].append(time.monotonic())
            news.set()
        return await handler(request)

    app = web.Application(middlewares=[count_questions])
    for number in range(links):
        app.add_subapp(f"/{number}", reliable_streaming_app(log, link_timeout_s=timeout_s))
    async with asyncio.timeout(PATIENCE * (rounds + 2) * timeout_s), Site(app) as site:
        clients = [StreamingClient(site.url / str(number % links) / "events") for number in range(count)]
        tasks = [asyncio.create_task(_hold(client)) for client in clients]
        try:
            for client in clients:
                await client.connected.wait()
            while len(asked_s) < links or min(map(len, asked_s.values())) <= rounds:
                news.clear()
                await news.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    questions_per_s = sum((len(times) - 1) / (times[-1] - times[0]) for times in asked_s.values())
    return IdlePrice(
        clients=count,
        timeout_s=timeout_s,
        links=links,
        questions=sum(len(times) - 1 for times in asked_s.values()),
        questions_per_s=questions_per_s,
        predicted_per_s=reliability.load(clients=count, timeout_s=timeout_s).origin_requests_per_s or 0.0,
    )


async def _hold(client: StreamingClient) -> None:
    async with client:
        async for _ in client:
            pass
