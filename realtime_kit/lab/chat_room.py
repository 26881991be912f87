"""A chat to play with: a backend that keeps nothing, people on WebSockets, and an X-ray on every wire."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from realtime_kit.errors import ClientError, MissingDependency, UsageError
from realtime_kit.lab.site import Site
from realtime_kit.origin import grip
from realtime_kit.plots.sequence_rows import Away, check_names
from realtime_kit.plots.style import Theme

if TYPE_CHECKING:
    from realtime_kit.plots.widgets.chat_board import ChatBoard, ReportChat
    from realtime_kit.plots.widgets.chat_view import ChatView

Socket = aiohttp.ClientWebSocketResponse

CHANNEL = "room"
MOST_PEOPLE = 6
LONGEST_NAME = 20
LONGEST_TEXT = 500
LONGEST_S = 600.0
"""A room that is forgotten closes after ten minutes."""

LONGEST_AWAY_S = 25.0
"""Pushpin's tries end after 31 s, and the last comes 16 s after the one before."""

LOOK_EVERY_S = 0.5
_ENTER_S = 10.0
_CLOSE_S = 1.0


def chat(people: Sequence[str] = ("Ada", "Ben"), theme: Theme | None = None) -> ChatBoard:
    """A room with a window on its wires: `start()` it or press the button, then `say()` something.

    Args:
        people: Who is in the room, 1 to 6 different names, and none of the other parties'.
        theme: Colours of the picture; None follows the notebook's.

    Raises:
        UsageError: for names that cannot be used.
        MissingDependency: if there is no ipywidgets.
    """
    names = _checked_people(people)
    try:
        from realtime_kit.plots.widgets.chat_board import ChatBoard
    except ImportError as error:
        missing = f"Boards need {error.name}, which is not installed."
        raise MissingDependency(missing, "Type: pip install 'realtime-kit[notebooks]'") from error
    return ChatBoard(lambda: _Room(names), people=names, theme=theme)


def _checked_people(people: Sequence[str]) -> tuple[str, ...]:
    names = (people,) if isinstance(people, str) else tuple(people)
    if not 1 <= len(names) <= MOST_PEOPLE:
        message = f"people is {people!r}: it has to be 1 to {MOST_PEOPLE} names"
        raise UsageError(message)
    check_names(names)
    for name in names:
        if not (name.isprintable() and name.strip() == name and 1 <= len(name) <= LONGEST_NAME):
            message = f"people has {name!r}: a name is 1 to {LONGEST_NAME} letters on one line"
            raise UsageError(message)
    return names


@dataclass(slots=True)
class _Pending:
    """A message to the room, and who has still to hear it."""

    who: str
    text: str
    waiting: set[str]

    @property
    def line(self) -> str:
        """As the backend publishes it."""
        return f"{self.who}: {self.text}"


class _Room:
    """A chat from its opening to its end; on the kit's loop."""

    def __init__(self, people: tuple[str, ...]) -> None:
        self._people = people
        self._said: list[_Pending] = []
        self._away: list[Away] = []
        self._sockets: dict[str, Socket] = {}
        self._site: Site | None = None
        self._phase = "Starting Pushpin and the backend …"
        self._opened = asyncio.Event()
        self._closed = asyncio.Event()
        self._happened = asyncio.Condition()
        self._restarts = asyncio.Lock()
        self._is_open = False
        self._report: ReportChat = lambda _: None
        self._reported: ChatView | None = None

    # What the board asks for

    async def run(self, report: ReportChat, stop: asyncio.Event) -> ChatView:
        """Ends when it is asked to, after ten minutes, or with the error of a connection that broke."""
        self._report = report
        self._look()
        try:
            async with (
                Site(self._routes(), x_ray=True) as self._site,
                self._people_inside(self._site) as readers,
            ):
                self._is_open, self._phase = True, "Everybody is in the room."
                self._opened.set()
                try:
                    await self._until_the_end(stop, readers)
                finally:
                    self._is_open = False
                    self._closed.set()
                return self._view()
        finally:
            self._closed.set()  # also if it has never opened

    async def say(self, who: str, text: str, timeout_s: float) -> None:
        """Returns when everybody has heard it."""
        self._check_saying(who, text)
        try:
            async with asyncio.timeout(timeout_s):
                await self._while_open(lambda: self._say(who, text))
        except TimeoutError as error:
            message = f"what {who} said has not come back to everybody within {timeout_s:g} s"
            raise ClientError(message) from error

    async def restart_backend(self, away_s: float, meanwhile: tuple[str, str] | None) -> None:
        """Returns when it is back, and everybody has heard what was said meanwhile."""
        if not 0 <= away_s <= LONGEST_AWAY_S:
            message = (
                f"away_s is {away_s!r}: it has to be 0 to {LONGEST_AWAY_S:g} s, because after half a minute "
                "Pushpin no longer tries"
            )
            raise UsageError(message)
        if meanwhile is not None:
            self._check_saying(*meanwhile)
        await self._while_open(lambda: self._restart(away_s, meanwhile))

    def _check_saying(self, who: str, text: str) -> None:
        if who not in self._people:
            message = f"nobody is called {who!r}: in the room are {', '.join(self._people)}"
            raise UsageError(message)
        if not 1 <= len(text) <= LONGEST_TEXT or not text.strip():
            message = (
                f"{who} says {len(text):,} letters: it has to be 1 to {LONGEST_TEXT}, and not only spaces"
            )
            raise UsageError(message)

    # The backend

    def _routes(self) -> web.RouteTableDef:
        routes = web.RouteTableDef()

        @routes.post("/chat")
        async def answer(request: web.Request) -> web.Response:
            socket = await grip.websocket(request)
            if socket.opening:
                socket.accept()
                socket.subscribe(CHANNEL)
            for said in socket:
                assert self._site is not None  # noqa: S101 - for the type checker; it serves this
                await self._site.apublish(CHANNEL, f"{request.query['name']}: {said!s}")
            return socket.response()

        return routes

    async def _restart(self, away_s: float, meanwhile: tuple[str, str] | None) -> None:
        assert self._site is not None  # noqa: S101 - for the type checker; the room is open
        async with self._restarts:
            await self._site.astop_origin()
            going = [self._come_back(self._site, away_s)]
            if meanwhile is not None:
                going.append(self._say(*meanwhile))
            for error in await asyncio.gather(*going, return_exceptions=True):
                if error is not None:
                    raise error

    async def _come_back(self, site: Site, away_s: float) -> None:
        gone = Away(time.monotonic_ns())
        self._away.append(gone)
        self._look("The backend is away. Pushpin keeps what is said, and tries again and again.")
        try:
            await asyncio.sleep(away_s)
        finally:
            await site.astart_origin()
            self._away[-1] = replace(gone, until_ns=time.monotonic_ns())
        self._look("The backend is back. Nobody's connection has ended.")

    # The people

    @contextlib.asynccontextmanager
    async def _people_inside(self, site: Site) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Everybody on a WebSocket of their own, and a task for each that listens."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            listening: list[asyncio.Task[None]] = []
            try:
                for who in self._people:
                    self._sockets[who] = await _enter(session, site, who)
                    listening.append(asyncio.create_task(self._listen(who)))
                yield listening
            finally:
                for task in listening:
                    task.cancel()
                await asyncio.gather(*listening, return_exceptions=True)
                await asyncio.gather(*(socket.close() for socket in self._sockets.values()))

    async def _listen(self, who: str) -> None:
        async for message in self._sockets[who]:
            for each in self._said:
                if each.line == message.data and who in each.waiting:
                    each.waiting.discard(who)
                    break
            async with self._happened:
                self._happened.notify_all()
        error = f"{who}'s connection has ended, with close code {self._sockets[who].close_code}"
        raise ClientError(error)

    async def _say(self, who: str, text: str) -> None:
        said = _Pending(who, text, set(self._people))
        self._said.append(said)
        await self._sockets[who].send_str(text)
        async with self._happened:
            await self._happened.wait_for(lambda: not said.waiting)
        self._look()

    async def _while_open(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something once everybody is in; what is not done when the room closes is given up."""

        async def once_open() -> None:
            await self._opened.wait()
            await act()

        doing, end = asyncio.create_task(once_open()), asyncio.create_task(self._closed.wait())
        try:
            await asyncio.wait((doing, end), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise ClientError("the room was closed before that was done")
            doing.result()
        finally:
            doing.cancel()
            end.cancel()
            await asyncio.gather(doing, end, return_exceptions=True)

    # Looking at it

    async def _until_the_end(self, stop: asyncio.Event, listening: Iterable[asyncio.Task[None]]) -> None:
        """Look twice a second."""
        until_s = time.monotonic() + LONGEST_S
        while not stop.is_set() and time.monotonic() < until_s:
            self._look()
            for task in listening:
                if task.done():
                    task.result()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)

    def _look(self, phase: str | None = None) -> None:
        """Report how it is, if that has changed.

        Args:
            phase: What is going on from now on; None for what was before.
        """
        self._phase = phase or self._phase
        view = self._view()
        if view != self._reported:
            self._reported = view
            self._report(view)

    def _view(self) -> ChatView:
        from realtime_kit.plots.widgets.chat_view import ChatView, Said

        return ChatView(
            people=self._people,
            said=tuple(Said(each.who, each.text, not each.waiting) for each in self._said),
            seen=tuple(self._site.x_ray.messages()) if self._site else (),
            dropped=self._site.x_ray.dropped if self._site else 0,
            away=tuple(self._away),
            phase=self._phase,
            is_open=self._is_open,
        )


async def _enter(session: aiohttp.ClientSession, site: Site, who: str) -> Socket:
    try:
        async with asyncio.timeout(_ENTER_S):
            return await session.ws_connect(
                site.url / "chat" % {"name": who}, timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S)
            )
    except (TimeoutError, aiohttp.ClientError) as error:
        message = f"{who} cannot enter the room: {error}"
        raise ClientError(message) from error
