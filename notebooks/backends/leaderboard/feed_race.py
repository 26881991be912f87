"""All feeds in one run: from the moment a write was due to the feed's reader, and on to a client behind Pushpin."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from aiohttp import web
from backends.leaderboard.games import Game
from numpy.typing import NDArray

from realtime_kit import background, grip, serving
from realtime_kit.changefeeds import BEGINNING
from realtime_kit.clients import ReceiptBook, StreamingClient
from realtime_kit.measurements import Ledger, account, latencies_s, latency
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.words import format_seconds
from realtime_kit.quantities import Latency
from realtime_kit.schedule import poisson

CHANNEL = "changes"
MARK = -1
"""The score that is written first: what a feed tells before it is older than the run."""

BEGIN_S = 15.0
"""How long a first change through each feed is waited for."""

GRACE_S = 5.0
"""How long the last deliveries are waited for."""

LATE_S = 0.002
MOST_LATE = 0.1
"""A run in which more than this share of the writes began later than `LATE_S` says so."""


@dataclass(frozen=True)
class FeedResult:
    """One feed's part of the run. Durations are seconds, one for each write; infinite if it never came.

    Attributes:
        game: The database.
        way: How its feed learns of a commit.
        ledger: Writes, and what the client has received.
        commit_s: How long the writes took.
        waited_s: From the commit's end until the feed has told it; below 0 if it was told before the writer knew.
        to_reader_s: From the moment a write was due until the feed has told it.
        to_client_s: And until a client behind Pushpin has it.
        late: Share of the writes that began late.
        theory: Of `to_reader_s`; is told the median of `commit_s`.
    """

    game: str
    way: str
    ledger: Ledger
    commit_s: NDArray[np.float64]
    waited_s: NDArray[np.float64]
    to_reader_s: NDArray[np.float64]
    to_client_s: NDArray[np.float64]
    late: float
    theory: Latency

    @property
    def doubt(self) -> str:
        """Why this is not to be trusted; empty if it is."""
        if self.late <= MOST_LATE:
            return ""
        late = f"{self.late:.0%} of the writes began more than {format_seconds(LATE_S)} late"
        return f"{self.game}: {late}, so the machine was too busy; run it again."


def race(
    games: Sequence[Game], *, seconds: float = 6.0, rate_per_s: float = 40.0, seed: int = 11
) -> list[FeedResult]:
    """Write to all tables in turn, at times of a Poisson process, and read all feeds meanwhile.

    Args:
        games: The tables, each with an Ada in it.
        seconds: For how long.
        rate_per_s: Writes to all of them together.
        seed: Of the times.
    """
    return background.run(_Race(games).run(poisson(rate_per_s=rate_per_s, duration_s=seconds, seed=seed)))


class _Race:
    """Scores are numbers of writes, counted from 1 in each table."""

    def __init__(self, games: Sequence[Game]) -> None:
        self._games = games
        self._seen_ns: list[dict[int, int]] = [{} for _ in games]
        self._books = [ReceiptBook() for _ in games]
        self._written: list[list[tuple[int, int, int]]] = [[] for _ in games]  # due, begun, committed
        self._marks: set[int] = set()
        self._may_begin = threading.Event()
        self._came = asyncio.Condition()

    async def run(self, schedule) -> list[FeedResult]:
        async with serving(self._routes()) as site, StreamingClient(site.url / "changes") as client:
            reading = [asyncio.create_task(self._read(client))]
            try:
                await site.pushpin.auntil(lambda seen: seen.subscribers(CHANNEL) == 1)
                reading += [asyncio.create_task(self._follow(at, site)) for at in range(len(self._games))]
                await asyncio.to_thread(self._write, schedule)
                await self._until_all_came()
            finally:
                failed = [task for task in reading if task.done()]
                for task in reading:
                    task.cancel()
                await asyncio.gather(*reading, return_exceptions=True)
                for task in failed:  # says more than that nothing came
                    task.result()
        return [self._result(at) for at in range(len(self._games))]

    def _routes(self) -> web.RouteTableDef:
        routes = web.RouteTableDef()

        @routes.get("/changes")
        async def changes(request: web.Request) -> web.Response:
            return grip.hold_stream(CHANNEL)

        return routes

    def _write(self, schedule) -> None:
        """On a thread of its own."""
        with contextlib.ExitStack() as stack:
            writes = [stack.enter_context(game.writing()) for game in self._games]
            for write in writes:
                write(MARK)
            if not self._may_begin.wait(BEGIN_S):
                raise TimeoutError(f"not every feed has told a first change within {BEGIN_S:g} s")
            for number, due_ns in enumerate(schedule.intended_ns(time.monotonic_ns() + 300_000_000).tolist()):
                at = number % len(writes)
                time.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
                begun_ns = time.monotonic_ns()
                writes[at](len(self._written[at]) + 1)
                self._written[at].append((due_ns, begun_ns, time.monotonic_ns()))

    async def _follow(self, at: int, site) -> None:
        begun = False
        async with contextlib.aclosing(self._games[at].feed.changes(BEGINNING)) as changes:
            async for change in changes:
                if change.key != "Ada" or change.row is None:
                    continue
                begun = begun or change.row["score"] == MARK
                if not begun:
                    continue
                self._seen_ns[at].setdefault(change.row["score"], time.monotonic_ns())
                await site.apublish(CHANNEL, f"{at} {change.row['score']}")

    async def _read(self, client: StreamingClient) -> None:
        async for receipt in client:
            at, score = map(int, receipt.event.data.split())
            if score == MARK:
                self._marks.add(at)
                if len(self._marks) == len(self._games):
                    self._may_begin.set()
            else:
                self._books[at].write(0, score, receipt.received_ns, receipt.opened_ns)
            async with self._came:
                self._came.notify_all()

    async def _until_all_came(self) -> None:
        def all_came() -> bool:
            return all(len(book) >= len(done) for book, done in zip(self._books, self._written, strict=True))

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S), self._came:
                await self._came.wait_for(all_came)

    def _result(self, at: int) -> FeedResult:
        due_ns, begun_ns, committed_ns = np.array(self._written[at], np.int64).T
        ids = np.arange(1, len(due_ns) + 1)
        found = account(self._books[at].receipts(), ids, due_ns, clients=1)
        seen_ns = np.array([self._seen_ns[at].get(score, np.inf) for score in ids.tolist()])
        commit_s = (committed_ns - begun_ns) / 1e9
        game = self._games[at]
        return FeedResult(
            game=game.name,
            way=game.way,
            ledger=found.ledger,
            commit_s=commit_s,
            waited_s=(seen_ns - committed_ns) / 1e9,
            to_reader_s=(seen_ns - due_ns) / 1e9,
            to_client_s=latencies_s(found.received_ns, due_ns)[0],
            late=float(np.mean(begun_ns - due_ns > LATE_S * 1e9)),
            theory=game.expected(float(np.median(commit_s))),
        )


def table(results: Sequence[FeedResult]) -> DataTable:
    """The run's numbers: measured, and after a slash what theory says."""
    rows = []
    for each in results:
        reader, client, theory = latency(each.to_reader_s), latency(each.to_client_s), each.theory
        pairs = [
            f"{format_seconds(getattr(reader, name))} / {format_seconds(getattr(theory, name))}"
            for name in ("p50", "p90", "max")
        ]
        commit = format_seconds(float(np.median(each.commit_s)))
        rows.append((each.game, each.way, str(each.ledger), commit, *pairs, format_seconds(client.p50)))
    headings = (
        ("feed", "the database"),
        ("learns of a commit", "how its reader is woken"),
        ("client's ledger", "writes that came to the client behind Pushpin"),
        ("commit", "median time that a write took"),
        ("reader p50 / theory", "median time from a write's due time to the feed's reader"),
        ("p90 / theory", "nine of ten came by then"),
        ("max / theory", "the latest"),
        ("client p50", "median time from a write's due time to the client behind Pushpin"),
    )
    notes = [each.doubt for each in results if each.doubt]
    caption = "From the moment a write was due. Theory is told how long a commit takes, and nothing else."
    return DataTable(caption, headings, rows, notes, words=["learns of a commit", "client's ledger"])
