"""Where Pushpin is: an explicit path, REALTIME_KIT_PUSHPIN, PATH, then the kit's private prefix."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from realtime_kit.errors import MissingDependency, PushpinBroken
from realtime_kit.pushpin.machine import inspect_machine, private_prefix
from realtime_kit.pushpin.version import OLDEST_SUPPORTED, PushpinVersion

VERSION_TIMEOUT_S = 10.0
"""Pushpin answers `--version` in some 10 ms; a stranger of the same name may wait for ever."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A Pushpin that answers, with all of its parts.

    Attributes:
        binary: The `pushpin` program, absolute.
        version: What it says it is.
        prefix: Root of the tree that packages were unpacked into, None for a system-wide installation.
        source: Where it was found: "argument", "REALTIME_KIT_PUSHPIN", "PATH" or "private prefix".
    """

    binary: Path
    version: PushpinVersion
    prefix: Path | None
    source: str

    @property
    def libdir(self) -> Path | None:
        """Folder of `internal.conf` for `[global] libdir`; None if the one compiled in is right."""
        return None if self.prefix is None else self.prefix / "usr/lib/pushpin"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that Pushpin's process needs on top of the usual ones; empty if system-wide.

        They are for Pushpin alone: the same LD_LIBRARY_PATH would put its libraries into Python, too.
        """
        return {} if self.prefix is None else _environment_of(self.prefix)

    def __str__(self) -> str:
        return f"Pushpin {self.version} at {self.binary} (from: {self.source})"


def find_pushpin(
    explicit: str | Path | None = None, *, environ: Mapping[str, str] = os.environ
) -> Installation:
    """The first Pushpin that can be used.

    A path that was *given*, as argument or in REALTIME_KIT_PUSHPIN, is used or refused; the search does not
    go on behind your back. On PATH, whatever merely has the name is passed over: PyPI and npm have packages
    called pushpin that are something else.

    Args:
        explicit: Path of the `pushpin` program; None to search.
        environ: Where REALTIME_KIT_PUSHPIN, PATH, REALTIME_KIT_HOME, XDG_DATA_HOME and HOME are read.

    Raises:
        MissingDependency: There is none, or only one older than 1.31; the cure fits this platform.
        PushpinBroken: The path given is not a working Pushpin.
    """
    if explicit is not None:
        return _given(explicit, "argument")
    if named := environ.get("REALTIME_KIT_PUSHPIN"):
        return _given(named, "REALTIME_KIT_PUSHPIN")
    refused = []
    for binary, source in _candidates(environ):
        try:
            return examine(binary, source)
        except (MissingDependency, PushpinBroken) as error:
            refused.append(f" {_finding(error)}")
    what = f"No Pushpin was found on PATH or in {private_prefix(environ)}.{''.join(refused)}"
    raise MissingDependency(what, cure_for_platform(environ))


def cure_for_platform(environ: Mapping[str, str] = os.environ) -> str:
    """What a person at this machine should do to get Pushpin, in one or two sentences."""
    return inspect_machine(environ).cure


def examine(binary: Path, source: str) -> Installation:
    """Ask one program whether it is a Pushpin the kit can use, and whether all its parts are there.

    Raises:
        MissingDependency: There is no such file, or it is too old.
        PushpinBroken: It cannot be run, is something else, or lacks a part.
    """
    cure = "Give the path of a `pushpin` program, or none to let the kit search."
    if not binary.exists():
        what = f"There is no file {binary}."
        raise MissingDependency(what, cure)
    if not binary.is_file() or not os.access(binary, os.X_OK):
        message = f"{binary} is not a program that may be run. {cure}"
        raise PushpinBroken(message)
    prefix = _unpacked_root(binary)
    version = _ask_version(binary, {} if prefix is None else _environment_of(prefix))
    if version < OLDEST_SUPPORTED:
        what = f"{binary} is Pushpin {version}, and the kit needs {OLDEST_SUPPORTED} or later."
        raise MissingDependency(what, "Install a newer one: `realtime-kit install-deps`.")
    if missing := [name for name in version.components if not _is_there(name, binary, prefix)]:
        message = (
            f"{binary} is Pushpin {version}, which cannot run without {' and '.join(missing)}: it is not "
            "there. Run `realtime-kit install-deps`, or install what is missing."
        )
        raise PushpinBroken(message)
    return Installation(binary, version, prefix, source)


def _given(path: str | Path, source: str) -> Installation:
    """Use the path that a person gave, and say in errors where they gave it."""
    try:
        return examine(Path(path).expanduser().absolute(), source)
    except MissingDependency as error:
        what = f"Pushpin was given as {path} ({source}). {error.what}"
        raise MissingDependency(what, error.cure) from None
    except PushpinBroken as error:
        message = f"Pushpin was given as {path} ({source}). {error}"
        raise PushpinBroken(message, error.log) from None


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    for folder in environ.get("PATH", "").split(os.pathsep):
        binary = Path(folder, "pushpin")
        if folder and binary.is_file() and os.access(binary, os.X_OK):
            yield binary.absolute(), "PATH"
    private = private_prefix(environ) / "usr/bin/pushpin"
    if private.exists():
        yield private, "private prefix"


def _finding(error: MissingDependency | PushpinBroken) -> str:
    return error.what if isinstance(error, MissingDependency) else str(error)


def _ask_version(binary: Path, environment: dict[str, str]) -> PushpinVersion:
    """Run `pushpin --version`.

    Raises:
        PushpinBroken: It does not start, hangs, fails or answers like something else.
    """
    try:
        done = subprocess.run(
            [binary, "--version"],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_TIMEOUT_S,
        )
        return PushpinVersion.parse(done.stdout)
    except OSError as error:
        message = f"{binary} does not start: {error.strerror}."
        raise PushpinBroken(message) from error
    except subprocess.TimeoutExpired as error:
        message = f"{binary} --version gave no answer in {VERSION_TIMEOUT_S:g} s: it is not Pushpin."
        raise PushpinBroken(message) from error
    except ValueError as error:
        said = f" It also said: {done.stderr.strip()[-200:]}" if done.stderr.strip() else ""
        message = (
            f"{binary} --version does not answer like Pushpin: {error}.{said} "
            "(The packages called pushpin on PyPI and npm are something else.)"
        )
        raise PushpinBroken(message, done.stderr) from error


def _unpacked_root(binary: Path) -> Path | None:
    """The tree that packages were unpacked into, if `binary` is `usr/bin/pushpin` of one that is not `/`."""
    root = binary.parent.parent.parent
    is_unpacked = binary.parent == root / "usr/bin" and (root / "usr/lib/pushpin").is_dir()
    return root if is_unpacked and root != Path(root.anchor) else None


def _environment_of(prefix: Path) -> dict[str, str]:
    """PATH leads to Condure and Zurl, LD_LIBRARY_PATH to the libraries of this machine's architecture."""
    folders = [*prefix.glob("usr/lib/*-linux-*"), *prefix.glob("lib/*-linux-*")]
    return {
        "PATH": os.pathsep.join((str(prefix / "usr/bin"), os.environ.get("PATH", os.defpath))),
        "LD_LIBRARY_PATH": os.pathsep.join(str(folder) for folder in sorted(folders)),
    }


def _is_there(component: str, binary: Path, prefix: Path | None) -> bool:
    """Whether a component is beside Pushpin or, system-wide, on PATH: Homebrew has a folder for each."""
    beside = (binary.with_name(component), binary.resolve().with_name(component))
    if any(path.is_file() for path in beside):
        return True
    return prefix is None and shutil.which(component) is not None
