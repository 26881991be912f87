"""The files that a command is asked to write."""

from __future__ import annotations

import os
from pathlib import Path

from realtime_kit.errors import UsageError


def check_writable(*files: str | None) -> None:
    """Better to learn of a mistyped path before half a minute of measuring than after it."""
    for file in files:
        if not file or file == "-":
            continue
        path = Path(file).absolute()
        if path.is_dir():
            reason = "it is a folder"
        elif not path.parent.is_dir():
            reason = f"there is no folder {path.parent} to write in"
        elif not os.access(path if path.exists() else path.parent, os.W_OK):
            reason = "that is not allowed"
        else:
            continue
        message = f"{file} cannot be written: {reason}"
        raise UsageError(message)


def beside(file: str | None) -> str | None:
    """Where an interrupted run goes: a complete one that is there already must not be lost to it."""
    if not file or file == "-" or not Path(file).is_file():
        return file
    path = Path(file)
    return str(path.with_name(f"{path.stem}-interrupted{path.suffix}"))
