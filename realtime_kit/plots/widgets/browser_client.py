"""A client in the learner's own browser: EventSource and WebSocket, as any web page would use them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import time
from collections.abc import Callable, Mapping
from math import inf, nan
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import NDArray
from yarl import URL

from realtime_kit.cell import forget, replace_by
from realtime_kit.errors import UsageError
from realtime_kit.plots.style import DARK, LIGHT, Theme
from realtime_kit.plots.widgets.browser_receipt import BrowserReceipt, Due
from realtime_kit.plots.widgets.browser_reports import BrowserReports
from realtime_kit.plots.widgets.browser_summary import browser_figure, browser_table
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.relay import HOST, Relay

TRANSPORTS = ("streaming", "websocket")
SECONDS_MAX = 3600.0

NOBODY = "No browser has answered: it is the page showing this widget that connects."
_GRACE_S = 1.0
"""The page ends its connection by itself; the relay ends it this much later if it has not."""


class BrowserClient(anywidget.AnyWidget):
    """Connects from the page that shows it, and measures how long events take to get there.

    The way is browser, Jupyter server (jupyter-server-proxy), a `Relay` in this process, Pushpin. Latency counts from
    the moment an event was due. The clocks of browser and kernel differ, so the difference is measured over and over,
    and every latency is uncertain by half of the shortest round trip, or less. A window of VS Code has no such server
    to go through: there the way leads straight to the relay, and it has to be on the same machine as the kernel.

        client = BrowserClient(site.url, due=due)   # due[id] = time.monotonic_ns(), when it was published
        client                                      # shows it, with a button for each transport
        client.start()                              # the same as pressing the first of them

    Without a page, as when a notebook is executed by a program, all of this can be called and nothing connects.
    A stream that the server ends is not asked for again.

    Args:
        where: Port of a Pushpin on this machine, or a URL of one; a path in it is the default for `path`.
        path: Path of the events, such as `/events?after=0`, or a mapping from transport to path.
        transport: What `start()` uses: `streaming` (an EventSource) or `websocket`.
        due: When each event was due; see `Due`. None shows events without a latency.
        seconds: Longest time for one connection, above 0, at most 3,600. It holds one of the six connections that a
            browser makes to a server, of which JupyterLab needs some itself.
    """

    _esm = Path(__file__).with_name("browser_client.js")
    opening = traitlets.Dict({}).tag(sync=True)
    """What the page is to connect to; without a port: to nothing, and `words`, if any, say why."""
    colours = traitlets.Dict({}).tag(sync=True)
    """Of each transport, by theme: those of every figure."""
    paths: traitlets.List[str] = traitlets.List([]).tag(sync=True)
    """The transports that have one."""
    _relay: Relay | None = None

    def __init__(
        self,
        where: int | str | URL,
        path: str | Mapping[str, str] | None = None,
        *,
        transport: str = "streaming",
        due: Due | None = None,
        seconds: float = 60.0,
    ) -> None:
        self._turn = threading.RLock()
        self._target = _checked_target(where)
        self._paths = _checked_paths(path, self._target)
        self._transport = _checked_transport(transport)
        self._seconds = _checked_seconds(seconds)
        self._due: Due = {} if due is None else due
        self._reports = BrowserReports(self._due)
        self._page = ""
        self._number = 0
        self._connected: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._status = NOBODY
        super().__init__(
            paths=list(self._paths),
            colours={
                theme.name: {name: theme.colour(name) for name in TRANSPORTS} for theme in (LIGHT, DARK)
            },
        )
        self.on_msg(self._hear)
        replace_by(self.close)

    # Doing

    def start(self, transport: str | None = None) -> None:
        """Have the page connect, at once or as soon as one shows this; what is connected is ended first.

        Args:
            transport: `streaming` or `websocket`; None is the one given at the beginning.

        Raises:
            UsageError: if there is no such transport, or no path for it, or this client is closed.
        """
        chosen = self._transport if transport is None else _checked_transport(transport)
        if chosen not in self._paths:
            message = f"there is no path for {chosen}: paths are given for {', '.join(self._paths)}"
            raise UsageError(message)
        with self._turn:
            if self.comm is None:
                raise UsageError("this client is closed: make another one")
            self._end()
            self._number += 1
            self._connected = concurrent.futures.Future()
            number = self._number
            self._relay = Relay(
                self._target, seconds=self._seconds + _GRACE_S, on_end=lambda: self._time_out(number)
            )
            self.opening = {
                "number": number,
                "transport": chosen,
                "port": self._relay.start(),
                "path": self._paths[chosen],
                "prefix": os.environ.get("JUPYTERHUB_SERVICE_PREFIX", ""),
                "seconds": self._seconds,
            }

    async def astart(self, transport: str | None = None, *, timeout_s: float = 5.0) -> bool:
        """Like `start`, and waits until a page is connected; False if none was within `timeout_s` seconds."""
        self.start(transport)
        done, _ = await asyncio.wait([asyncio.wrap_future(self._connected)], timeout=timeout_s)
        return bool(done)

    def stop(self) -> None:
        """End the connection, up to Pushpin, whether there is a page or not. May be called again."""
        self._end("Disconnected by the notebook.")

    def close(self) -> None:
        """Stop, and take the widget off every page. May be called again."""
        self.stop()
        forget(self.close)
        if self.comm is not None:
            self.layout.close()
        super().close()

    # Looking at it

    @property
    def status(self) -> str:
        """What the page last said of itself, in a sentence."""
        return self._status

    @property
    def receipts(self) -> tuple[BrowserReceipt, ...]:
        """What the page has received, in that order; the page reports it four times a second."""
        return tuple(self._reports.receipts)

    @property
    def latencies_s(self) -> NDArray[np.float64]:
        """Shape (receipts that have one,), seconds from due to the page, in order of arrival."""
        return np.array(self._reports.latencies_s(), np.float64)

    @property
    def offset_s(self) -> float:
        """The kernel's clock less the page's, in seconds; not a number before the first round trip."""
        clock = self._reports.clock
        return clock.offset_ns / 1e9 if clock else nan

    @property
    def uncertainty_s(self) -> float:
        """How far off `offset_s`, and with it the latest latency, may be; infinite before the first round trip."""
        clock = self._reports.clock
        return clock.uncertainty_ns / 1e9 if clock else inf

    def figure(self, *, theme: Theme = LIGHT) -> Figure:
        """What the page has reported up to now, as a figure to keep: each latency, with its uncertainty."""
        return browser_figure(self.receipts, self._due, theme=theme)

    def table(self) -> DataTable:
        """The newest receipts, and the median of all."""
        return browser_table(self.receipts, self._due)

    def __repr__(self) -> str:
        return f"<BrowserClient of {self._target}: {self._status}>"

    def _end(self, words: str = "") -> None:
        with self._turn:
            relay, self._relay = self._relay, None
            if relay is not None:
                self.opening = {"words": words}
                relay.stop()

    # The page's side

    def _hear(self, _widget: object, message: dict[str, Any], _buffers: object) -> None:
        hear: dict[str, Callable[[], object]] = {
            "start": lambda: self.start(message["transport"]),
            "stop": self._end,
            "close": self.close,
            "left": lambda: self._hear_left(message),
            "state": lambda: self._hear_state(message),
            "report": lambda: self.send(self._reports.take(message, time.monotonic_ns())),
        }
        hear[message["kind"]]()

    def _hear_left(self, message: dict[str, Any]) -> None:
        if message["page"] == self._page:  # another page may be connected by now
            self._end()

    def _hear_state(self, message: dict[str, Any]) -> None:
        self._status = message["words"]
        if message["number"] == self._number and message["state"] in ("connecting", "open"):
            self._page = message["page"]
            if message["state"] == "open" and not self._connected.done():
                self._connected.set_result(None)

    def _time_out(self, number: int) -> None:
        # On the kit's thread: it must not wait for a thread that may be waiting for it.
        if self.opening.get("number") == number:
            self.opening = {}


def _checked_target(where: int | str | URL) -> URL:
    target = URL(f"http://{HOST}:{where}") if isinstance(where, int) else URL(where)
    if target.scheme not in ("http", "https") or not target.host or not target.port:
        message = f"{where!r} is no place to connect to: it has to be a port, or a URL such as http://127.0.0.1:7999"
        raise UsageError(message)
    return target


def _checked_paths(path: str | Mapping[str, str] | None, target: URL) -> dict[str, str]:
    if path is None:
        path = target.path_qs if target.path != "/" else "/events"
    paths = dict.fromkeys(TRANSPORTS, path) if isinstance(path, str) else dict(path)
    for name, each in paths.items():
        _checked_transport(name)
        if not each.startswith("/"):
            message = f"path is {each!r}: it has to begin with a slash"
            raise UsageError(message)
    return paths


def _checked_transport(name: str) -> str:
    if name not in TRANSPORTS:
        message = f"transport is {name!r}: a browser has {' and '.join(TRANSPORTS)}"
        raise UsageError(message)
    return name


def _checked_seconds(seconds: float) -> float:
    if not 0 < seconds <= SECONDS_MAX:
        message = f"seconds is {seconds!r}: it has to be above 0 and at most {SECONDS_MAX:,.0f}"
        raise UsageError(message)
    return seconds
