"""From Pushpin's own words to an error that says what to do.

Pushpin names most troubles in its log and exits; the table lists what each looks like. What it never mentions
(a publish port that belongs to somebody else, two instances in one folder) is checked elsewhere, before and
after the start.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from realtime_kit.errors import (
    PortInUse,
    PushpinBroken,
    PushpinConfigError,
    PushpinError,
    PushpinStopped,
    RunFolderError,
    SocketPathTooLong,
)
from realtime_kit.pushpin.ports import taken


@dataclass(frozen=True, slots=True)
class _Symptom:
    pattern: str
    error: Callable[[str, str], PushpinError]
    sentence: str


# In order: the first pattern found names the cause, later ones are often its consequences.
_FATAL = (
    _Symptom(r"File name too long", SocketPathTooLong, "its run folder's path is too long for socket names"),
    _Symptom(r"failed to create directory: ([^\n]+)", RunFolderError, "its run folder cannot be made: {0}"),
    _Symptom(
        r"(?:error writing file|failed to write pid file)[^\n]*?\"?(/[^\"\n]*)",
        RunFolderError,
        "its run folder cannot be written: {0}",
    ),
    _Symptom(r"bind[^\n]*?ipc://([^\s:]+)", RunFolderError, "a socket cannot be made in its run folder: {0}"),
    # The port ends the address, which may be an IPv6 one with colons and digits of its own.
    _Symptom(r"(?:failed|unable) to bind[^\n]*?:(\d+)(?=:|\s|$)", PortInUse, "{port}"),
    _Symptom(
        r"no configuration file found|failed to open (?:\S+)",
        PushpinConfigError,
        "its configuration file is missing or cannot be read",
    ),
    _Symptom(
        r"must set ([\w-]+)",
        PushpinConfigError,
        "its configuration lacks {0}: the included internal.conf was not found, so the installation is incomplete;"
        " repeat it with `realtime-kit install-deps`",
    ),
    _Symptom(
        r"([\w-]+): Error running: (\S+)",
        PushpinBroken,
        "its part {0} cannot be run ({1}): install it with `realtime-kit install-deps`",
    ),
    _Symptom(r"cannot start (\S+): ([^\n]+)", PushpinBroken, "{0} cannot be run: {1}"),
    _Symptom(
        r"panicked at ([^\n]+)|(Assertion [^\n]+)", PushpinStopped, "a fault of its own ended it: {0}{1}"
    ),
    _Symptom(r"([\w-]+): Exited unexpectedly", PushpinStopped, "its part {0} ended unexpectedly"),
)

_NO_TROUBLE = re.compile(r"^\[(?:INFO|DEBUG)\].*\n?", re.MULTILINE)
"""At log level 2 and above it also writes of sockets that it binds, and addresses that clients asked for."""

_ROUTE_TROUBLE = re.compile(r"\[WARN\][^\n]*?(unable to open routes file[^\n]*|routes:\d+:? [^\n]*)")


def explain(log: str, *, code: int | None) -> PushpinError:
    """The error for a Pushpin that has ended.

    Args:
        log: The last lines it wrote.
        code: Exit status of its runner, None if it was killed together with its supervisor.
    """
    troubles = _NO_TROUBLE.sub("", log)
    for symptom in _FATAL:
        if match := re.search(symptom.pattern, troubles):
            groups = [group or "" for group in match.groups()]
            port = taken(int(groups[0])) if symptom.error is PortInUse else ""
            return symptom.error("Pushpin stopped: " + symptom.sentence.format(*groups, port=port), log)
    how = "was killed" if code is None or code < 0 else f"exited with status {code}"
    last = log.strip().rsplit("\n", 1)[-1] or "it wrote nothing"
    return PushpinStopped(f"Pushpin {how}; its last line: {last}", log)


def route_troubles(log: str) -> list[str]:
    """What Pushpin said about routes that it otherwise ignores, in order."""
    return [trouble.strip() for trouble in _ROUTE_TROUBLE.findall(log)]
