"""The run folder: where one instance keeps its configuration, sockets, pid files and log.

Each start makes its own, so two instances can never share sockets (which Pushpin would do without a word). It
is locked while its supervisor lives: one that can be locked was left by a supervisor that was killed, and the
next start sweeps it together with whatever still runs in it. Gateways, databases and backends have such a folder, too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from realtime_kit.errors import RunFolderError, SocketPathTooLong
from realtime_kit.pushpin.config import IPC_PREFIX
from realtime_kit.pushpin.version import PushpinVersion

RUN_FOLDERS = Path("/tmp")  # not $TMPDIR: on macOS and under test runners it is too long for a socket
_PREFIX = "rk-"
CONFIG = "pushpin.conf"
MARK = "locked"
"""A file that is made once the lock is held: a folder without it is just being made, or a stranger's."""

_SOCKET_PATH_MAX_BYTES = 107
"""Size of `sockaddr_un.sun_path` on Linux, less its closing zero."""

_UNREADABLE = re.compile(r'[,;"\\{}]|[^ -~]')
"""What a path in Pushpin's configuration cannot hold; it would read something else."""

_PROGRAMS = ("pushpin", "condure", "zurl")
_WORKERS = ("nginx", "postgres")
"""Theirs name no folder in their command lines, but work in it. Kong is an nginx, too."""
_KILL_TIMEOUT_S = 5.0
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def make_run_folder(version: PushpinVersion, base: Path | None = None) -> tuple[Path, int]:
    """Make and lock a new folder whose path is short enough for socket names.

    Args:
        version: Decides how long the longest socket name is.
        base: Where to make it, itself made if missing; None is `/tmp`.

    Returns:
        The folder and the file descriptor that holds its lock.

    Raises:
        SocketPathTooLong: if the path leaves no room for the sockets.
        RunFolderError: if it cannot be made.
    """
    base = RUN_FOLDERS if base is None else base.absolute()
    _check(base, version)
    try:
        base.mkdir(parents=True, exist_ok=True)
        return _make_locked(base)
    except OSError as error:
        message = f"no run folder can be made in {base}: {error.strerror}; give another with run_folder="
        raise RunFolderError(message) from error


@contextlib.contextmanager
def locked_folder() -> Iterator[tuple[Path, int]]:
    """A folder for another program under a supervisor: like `make_run_folder`, in `/tmp`, and gone afterwards.

    Raises:
        RunFolderError: if it cannot be made.
    """
    try:
        folder, descriptor = _make_locked(RUN_FOLDERS)
    except OSError as error:
        message = f"no folder can be made in {RUN_FOLDERS}: {error.strerror}"
        raise RunFolderError(message) from error
    try:
        yield folder, descriptor
    finally:
        sweep(folder)
        os.close(descriptor)


def _make_locked(base: Path) -> tuple[Path, int]:
    sweep_stale_folders(base)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    descriptor = os.open(folder, _OPEN)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (folder / MARK).touch()
    return folder, descriptor


def sweep_stale_folders(base: Path = RUN_FOLDERS) -> None:
    """Remove the folders whose supervisor was killed, and end what still runs in them."""
    for folder in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_ours(folder):
                _sweep_if_stale(folder)


def _is_ours(folder: Path) -> bool:
    return not folder.is_symlink() and folder.stat().st_uid == os.getuid() and (folder / MARK).is_file()


def _sweep_if_stale(folder: Path) -> None:
    descriptor = os.open(folder, _OPEN)
    try:
        if _lock(descriptor):
            sweep(folder)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """End all processes that work in a folder and remove it; does nothing when its supervisor has done so."""
    if folder.exists():
        deadline = time.monotonic() + _KILL_TIMEOUT_S
        while (left := processes_in(folder)) and time.monotonic() < deadline:
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            # Not psutil.wait_procs: it waits until whoever is their parent by now has buried them.
            time.sleep(0.005)
        shutil.rmtree(folder, ignore_errors=True)


def processes_in(folder: Path) -> list[psutil.Process]:
    """Processes of Pushpin, of a gateway or of a database that were started for a folder."""
    return [process for process in psutil.process_iter(["name", "cmdline", "cwd"]) if _is_of(folder, process)]


def _is_of(folder: Path, process: psutil.Process) -> bool:
    name = process.info["name"] or ""
    if name in _WORKERS:
        return Path(process.info["cwd"] or "/").is_relative_to(folder)
    return name.startswith(_PROGRAMS) and any(f"{folder}/" in word for word in process.info["cmdline"] or ())


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _check(base: Path, version: PushpinVersion) -> None:
    if found := _UNREADABLE.search(str(base)):
        message = (
            f"the run folder {base} has a {found[0]!r} in its path, which Pushpin's configuration cannot hold"
        )
        raise RunFolderError(message)
    own_name = len(f"/{_PREFIX}") + 8  # eight characters by mkdtemp
    longest = _SOCKET_PATH_MAX_BYTES - own_name - 1 - len(IPC_PREFIX) - version.longest_socket_name
    length = len(os.fsencode(base))
    if length > longest:
        message = (
            f"the run folder's path takes {length} bytes, Pushpin {version} leaves room for {longest}: {base};"
            " give a shorter one with run_folder="
        )
        raise SocketPathTooLong(message)
