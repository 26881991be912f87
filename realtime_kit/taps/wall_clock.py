"""A wall clock of their own for some processes, which can be stepped while they run.

A machine has one wall clock, and stepping it would be felt by everybody. So a small library in C (`wall_clock.c`, next
to this file) is put before the system's in the processes that are meant, and adds an offset to what these are told. It
is compiled on the machine where it is used, which takes a C compiler and Linux.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from realtime_kit.errors import MissingDependency, RealtimeKitError
from realtime_kit.pushpin.run_folder import RUN_FOLDERS, locked_folder

COMPILERS = ("cc", "gcc", "clang")
COMPILE_TIMEOUT_S = 60.0
"""It takes a tenth of a second."""

_SOURCE = Path(__file__).with_suffix(".c")
_VARIABLE = "REALTIME_KIT_WALL_CLOCK"
_CURE = "Type: apt install gcc libc6-dev"


def library() -> bytes:
    """The library, compiled for this machine; once in a process.

    Raises:
        MissingDependency: if this is no Linux, if there is no C compiler that compiles it, or if nothing may be loaded
            from where run folders are made.
    """
    made = _made()
    if isinstance(made, MissingDependency):
        raise made
    return made


@functools.cache
def _made() -> bytes | MissingDependency:
    """The library, or why it cannot be had: what failed would fail again."""
    try:
        return _make()
    except MissingDependency as error:
        return error


def _make() -> bytes:
    if sys.platform != "linux":
        what = f"Stepping the wall clock takes Linux, and this is {sys.platform}."
        raise MissingDependency(what, "Run the kit in a container, such as Binder's.")
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        either = f"{', '.join(COMPILERS[:-1])} or {COMPILERS[-1]}"
        what = f"Stepping the wall clock takes a C compiler, and there is no {either}."
        raise MissingDependency(what, _CURE)
    with tempfile.TemporaryDirectory(dir=RUN_FOLDERS) as folder:
        built = Path(folder) / "wall_clock.so"
        if said := _compile(compiler, built):
            what = f"Stepping the wall clock takes a C compiler that works, and {compiler} said: {said}."
            raise MissingDependency(what, _CURE)
        try:
            ctypes.CDLL(str(built))  # changes nothing here: the system's clock was loaded first
        except OSError as error:
            what = f"Stepping the wall clock takes a library in {RUN_FOLDERS} that may be loaded, and here: {error}."
            raise MissingDependency(what, f"Type: mount -o remount,exec {RUN_FOLDERS}") from None
        return built.read_bytes()


def _compile(compiler: str, to: Path) -> str:
    """What the compiler said, if it failed."""
    try:
        done = subprocess.run(
            [compiler, "-shared", "-fPIC", "-O2", "-o", to, _SOURCE],
            capture_output=True,
            text=True,
            timeout=COMPILE_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0]
    return ""


class WallClock:
    """A wall clock that is right until it is stepped. Use it with `with`; what was started under it has to end first.

    Attributes:
        environment: Variables of the processes that shall go by it.
        offset_s: By how much it is ahead of the system's, whole seconds; negative is behind.

    Raises:
        MissingDependency: on entering, if this is no Linux, or if there is no C compiler that works.
    """

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self._stack = contextlib.ExitStack()
        self._parts: tuple[Path, Path] = (Path(), Path())  # the library, and the file with the offset
        self._offset_s = ctypes.c_int64()

    def __enter__(self) -> Self:
        built = library()
        with contextlib.ExitStack() as stack:
            folder, _ = stack.enter_context(locked_folder())
            self._parts = program, offset = folder / "wall_clock.so", folder / "offset"
            program.write_bytes(built)
            offset.write_bytes(bytes(ctypes.sizeof(ctypes.c_int64)))
            with offset.open("r+b") as file:
                mapped = stack.enter_context(mmap.mmap(file.fileno(), 0))
            self._offset_s = ctypes.c_int64.from_buffer(mapped)
            stack.callback(self._let_go)
            others = os.environ.get("LD_PRELOAD")
            self.environment = {
                "LD_PRELOAD": f"{program}:{others}" if others else str(program),
                _VARIABLE: str(offset),
            }
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _let_go(self) -> None:
        """Of the mapping, which cannot be closed as long as something points into it."""
        self._offset_s = ctypes.c_int64(self._offset_s.value)

    @property
    def offset_s(self) -> int:
        """By how much it is ahead of the system's."""
        return self._offset_s.value

    def step(self, seconds: int) -> None:
        """Put it forward, or back if negative; all that go by it see that at once."""
        self._offset_s.value += seconds

    def check(self, pids: Iterable[int]) -> None:
        """Whether these processes go by it.

        Raises:
            RealtimeKitError: if one of them does not, so that a step would be none for it.
        """
        for pid in pids:
            mapped = Path(f"/proc/{pid}/maps").read_text()
            if not all(str(part) in mapped for part in self._parts):
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                message = (
                    f"{name} does not go by a wall clock of its own: {self._parts[0]} was not loaded; "
                    "perhaps /tmp is mounted noexec"
                )
                raise RealtimeKitError(message)
