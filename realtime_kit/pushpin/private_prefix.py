"""Pushpin without root: packages of the distribution, unpacked into a folder of the kit's own.

apt keeps its lists, cache and idea of what is installed in that folder, so it neither needs nor changes the
system's. Nothing appears under the final name before it has answered `--version`:

    prefix.partial/apt.conf  apt/…  root/…   while it is made; removed afterwards, whatever happened
    prefix/usr/bin/pushpin …                 root/, renamed
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from realtime_kit.errors import MissingDependency, PushpinError
from realtime_kit.pushpin.find import Installation, examine
from realtime_kit.pushpin.step import Step, run_steps

FROM_THE_SYSTEM = ("libc6", "libgcc-s1", "libstdc++6", "adduser", "ucf", "systemd")
"""Packages apt takes as installed: what has to match the system's loader, and helpers of scripts not run."""

_UNPACK = 'for deb in "$1"/*.deb; do dpkg -x "$deb" "$2"; done'


def private_steps(prefix: Path, packages: tuple[str, ...]) -> tuple[Step, ...]:
    """The commands that fill `prefix`; `install_privately` runs them.

    Args:
        prefix: Where Pushpin will be.
        packages: Names of the packages wanted; apt adds the libraries they need.
    """
    staging = staging_folder(prefix)
    apt_get = ("apt-get", "-c", str(staging / "apt.conf"))
    archives, root = str(staging / "apt/cache/archives"), str(staging / "root")
    return (
        Step((*apt_get, "update"), "Fetch package lists into the kit's own folder.", required=False),
        Step(
            (*apt_get, "install", "-y", "--download-only", "--no-install-recommends", *packages),
            "Download Pushpin and every library it needs (about 30 MB).",
        ),
        Step(
            ("sh", "-ec", _UNPACK, "sh", archives, root),
            "Unpack them there (about 100 MB); nothing on the system is changed.",
        ),
        Step(
            ("mv", "-T", root, str(prefix)),
            "Give the folder its final name, once the Pushpin in it has answered `--version`.",
        ),
    )


def install_privately(prefix: Path, steps: tuple[Step, ...], *, echo: Callable[[str], None]) -> Installation:
    """Run `private_steps`; leave a whole Pushpin at `prefix`, or nothing new.

    A second caller waits for the first and then finds its work done.

    Raises:
        MissingDependency: The folder cannot be written, or a step failed.
        PushpinBroken: What was unpacked does not run on this system.
    """
    staging = staging_folder(prefix)
    *fill, publish = steps
    with _writable(prefix), _only_one_at_a_time(prefix.parent, echo=echo):
        with contextlib.suppress(MissingDependency, PushpinError):
            return examine(prefix / "usr/bin/pushpin", "private prefix")
        try:
            _lay_out(staging)
            run_steps(fill, echo=echo, alone=True)
            examine(staging / "root/usr/bin/pushpin", "private prefix")
            if prefix.exists():  # one that does not work, or it would have been returned above
                prefix.rename(staging / "replaced")
            run_steps([publish], echo=echo)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return examine(prefix / "usr/bin/pushpin", "private prefix")


def staging_folder(prefix: Path) -> Path:
    """The sibling of `prefix` in which it is made: on the same file system, so that a rename is enough."""
    return prefix.with_name(f"{prefix.name}.partial")


def _lay_out(staging: Path) -> None:
    """Folders and settings for apt, in place of what an earlier, killed attempt may have left."""
    shutil.rmtree(staging, ignore_errors=True)
    for folder in ("apt/state/lists/partial", "apt/cache/archives/partial", "root"):
        (staging / folder).mkdir(parents=True)
    (staging / "apt.conf").write_text(_apt_configuration(staging / "apt"))
    (staging / "apt/state/status").write_text(_taken_as_installed())


def _apt_configuration(folder: Path) -> str:
    """Settings for `apt-get -c`, which are read last: APT_CONFIG would lose to the system's own.

    The system's sources, keys and proxies stay in force. Its hooks do not: they write to places of root's.
    """
    return f"""\
Dir::State "{folder}/state";
Dir::State::lists "lists/";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
Dir::Cache::archives "archives/";
Debug::NoLocking "true";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Update::Error-Mode "any";
Acquire::IndexTargets::deb-src::Sources::DefaultEnabled "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


def _taken_as_installed() -> str:
    """A dpkg status file that knows `FROM_THE_SYSTEM` and nothing else, so that apt brings all the rest.

    With the system's own status the copy would lean on libraries that root may remove or replace later.
    """
    fields = ("Package", "Status", "Architecture", "Multi-Arch", "Version", "Provides")
    stanza = "".join(f"{field}: ${{{field}}}\\n" for field in fields) + "\\n"
    listed = subprocess.run(
        ["dpkg-query", "-W", f"--showformat={stanza}", *FROM_THE_SYSTEM],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,  # it fails if any of them is absent, and apt then brings that one, too
    ).stdout
    stanzas = (
        "\n".join(line for line in text.splitlines() if not line.endswith(": "))  # empty fields
        for text in listed.split("\n\n")
        if "Status: install ok installed" in text
    )
    return "".join(f"{text.strip()}\n\n" for text in stanzas)


@contextlib.contextmanager
def _only_one_at_a_time(folder: Path, *, echo: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock on the folder itself, which leaves no lock file and ends with the process that holds it."""
    import fcntl  # not on Windows, where this module is imported but never gets here

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            echo("Another process is installing Pushpin here; waiting for it.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _writable(prefix: Path) -> Iterator[None]:
    """Make the folder above `prefix`, and name the way out if this or anything in it cannot be written."""
    try:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        what = f"Pushpin could not be installed into {prefix}: {error.strerror} ({error.filename})."
        raise MissingDependency(what, "Set REALTIME_KIT_HOME to a folder you may write to.") from error
