"""What a machine has to offer for installing Pushpin: facts only, gathered once."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from realtime_kit.pushpin.version import OLDEST_SUPPORTED, PushpinVersion

RELEASES: dict[tuple[str, str], str | None] = {
    ("debian", "11"): "1.31.0",
    ("debian", "12"): "1.36.0",
    ("debian", "13"): None,  # dropped for this release, and back in what follows it
    ("ubuntu", "22.04"): "1.34.0",
    ("ubuntu", "24.04"): "1.38.0",
    ("ubuntu", "25.10"): "1.39.1",
    ("ubuntu", "26.04"): "1.41.0",
}
"""The Pushpin that a distribution's release has a package of; None if it has none."""


class Way(Enum):
    """A way to get Pushpin; the value reads after "Pushpin can be installed"."""

    APT = "with apt, as root"
    SUDO_APT = "with apt, through sudo"
    PRIVATE = "without root, in a folder of the kit's own"
    HOMEBREW = "with Homebrew"


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts about a machine that decide how Pushpin gets there.

    Attributes:
        system: "Linux", "Darwin" or "Windows", as `platform.system()` says it.
        prefix: Where the kit unpacks packages of its own (see `private_prefix`).
        distro: `ID` of os-release, such as "debian"; empty if unknown.
        release: `VERSION_ID` of os-release, such as "12"; empty if unknown.
        is_root: Whether packages can be installed as this user.
        has_sudo: Whether sudo can work here: it asks for no password, or there is a terminal to ask on.
        has_apt: Whether apt-get, apt-cache and dpkg are there.
        has_brew: Whether Homebrew is there.
        has_systemd: Whether systemd runs, and starts the services of packages as they arrive.
        new_services: Units that systemd, if it runs, would start as the packages arrive. Not those of
            programs that are here already: somebody may be using them.
        offered: The Pushpin that apt's lists know of; None if they know none, or were never fetched.
    """

    system: str
    prefix: Path
    distro: str = ""
    release: str = ""
    is_root: bool = False
    has_sudo: bool = False
    has_apt: bool = False
    has_brew: bool = False
    has_systemd: bool = False
    new_services: tuple[str, ...] = ()
    offered: PushpinVersion | None = None

    @property
    def packaged(self) -> PushpinVersion | None:
        """The Pushpin to expect from apt: what its lists say, else what the release is known to have."""
        known = RELEASES.get((self.distro, self.release))
        return self.offered or (PushpinVersion.parse(f"pushpin {known}") if known else None)

    @property
    def way(self) -> Way | None:
        """The first way that can work here, least surprising first; None if there is none."""
        if self.has_apt and self._apt_may_have_pushpin:
            if self.is_root:
                return Way.APT
            return Way.SUDO_APT if self.has_sudo else Way.PRIVATE
        return Way.HOMEBREW if self.has_brew else None

    @property
    def _apt_may_have_pushpin(self) -> bool:
        """A release nobody wrote down, or a derived distribution, gets the benefit of the doubt."""
        if self.packaged is None:
            return (self.distro, self.release) not in RELEASES
        return self.packaged >= OLDEST_SUPPORTED

    @property
    def cure(self) -> str:
        """What a person at this machine should do to get Pushpin, in one or two sentences."""
        if self.way is not None:
            return "Run `realtime-kit install-deps`."
        elsewhere = (
            "start Pushpin in Docker (image fanout/pushpin) and reach it with "
            "`Pushpin.attach(url, control_url)`, or open the notebooks in Binder."
        )
        if self.system == "Windows":
            return f"Pushpin does not run on Windows itself: run the kit in WSL, {elsewhere}"
        if self.system == "Darwin":
            return f"Install Homebrew and run `realtime-kit install-deps`, {elsewhere}"
        if not self.has_apt:
            return f"Neither apt nor Homebrew is here to install it: {elsewhere}"
        return f"{self.distro.capitalize()} {self.release} has no package of it that would do: {elsewhere}"


def private_prefix(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder the kit unpacks a Pushpin of its own into.

    It is `pushpin` below the first of `$REALTIME_KIT_HOME`, `$XDG_DATA_HOME/realtime_kit` and
    `~/.local/share/realtime_kit`.
    """
    if home := environ.get("REALTIME_KIT_HOME"):
        return Path(home).expanduser().absolute() / "pushpin"
    data = environ.get("XDG_DATA_HOME", "")
    if not Path(data).is_absolute():  # the XDG specification: a relative path is to be ignored
        data = str(Path(environ.get("HOME") or Path.home(), ".local", "share"))
    return Path(data).absolute() / "realtime_kit" / "pushpin"


def inspect_machine(environ: Mapping[str, str] = os.environ) -> Machine:
    """Gather the facts about this machine; takes a few tenths of a second where there is apt."""
    path = environ.get("PATH", os.defpath)
    has_apt = all(shutil.which(name, path=path) for name in ("apt-get", "apt-cache", "dpkg"))
    distro, release = _distribution()
    return Machine(
        system=platform.system(),
        prefix=private_prefix(environ),
        distro=distro,
        release=release,
        is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
        has_sudo=shutil.which("sudo", path=path) is not None and _sudo_can_work(),
        has_apt=has_apt,
        has_brew=shutil.which("brew", path=path) is not None,
        has_systemd=_has_systemd(),
        new_services=_new_services(path),
        offered=_offered_by_apt() if has_apt else None,
    )


def _distribution() -> tuple[str, str]:
    """`ID` and `VERSION_ID` of os-release, empty where there is none."""
    try:
        names = platform.freedesktop_os_release()
    except OSError:
        return "", ""
    return names.get("ID", ""), names.get("VERSION_ID", "")


def _sudo_can_work() -> bool:
    """Sudo asks for a password on the terminal; a notebook has none, and sudo would fail there."""
    return os.isatty(0) or _output_of("sudo", "-n", "true") is not None


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _new_services(path: str) -> tuple[str, ...]:
    if not _has_systemd():
        return ()
    return tuple(f"{name}.service" for name in ("pushpin", "zurl") if not shutil.which(name, path=path))


def _offered_by_apt() -> PushpinVersion | None:
    """The version apt would install now, from the lists it has."""
    return parse_candidate(_output_of("apt-cache", "policy", "pushpin") or "")


def parse_candidate(policy: str) -> PushpinVersion | None:
    """The version behind "Candidate:" in the output of `apt-cache policy`; None for "(none)" or nothing."""
    found = re.search(r"^ *Candidate: (?:\d+:)?(\d+\.\d+\S*)", policy, re.MULTILINE)  # less Debian's epoch
    return PushpinVersion.parse(f"pushpin {found[1]}") if found else None


def _output_of(*argv: str) -> str | None:
    """Standard output of a short command, None if it failed or took more than 10 s."""
    environ = os.environ | {"LC_ALL": "C.UTF-8"}  # "Candidate" is translated otherwise
    try:
        done = subprocess.run(
            argv,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
