"""What a lesson needs besides Pushpin: how it is found, which version it is, and how it gets onto a machine."""

from __future__ import annotations

import glob
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from realtime_kit.errors import MissingDependency
from realtime_kit.pushpin.step import Step

_LOOK_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Found:
    """A component that is here.

    Attributes:
        name: The component's name.
        version: As it says itself.
        path: The program, or the folder of a package; None for what has none.
    """

    name: str
    version: str
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.version} at {self.path}" if self.path else self.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Component(ABC):
    """A part of a lesson that the kit starts but does not bring along.

    Attributes:
        name: What commands and messages call it.
        title: Its proper name.
        lessons: Numbers of the lessons that need it.
        optional: Whether those lessons can be run without it, so that it is neither installed nor missed.
    """

    name: str
    title: str
    lessons: tuple[int, ...]
    optional: bool = False

    @abstractmethod
    def find(self) -> Found:
        """Look for it on this machine.

        Raises:
            MissingDependency: It is not here, too old, or does not run; the cure says what to type.
        """

    @property
    def cure(self) -> str:
        """What to do where it is missing, in one sentence."""
        return f"Type: realtime-kit install-deps --for {self.lessons[0]}"

    def _missing(self, what: str) -> MissingDependency:
        """The error whose sentence begins with the title."""
        return MissingDependency(f"{self.title} {what}", self.cure)

    def _checked(self, found: Found, least: str) -> Found:
        if _numbers(found.version) < _numbers(least):
            what = f"{found.version} is too old: it has to be {least} or later."
            raise self._missing(what)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Program(Component):
    """A program on the path, or where its package puts it.

    Attributes:
        program: Its file's name.
        least: Oldest version that will do.
        version_option: What makes it say its version.
        folders: Patterns of further folders to look into.
        apt: Debian's and Ubuntu's packages of it; none if there is no package.
        services: Units that systemd would start with those packages.
        brew: Homebrew's formula of it; empty if there is none.
        elsewhere: Where it comes from, for what neither apt nor Homebrew has.
    """

    program: str
    least: str
    version_option: str = "--version"
    folders: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    brew: str = ""
    elsewhere: str = ""

    @property
    def cure(self) -> str:
        """What to do where it is missing, in one sentence."""
        return self.elsewhere or super(Program, self).cure

    def find(self) -> Found:
        """Look for it, and ask it for its version."""
        path = self._path()
        if path is None:
            raise self._missing("is not installed.")
        try:
            done = subprocess.run(
                [path, self.version_option],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_LOOK_TIMEOUT_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            what = f"at {path} does not run: {error}."
            raise self._missing(what) from error
        said = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)  # nginx says it on standard error
        if said is None:
            what = f"at {path} does not say its version."
            raise self._missing(what)
        return self._checked(Found(self.name, said[0], path), self.least)

    def _path(self) -> Path | None:
        search = [*os.get_exec_path()]
        for pattern in self.folders:
            search += sorted(glob.glob(pattern), key=_numbers, reverse=True)  # noqa: PTH207 - absolute patterns
        found = shutil.which(self.program, path=os.pathsep.join(search))
        return Path(found) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonPackages(Component):
    """Packages from PyPI, by an extra of the kit.

    Attributes:
        extra: The extra's name.
        least: Each package, and its oldest version that will do; the first is the one whose version is told.
    """

    extra: str
    least: Mapping[str, str]

    def find(self) -> Found:
        """Look for all of them in this Python."""
        found = [self.find_package(package) for package in self.least]
        return Found(self.name, found[0].version)

    def find_package(self, package: str) -> Found:
        """Look for one of them.

        Raises:
            MissingDependency: It is not here, or too old.
        """
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            what = f"is not complete: there is no {package}."
            raise self._missing(what) from None
        return self._checked(Found(package, version), self.least[package])

    @property
    def step(self) -> Step:
        """What installs them."""
        command = (sys.executable, "-m", "pip", "install", "--quiet", f"realtime-kit[{self.extra}]")
        return Step(command, f"Install {self.title} into this Python.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePackages(Component):
    """What a backend in JavaScript lists in its package.json, installed beside it.

    Attributes:
        folder: Finds the backend's folder; None where the notebooks are not.
        package: The one whose version is told.
    """

    folder: Callable[[], Path | None]
    package: str

    def find(self) -> Found:
        """Look into the backend's folder."""
        folder = self.folder()
        if folder is None:
            raise self._missing("is not here: the notebooks' folder is not.")
        path = folder / "node_modules" / self.package
        try:
            version = json.loads((path / "package.json").read_text(encoding="utf-8"))["version"]
        except (OSError, ValueError, KeyError):
            raise self._missing("is not installed.") from None
        return Found(self.name, str(version), path)

    def step(self, npm: str = "npm") -> Step | None:
        """What installs them, exactly as package-lock.json says; None where the notebooks are not."""
        folder = self.folder()
        if folder is None:
            return None
        options = ("--no-audit", "--no-fund", "--loglevel=error")
        return Step(
            (npm, "ci", *options, "--prefix", str(folder)), f"Install {self.title} beside its backend."
        )


def _numbers(version: str) -> tuple[int, ...]:
    """`1.22.1` as (1, 22, 1); of other text its numbers, so that `…/9/bin` comes before `…/15/bin`."""
    return tuple(int(number) for number in re.findall(r"\d+", version))
