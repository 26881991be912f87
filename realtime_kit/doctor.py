"""The doctor: what is here, what is missing, and the cure."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from realtime_kit.errors import MissingDependency, RealtimeKitError
from realtime_kit.processors import usable

NOTEBOOK_PACKAGES = (
    "jupyterlab",
    "ipywidgets",
    "ipykernel",
    "anywidget",
    "jupyter-server-proxy",
    "websocket-client",
)
STRANGERS = {
    "pushpin": "It has nothing to do with the proxy: `pip uninstall pushpin`.",
    "sseclient": "It installs the same module as sseclient-py: `pip uninstall sseclient sseclient-py`, then "
    "`pip install sseclient-py`.",
    "websocket": "It installs the same module as websocket-client: `pip uninstall websocket websocket-client`, then "
    "`pip install websocket-client`.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the doctor looked at.

    Attributes:
        name: What it is.
        ok: Whether it is as it should be.
        found: What was found.
        cure: What to do about it; empty if it is fine.
        needed: Whether the lessons cannot run without it.
    """

    name: str
    ok: bool
    found: str
    cure: str = ""
    needed: bool = True

    @property
    def mark(self) -> str:
        """`ok`, `FAIL` if lessons cannot run for it, or `note` if it only deserves a look."""
        return "ok" if self.ok else "FAIL" if self.needed else "note"

    def __str__(self) -> str:
        line = f"{self.mark:<4}  {self.name:<20} {self.found}"
        return f"{line}\n{'':<27}{self.cure}" if self.cure else line

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def examine(*, start_pushpin: bool = True) -> list[Finding]:
    """Look at everything the lessons need.

    Args:
        start_pushpin: Also start Pushpin and send one event through it, which takes about half a second.
    """
    looks: list[Callable[[], Iterator[Finding]]] = [_python, _packages, _strangers, _machine, _temporary]
    findings = [finding for look in looks for finding in look()]
    return [*findings, *_components(), *_pushpin(start=start_pushpin)]


def healthy(findings: list[Finding]) -> bool:
    """Whether every lesson can run."""
    return all(finding.ok for finding in findings if finding.needed)


def _python() -> Iterator[Finding]:
    good = sys.version_info >= (3, 11)
    cure = "" if good else "Install Python 3.11 or later, and the kit with it."
    yield Finding("Python", good, platform.python_version(), cure)
    known = platform.system() in ("Linux", "Darwin")
    cure = "" if known else "Use Docker with `Pushpin.attach`, WSL, or open the lessons in Binder."
    yield Finding("system", known, f"{platform.system()} {platform.release()}", cure)


def _packages() -> Iterator[Finding]:
    for name in NOTEBOOK_PACKAGES:
        version = _version(name)
        cure = "" if version else "Install what the notebooks need: `pip install 'realtime-kit[notebooks]'`."
        if name == "ipykernel" and version and version.startswith("7.0."):
            cure = "It fails when a board is updated from a thread: `pip install 'ipykernel>=7.1'`."
        yield Finding(name, not cure, version or "not installed", cure)


def _strangers() -> Iterator[Finding]:
    for name, cure in STRANGERS.items():
        if version := _version(name):
            yield Finding(f"{name} from PyPI", ok=False, found=version, cure=cure, needed=name != "pushpin")


def _machine() -> Iterator[Finding]:
    processors = usable()
    yield Finding("processors", ok=True, found=str(processors), needed=False)
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    good = hard >= 1024
    cure = "" if good else "Raise it: `ulimit -n 20000`."
    yield Finding("open files", good, f"{hard:,} allowed ({soft:,} without asking)", cure)


def _temporary() -> Iterator[Finding]:
    try:
        with tempfile.TemporaryDirectory(prefix="rk-doctor-", dir="/tmp"):
            free_mb = shutil.disk_usage("/tmp").free // 2**20
    except OSError as error:
        cure = "Pushpin keeps its sockets there: make it writable."
        yield Finding("/tmp", ok=False, found=error.strerror or str(error), cure=cure)
    else:
        yield Finding("/tmp", ok=True, found=f"writable, {free_mb:,} MB free")


def _components() -> Iterator[Finding]:
    from realtime_kit.components import COMPONENTS

    for component in COMPONENTS:
        lessons = f"lesson{'s' if component.lessons[1:] else ''} {', '.join(map(str, component.lessons))}"
        needed = not component.optional
        try:
            found = f"{component.find()} ({lessons})"
            yield Finding(component.name, ok=True, found=found, needed=needed)
        except MissingDependency as error:
            found = f"{error.what} ({lessons})"
            yield Finding(component.name, ok=False, found=found, cure=error.cure, needed=needed)


def _pushpin(*, start: bool) -> Iterator[Finding]:
    try:
        from realtime_kit.pushpin import Pushpin, find_pushpin

        yield Finding("Pushpin", ok=True, found=str(find_pushpin()))
        if start:
            begun = time.monotonic()
            with Pushpin():
                took = time.monotonic() - begun
            yield Finding(
                "Pushpin at work", ok=True, found=f"an event came through {took:.2f} s after the start"
            )
    except (RealtimeKitError, ImportError) as error:
        cure = getattr(error, "cure", "Its log, or `realtime-kit serve polling`, says more.")
        name = "Pushpin" if isinstance(error, MissingDependency) else "Pushpin at work"
        yield Finding(name, ok=False, found=getattr(error, "what", str(error)), cure=cure)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
