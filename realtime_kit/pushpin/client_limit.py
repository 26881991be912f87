"""Limiting Pushpin's clients without limiting its statistics, which it does not survive.

Pushpin's proxy keeps each hold in its statistics for 60 s after it has handed it over, in a table with room for
twice `client_maxconn`, and aborts when that is full: at 200 connections one client that polls 400 times in a
minute ends it (1.36: "Assertion `id >= 0' failed" in statsmanager.cpp; the same code is in 1.33 to 1.41). So the
configuration gets a number that no machine reaches, which costs address space only, and the one program that
has to stop at the real limit gets it from a script of its name, found first on the PATH.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from realtime_kit.pushpin.find import Installation
from realtime_kit.pushpin.version import PushpinVersion

ROOM_FOR_STATISTICS = 200_000
"""Allows 400,000 holds a minute, more than Pushpin manages on a few processors."""

_LAST_KNOWN = PushpinVersion(1, 41, 999)
"""Whether later ones look for their programs on the PATH is not known; they get the limit in their configuration."""

_SCRIPT = """\
#!/bin/sh
for word do
  shift
  case $word in --stream-maxconn=*) word=--stream-maxconn={limit} ;; esac
  set -- "$@" "$word"
done
exec {program} "$@"
"""


def limit_clients(installation: Installation, folder: Path, limit: int) -> tuple[int, dict[str, str]]:
    """Prepare a run folder so that Pushpin serves so many clients at once.

    Args:
        installation: The Pushpin that will run in it.
        folder: Its run folder.
        limit: Client connections.

    Returns:
        `client_maxconn` for its configuration, and the variables for its environment.
    """
    environment = installation.environment
    path = environment.get("PATH", os.environ.get("PATH", os.defpath))
    name = installation.version.components[0]
    program = shutil.which(name, path=path)
    if program is None or installation.version > _LAST_KNOWN:
        return limit, environment
    script = folder / "bin" / name
    script.parent.mkdir()
    script.write_text(_SCRIPT.format(limit=limit, program=shlex.quote(program)))
    script.chmod(0o700)
    if not _may_run(script):
        return limit, environment
    return max(limit, ROOM_FOR_STATISTICS), {
        **environment,
        "PATH": os.pathsep.join((str(script.parent), path)),
    }


def _may_run(script: Path) -> bool:
    """No, on a file system that is mounted `noexec`."""
    return os.access(script, os.X_OK)
