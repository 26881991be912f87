"""Exporting a lesson's origin: a folder to carry on with, which needs nothing of the kit."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from realtime_kit.errors import MissingDependency, PushpinBroken, UsageError
from realtime_kit.lab.prototype_files import Ports, compose_file, pushpin_conf, readme, requirements
from realtime_kit.lab.serve import FIRST_EVENTS
from realtime_kit.origin import prototypes
from realtime_kit.origin.lessons import LessonOrigin, find_lesson
from realtime_kit.pushpin import Route, find_pushpin
from realtime_kit.pushpin.find import Installation
from realtime_kit.pushpin.ports import HOST
from realtime_kit.pushpin.routes import render_routes

DEFAULT_PORT = 8000
MOST_PORT = 65_533


@dataclass(frozen=True, slots=True)
class Prototype:
    """A folder that was written.

    Attributes:
        lesson: Whose origin it is.
        folder: Where it is, absolute.
        files: The names of its files.
    """

    lesson: LessonOrigin
    folder: Path
    files: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.folder}: {', '.join(self.files)}\nHow to run it is in its README.md."

    def read(self, name: str) -> str:
        """The text of one of its files."""
        return (self.folder / name).read_text(encoding="utf-8")


def export(lesson: str, folder: str | Path, *, port: int = DEFAULT_PORT) -> Prototype:
    """Write a lesson's origin as a prototype to carry on with.

    Nothing is overwritten, and if something goes wrong nothing is left behind.

    Args:
        lesson: Its name or number.
        folder: Where to; made if it is not there, and otherwise empty.
        port: Port for clients. The two after it are the application's and Pushpin's publish port.

    Raises:
        UsageError: if there is no such lesson, or the port or the folder cannot be used.
    """
    found = find_lesson(lesson)
    if not 1 <= port <= MOST_PORT:
        message = f"port is {port}: it has to be 1 to {MOST_PORT:,}, because the two after it are used too"
        raise UsageError(message)
    target = Path(folder).expanduser().absolute()
    files = _files(found, Ports(port))
    with _filling(target):
        for name, text in files.items():
            with (target / name).open("x", encoding="utf-8") as file:
                file.write(text)
    return Prototype(found, target, tuple(files))


def _files(lesson: LessonOrigin, ports: Ports) -> dict[str, str]:
    source = Path(prototypes.__path__[0], f"{lesson.name.replace('-', '_')}.py").read_text(encoding="utf-8")
    source = _renumbered(source, ports)
    installation = _installed()
    needs = requirements(source)
    files = {
        "app.py": source,
        "events.jsonl": "".join(f"{json.dumps(text)}\n" for text in FIRST_EVENTS),
        "routes": render_routes([Route(f"{HOST}:{ports.origin}", over_http=True)]),
        "pushpin.conf": pushpin_conf(installation, ports, token=secrets.token_hex(4)),
        "docker-compose.yml": compose_file(ports),
        "requirements.txt": "".join(f"{line}\n" for line in needs),
    }
    return {**files, "README.md": readme(lesson.name, source, installation, ports)}


def _renumbered(source: str, ports: Ports) -> str:
    """The application with other ports: both at once, as one may become what the other was."""
    written = Ports(DEFAULT_PORT)
    others = {str(written.origin): str(ports.origin), str(written.publish): str(ports.publish)}
    return re.sub(rf"\b({'|'.join(others)})\b", lambda found: others[found[0]], source)


def _installed() -> Installation | None:
    """The Pushpin of this machine; a prototype can be written without."""
    with contextlib.suppress(MissingDependency, PushpinBroken):
        return find_pushpin()
    return None


@contextlib.contextmanager
def _filling(folder: Path) -> Iterator[None]:
    """Make the folder, or take an empty one; what a failure or an interrupt has left in it is removed."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            message = f"{folder} is not empty: give a new folder, nothing is overwritten"
            raise UsageError(message)
        try:
            yield
        except BaseException:
            for file in folder.iterdir():
                file.unlink()
            raise
    except BaseException as error:
        with contextlib.suppress(OSError):
            for each in made:
                each.rmdir()
        if isinstance(error, OSError):
            message = f"{folder} cannot be written: {_reason(error)}"
            raise UsageError(message) from error
        raise


def _reason(error: OSError) -> str:
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return "there is a file of that name"
    return os.strerror(error.errno) if error.errno else str(error)
