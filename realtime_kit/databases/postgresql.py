"""A private PostgreSQL server: in a folder of its own, behind a Unix socket, gone with the process that started it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psutil

from realtime_kit import background, components
from realtime_kit.databases import keeper
from realtime_kit.errors import DatabaseError, MissingDependency, UsageError
from realtime_kit.pushpin.run_folder import locked_folder
from realtime_kit.pushpin.supervised import SupervisedProcess

START_TIMEOUT_S = 30.0
"""Longest wait until it is ready. Making a cluster takes a second, and several on a busy machine."""

_LOOK_EVERY_S = 0.02
_USERS = ("postgres", "nobody")
"""Whom to become as root, the first that there is."""


class PostgreSQL:
    """A PostgreSQL server for this process alone. Use it with `with`.

    It has no port: its socket is in a folder that only its user, and root, can enter. Its data live as long as it does.

    Attributes:
        url: Where to connect, once entered; libpq, psycopg and Django read it.

    Raises:
        MissingDependency: on entering, if PostgreSQL is not installed.
        DatabaseError: on entering, if it does not start; the text has what it said.
    """

    def __init__(self) -> None:
        self.url = ""
        self._folder = Path()
        self._process: SupervisedProcess | None = None
        self._stack = contextlib.AsyncExitStack()
        self._lease: background.Lease | None = None

    def __enter__(self) -> Self:
        if self._lease is not None:
            raise UsageError("this PostgreSQL is up already")
        self._lease = background.Lease(self.stop)
        try:
            background.run(self._start())
        except BaseException:  # an interrupt may come when it is ready and has not been handed over
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Bring it up, for use without `with`."""
        return self.__enter__()

    def stop(self) -> None:
        """Take it down, with all that is in it. May be called again; in a fork it does nothing."""
        if self._lease is not None and not self._lease.inherited:
            try:
                background.run(self._stop())
            finally:
                self._end_lease()

    def stop_server(self) -> None:
        """Take the server down for a while: its clients are cut off, its data stay.

        Raises:
            UsageError: if it has not been started.
        """
        self._tell(signal.SIGUSR1)
        background.run(self._until(lambda: not (self._data / "postmaster.pid").exists(), "end"))

    def start_server(self) -> None:
        """Bring the server back, with its data, at the same address.

        Raises:
            UsageError: if it has not been started.
            DatabaseError: if it does not come back.
        """
        self._tell(signal.SIGUSR2)
        background.run(self._until(self._is_ready, "get ready"))

    @property
    def folder(self) -> Path:
        """Where all of it is, while it is up."""
        return self._folder

    @property
    def supervisor_pid(self) -> int:
        """The supervisor's pid; the server's processes are its descendants.

        Raises:
            UsageError: if it has not been started.
        """
        if self._process is None:
            raise UsageError("this PostgreSQL is not up: use it with `with PostgreSQL() as db:`")
        return self._process.supervisor_pid

    @property
    def _data(self) -> Path:
        return self._folder / "private" / "data"

    async def _start(self) -> None:
        programs = await asyncio.to_thread(_programs)
        user = _user()
        async with contextlib.AsyncExitStack() as stack:
            self._folder, lock = stack.enter_context(locked_folder())
            private = self._folder / "private"
            private.mkdir(mode=0o700)
            if user:
                self._folder.chmod(0o711)
                shutil.chown(private, user)
            argv = [sys.executable, "-I", "-S", keeper.__file__, json.dumps(_orders(programs, private, user))]
            self._process = await SupervisedProcess.launch(
                argv, environment={}, folder=self._folder, lock=lock
            )
            stack.push_async_callback(self._process.stop)
            await self._until(self._is_ready, "get ready")
            self._stack = stack.pop_all()
        self.url = f"postgresql://postgres@/postgres?host={quote(str(private), safe='')}"

    async def _stop(self) -> None:
        self._process, self.url = None, ""
        await self._stack.aclose()

    def _end_lease(self) -> None:
        if self._lease is not None:
            self._lease.end()
            self._lease = None

    def _tell(self, number: signal.Signals) -> None:
        try:
            for child in psutil.Process(self.supervisor_pid).children():
                child.send_signal(number)
        except psutil.NoSuchProcess:
            raise DatabaseError("PostgreSQL has ended by itself; start another") from None

    def _is_ready(self) -> bool:
        """Its own word: the last line of the file that it keeps while it runs."""
        with contextlib.suppress(OSError):
            return (self._data / "postmaster.pid").read_text().rstrip().endswith("ready")
        return False

    async def _until(self, reached: Callable[[], bool], what: str) -> None:
        assert self._process is not None  # noqa: S101 - for the type checker
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not reached():
                    if self._process.ended.done():
                        message = f"PostgreSQL has ended: {self._process.log().strip() or 'it said nothing'}"
                        raise DatabaseError(message)
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            message = f"PostgreSQL did not {what} within {START_TIMEOUT_S:g} s: {self._process.log().strip()}"
            raise DatabaseError(message) from None


def _user() -> str:
    """Whom the server has to become; empty for who we are."""
    if os.geteuid() != 0:
        return ""
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in _USERS:
        if name in known:
            return name
    msg = f"PostgreSQL does not run as root, and there is none of the users {', '.join(_USERS)}"
    raise DatabaseError(msg)


def _programs() -> Path:
    """The folder with `initdb` and `postgres`."""
    program = components.find("postgresql").path
    folder = Path(program or "").resolve().parent
    if not (folder / "initdb").exists():
        what = f"PostgreSQL at {program} is not complete: there is no initdb beside it."
        raise MissingDependency(what, components.component("postgresql").cure)
    return folder


def _orders(programs: Path, private: Path, user: str) -> dict[str, object]:
    """What the keeper is told. Nothing is synced to the disk: the data need not survive the machine."""
    data = str(private / "data")
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(private),
        "unix_socket_permissions": "0700",
        "fsync": "off",
        "wal_level": "logical",
        "log_min_messages": "warning",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    initdb = [
        str(programs / "initdb"),
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "-N",
    ]
    return {"user": user, "initdb": initdb, "server": [str(programs / "postgres"), "-D", data, *options]}
