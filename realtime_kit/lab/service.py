"""A fan-out through somebody's own service: its clients are the kit's, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
from yarl import URL

import realtime_kit
from realtime_kit import background
from realtime_kit.clients.swarm import SwarmState, plan_swarm
from realtime_kit.clients.swarm.connect import shown
from realtime_kit.clients.swarm.plan import is_here
from realtime_kit.clients.swarm.watch import Sighting, WatchSwarm
from realtime_kit.clients.swarm.watch_member import has_id, key_of
from realtime_kit.errors import ClientError, UsageError
from realtime_kit.lab.fanout import GRACE_S, LEAD_S, PATIENCE_S, SLOWEST_PER_S
from realtime_kit.lab.interruption import ENDING_EARLY, STOPPING, Interrupted, unless
from realtime_kit.lab.sightings import Published, Watched
from realtime_kit.lab.watch_settings import WatchSettings
from realtime_kit.measurements.fanout import FanoutRun, Push
from realtime_kit.processors import machine_used_s, used_s
from realtime_kit.publisher.formats import websocket_message
from realtime_kit.tls import tls_context, tls_trouble
from realtime_kit.worker import Worker

_WITH_TLS = {"http": "https", "ws": "wss"}
ANSWER_S = 15.0
OPENING_S = 30.0
"""Longest wait for everybody to be connected, beside what `OPENED_PER_S` makes of their number."""

OPENED_PER_S = 200
"""Fewer connections a second than this are not waited for."""

LOOK_EVERY_S = 0.1
ROLL_CALLS = 3


def watch(
    settings: WatchSettings | str,
    *,
    on_phase: Callable[[str], None] = lambda _: None,
    **changes: Any,
) -> FanoutRun:
    """Connect very many clients to a service of somebody's own, and measure how events reach them.

    With `control_url` the kit publishes, so that times count from when an event was due. Without, the events are
    those that others publish: when, nobody here knows. What is measured then is how far apart the clients get an event.

    An interrupt (Ctrl-C, or the notebook's stop button) ends it early and keeps what was measured, another one
    discards it.

    Args:
        settings: What to watch, or just its address.
        on_phase: As for `fanout`.
        **changes: Fields of `WatchSettings` to change, such as `clients=10_000`.

    Raises:
        UsageError: for a setting outside what is allowed, more clients than this machine can hold, or an address
            that is not a stream's: with the answer that it gave.
        ClientError: if it cannot be reached, or nobody gets what is published.
        KeyboardInterrupt: if it was interrupted before everybody was connected and watched, or twice. Later it returns
            a run even if no event had come: with what became of the connections, and no results.
    """
    chosen = replace(WatchSettings(settings) if isinstance(settings, str) else settings, **changes)
    watching = _Watch(chosen, on_phase, asyncio.Event())
    result = background.run(watching.run(), on_interrupt=watching.end_early)
    if result.interrupted and not watching.watching:
        raise KeyboardInterrupt
    return result


async def awatch(
    settings: WatchSettings | str,
    *,
    on_phase: Callable[[str], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    **changes: Any,
) -> FanoutRun:
    """Like `watch`, for coroutines; set `stop` on the kit's loop to end it early."""
    chosen = replace(WatchSettings(settings) if isinstance(settings, str) else settings, **changes)
    return await background.arun(_Watch(chosen, on_phase, stop or asyncio.Event()).run())


async def probe(settings: WatchSettings) -> None:
    """Ask once.

    Raises:
        UsageError: if the answer is not a stream; with its status and content type.
        ClientError: if there is no answer.
    """
    url, headers = settings.url, dict(settings.headers)
    secure = tls_context(URL(url)) or True
    limits = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_S, sock_read=ANSWER_S)
    try:
        async with aiohttp.ClientSession(timeout=limits, cookie_jar=aiohttp.DummyCookieJar()) as session:
            if settings.transport == "websocket":
                hang_up = aiohttp.ClientWSTimeout(ws_close=0.5)  # that is all that was wanted
                async with asyncio.timeout(ANSWER_S):
                    socket = await session.ws_connect(url, headers=headers, timeout=hang_up, ssl=secure)
                await socket.close()
                return
            wanted = {"Accept": "text/event-stream", "Accept-Encoding": "identity", **headers}
            async with session.get(url, headers=wanted, allow_redirects=False, ssl=secure) as response:
                kind = response.headers.get("Content-Type", "no content type")
                if response.status == 200 and kind.split(";")[0].strip().lower() == "text/event-stream":
                    return
                cure = "give the address of a text/event-stream, or a ws:// one"
                if to := response.headers.get("Location", ""):
                    cure = f"it redirects to {response.url.join(URL(to))}: give that address"
                message = f"{url} is no event stream: it answered {response.status} {response.reason} ({kind}); {cure}"
                raise UsageError(message)
    except aiohttp.WSServerHandshakeError as error:
        kind = error.headers.get("Content-Type", "no content type") if error.headers else "no content type"
        message = f"{url} is no WebSocket: it answered {error.status} ({kind}): {error.message}"
        raise UsageError(message) from error
    except TimeoutError as error:
        message = f"{url} did not answer within {ANSWER_S:g} s"
        raise ClientError(message) from error
    except (aiohttp.ClientError, OSError) as error:
        reason = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        why = tls_trouble(URL(url), error) or str(reason)
        if isinstance(error, aiohttp.ServerDisconnectedError) and secure is True:
            why += f", without an answer; if it speaks TLS, its address begins with {_WITH_TLS[URL(url).scheme]}://"
        message = f"{url} cannot be reached: {why}"
        raise ClientError(message) from error


class _Watch:
    def __init__(self, settings: WatchSettings, on_phase: Callable[[str], None], stop: asyncio.Event) -> None:
        self.settings = settings
        self.on_phase = on_phase
        self.stop = stop
        self.plan = plan_swarm(settings.clients, service=URL(settings.url))
        self.swarm = WatchSwarm(self.plan, [settings.url])
        self.publisher = Worker("realtime_kit.origin.pushes", name="the publisher")
        self.patience_s = PATIENCE_S + settings.clients / SLOWEST_PER_S
        self.opened_s = self.watched_s = 0.0
        self.reopened = self.unconnected = self.losses_before = self.received = 0
        self.watching = False
        self.cut_ns = 0
        self.used = {"swarm": 0.0, "origin": 0.0}
        self.others_busy = 0.0
        self.published: dict[int, Published] = {}
        self.set_aside = self.until_ns = 0
        self.state: SwarmState | None = None

    async def run(self) -> FanoutRun:
        """The whole of it."""
        started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        results: list[Push] = []
        with contextlib.suppress(Interrupted):
            self.on_phase("asking once")
            await unless(self.stop, probe(self.settings))
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(self.swarm)
                if publishers := self.settings.publisher_options():
                    await stack.enter_async_context(self.publisher)
                    await self._publish_to(publishers)
                await self._open()
                with contextlib.suppress(Interrupted):
                    await self._watch()
                results = await self._settle()
        cut_short = any(flag.name == "cut-short" for push in results for flag in push.verdict.flags)
        early = self.stop.is_set() and (cut_short or len(results) < self.settings.pushes)
        return FanoutRun(started_at, self._meta(), tuple(results), interrupted=early)

    def end_early(self) -> None:
        """Finish with what has been measured; call it on the kit's loop."""
        self.stop.set()
        self.on_phase(ENDING_EARLY if self.watching else STOPPING)

    async def _publish_to(self, publishers: list[dict[str, Any]]) -> None:
        # Pushpin drops an item whose id the channel has had within a minute, of an earlier run as well.
        await self.publisher.ask(
            "publish_to",
            publishers=publishers,
            payload_bytes=self.settings.payload_bytes,
            channel=self.settings.channel,
            ids_before=time.time_ns() // 1_000_000,
        )

    async def _open(self) -> None:
        settings = self.settings
        self.on_phase(f"connecting {settings.clients:,} clients")
        begun_s = time.monotonic()
        opening_s = OPENING_S + settings.clients / OPENED_PER_S
        state = await unless(self.stop, self.swarm.open_by(opening_s, dict(settings.headers)))
        self.opened_s = time.monotonic() - begun_s
        if not state.connected and not state.losses:
            why = "; ".join(state.reasons)
            message = f"none of the {settings.clients:,} clients could be connected: {why}"
            raise ClientError(message)
        self.unconnected = settings.clients - state.connected - state.losses

    async def _watch(self) -> None:
        # Of what others publish, the start is what everybody has in common; of the kit's own, nobody can have any yet.
        start_ns = time.monotonic_ns() + int(LEAD_S * 1e9) if not self.settings.control_urls else 0
        seconds, most = self.settings.seconds, 4 * (self.settings.pushes + ROLL_CALLS) + 64
        await self.swarm.watch(start_ns=start_ns, end_ns=self._end_ns(seconds), most=most)
        before, machine, begun_s = self._used(), machine_used_s(), time.monotonic()
        try:
            if self.settings.control_urls:
                await self._push()
            else:
                await self._listen(start_ns, seconds)
        finally:
            self.used = {part: used - before[part] for part, used in self._used().items()}
            self.watched_s = time.monotonic() - begun_s
            others_s = machine_used_s() - machine - sum(self.used.values())
            self.others_busy = max(0.0, others_s / (self.watched_s * (os.cpu_count() or 1)))

    def _end_ns(self, seconds: float) -> int:
        """When nothing is read any more: in so many seconds, and what an event may take after that."""
        return time.monotonic_ns() + int((seconds + self.patience_s + LEAD_S) * 1e9)

    async def _listen(self, start_ns: int, seconds: float) -> None:
        """Wait for events that others publish, until there are enough, or time is up."""
        self.watching = True
        self.until_ns = start_ns + int(seconds * 1e9)
        while True:
            seen, _, state = await self.swarm.sightings()
            events = self._events(seen)
            missing = [key for key in events if seen[key].clients < self.settings.clients - self.unconnected]
            self.on_phase(f"{len(events)} of {self.settings.pushes} events, {len(missing)} on their way")
            now_ns = time.monotonic_ns()
            enough = len(events) == self.settings.pushes or now_ns >= self.until_ns
            latest_ns = max((seen[key].first_ns for key in missing), default=0)
            overdue_ns = latest_ns + int(self.patience_s * 1e9)
            if self.cut_ns:
                overdue_ns = min(overdue_ns, self.cut_ns + int(GRACE_S * 1e9))
            if not state.connected or (enough and (not missing or now_ns >= overdue_ns)):
                return
            if self.cut_ns:
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            try:
                await unless(self.stop, asyncio.sleep(LOOK_EVERY_S))
            except Interrupted:  # what had come to somebody by now is waited for, for a moment
                self.cut_ns = time.monotonic_ns()
                self.until_ns = min(self.until_ns, self.cut_ns)

    def _events(self, seen: dict[int, Sighting]) -> list[int]:
        """The first events that count. What comes again and again without an id cannot be told apart."""
        if self.published:
            return list(self.published)
        known = [key for key, each in seen.items() if has_id(key) or not each.repeats]
        self.set_aside = len(seen) - len(known)
        in_time = [key for key in known if seen[key].first_ns < self.until_ns]
        return sorted(in_time, key=lambda key: seen[key].first_ns)[: self.settings.pushes]

    async def _push(self) -> None:
        """Publish, one event after the other."""
        self.on_phase("roll call")
        await unless(self.stop, self._roll_call())
        self.published.clear()
        self.watching = True
        for number in range(1, self.settings.pushes + 1):
            self.on_phase(f"push {number} of {self.settings.pushes}")
            key = await self._publish(time.monotonic_ns() + int(LEAD_S * 1e9))
            try:
                await unless(self.stop, self._silent(key), grace_s=GRACE_S)
            except Interrupted:
                self.cut_ns = time.monotonic_ns()
                raise
            if self.stop.is_set():
                raise Interrupted("interrupted")

    async def _roll_call(self) -> None:
        """Publish until everybody has got something on the connection that it has now, or it is no use."""
        for call in range(ROLL_CALLS):
            key = await self._publish(0)
            if refused := self.published[key].refused:
                raise ClientError(refused[0])
            silent = await self._silent(key)
            if silent == self.settings.clients:
                message = (
                    f"none of the {silent:,} clients received what was published to the channel "
                    f"{self.settings.channel!r}: is it the one that {self.settings.url} subscribes to?"
                )
                raise ClientError(message)
            if not silent or call + 1 == ROLL_CALLS:
                break
            receipts, _ = await self.swarm.collect()
            heard = set(receipts.client[receipts.event_id == key].tolist())
            lonely = [number for number in range(self.settings.clients) if number not in heard]
            self.reopened += len(lonely)
            opening_s = ANSWER_S + len(lonely) / OPENED_PER_S
            await self.swarm.watch_on(self._end_ns(opening_s))
            state = await self.swarm.reopen_by(opening_s, lonely)
            self.unconnected = self.settings.clients - state.connected
        _, state = await self.swarm.collect()
        self.unconnected, self.losses_before = self.settings.clients - state.connected, state.losses

    async def _publish(self, due_ns: int) -> int:
        await self.swarm.watch_on(self._end_ns(ANSWER_S))
        answer = await self.publisher.ask("push", due_ns=due_ns)
        number, text = answer["event_id"], answer["data"]
        if self.settings.transport == "websocket":
            key = key_of(websocket_message(number, text))
        else:
            key = key_of(text, id=str(number))
        self.published[key] = Published(due_ns, answer["slip_s"], tuple(answer["not_published"]))
        return key

    async def _silent(self, key: int) -> int:
        """Wait until everybody has an event, at most as long as patience lasts; how many have not."""
        until_s = time.monotonic() + self.patience_s
        while True:
            seen, _, state = await self.swarm.sightings()
            clients = seen[key].clients if key in seen else 0
            if (
                clients >= self.settings.clients - self.unconnected
                or time.monotonic() > until_s
                or not state.connected
            ):
                return self.settings.clients - clients
            await asyncio.sleep(LOOK_EVERY_S)

    async def _settle(self) -> list[Push]:
        """A result for each event."""
        receipts, self.state = await self.swarm.collect()
        seen, unwatched, _ = await self.swarm.sightings()
        if not self.watching:
            return []
        watched = Watched(
            clients=self.settings.clients,
            transport=self.settings.transport,
            receipts=receipts,
            seen=seen,
            published=self.published,
            unwatched=unwatched,
            unconnected=self.unconnected,
            ended=self._ended,
            failed_because=(self.state.failed_because or ("",))[-1],
            lost_because=(self.state.lost_because or ("",))[-1],
            used_s=self.used,
            # On this machine, what others use may be the service's.
            others_busy=0.0 if is_here(URL(self.settings.url)) else self.others_busy,
            cut_ns=self.cut_ns,
            patience_s=self.patience_s,
        )
        self.received = watched.received
        had = set() if self.published else await self.swarm.old(list(seen))
        return watched.pushes(self._events({key: each for key, each in seen.items() if key not in had}))

    @property
    def _ended(self) -> int:
        """Connections that were open when the watch began, and that the service ended."""
        return self.state.losses - self.losses_before if self.state else 0

    def _used(self) -> dict[str, float]:
        workers = {
            "swarm": self.swarm.workers,
            "origin": [self.publisher] if self.settings.control_urls else [],
        }
        return {part: sum(used_s([each.pid for each in some]).values()) for part, some in workers.items()}

    def _meta(self) -> dict[str, Any]:
        state, clients = self.state, self.settings.clients
        config = asdict(self.settings) | {
            "transport": self.settings.transport,
            # Keys are nobody's business who reads the run.
            "url": shown(URL(self.settings.url)),
            "control_url": [shown(URL(url)) for url in self.settings.control_urls],
            "headers": [name for name, _ in self.settings.headers],
        }
        return {
            "kit": realtime_kit.__version__,
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
            "config": config,
            "opening": {
                "seconds": round(self.opened_s, 3),
                "retries": state.retries if state else 0,
                "reopened_after_roll_call": self.reopened,
            },
            "connections": {
                "asked_for": clients,
                "never_open": self.unconnected,
                "ended": self._ended,
                "open_at_the_end": state.connected if state else 0,
            },
            "reasons": list(state.reasons) if state else [],
            "watched_s": round(self.watched_s, 3),
            "receipts": self.received,
            "set_aside": self.set_aside,
            "swarm_processes": len(self.swarm.workers),
            "swarm_bytes_per_client": round(state.bytes_per_client) if state else 0,
        }
