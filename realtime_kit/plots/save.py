"""Figures into files, whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from realtime_kit.errors import UsageError

SAVED_DPI = 160
"""Dots per inch of a PNG: 1760 pixels across for a race, enough for a projector."""

_METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": "realtime_kit"},
    ".svg": {"Creator": "realtime_kit", "Date": None},
    ".pdf": {"Creator": "realtime_kit", "CreationDate": None},
}
"""What may be saved. Without dates, so that the same figure gives the same PNG and PDF."""


class Picture(Figure):
    """A figure that shows itself in a notebook, without pyplot and its list of open figures."""

    def _repr_png_(self) -> bytes:
        with io.BytesIO() as file:
            self.savefig(file, format="png", dpi=self.dpi, facecolor=self.get_facecolor())
            return file.getvalue()


def check_picture_path(path: str | Path) -> Path:
    """Whether a figure can be saved there, to be asked before the work of an hour rather than after it.

    Raises:
        UsageError: if the suffix is not one of PNG, SVG or PDF, or the folder does not exist.
    """
    path = Path(path)
    if path.suffix.lower() not in _METADATA:
        message = f"a figure cannot be saved as {path.name!r}: end the name in {', '.join(_METADATA)}"
        raise UsageError(message)
    if not path.parent.is_dir():
        message = f"{path.parent} is not a folder, so {path.name} cannot be saved there: create it first"
        raise UsageError(message)
    return path


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, SVG or PDF, by the path's suffix; an older file stays until the new one is whole.

    Returns:
        The path that was written.

    Raises:
        UsageError: if the suffix is another, the folder does not exist, or it cannot be written to.
    """
    path = check_picture_path(path)
    # Beside its destination, because a rename is atomic only within one file system.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        _write(figure, unfinished, path.suffix.lower())
        unfinished.replace(path)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise UsageError(message) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _write(figure: Figure, path: Path, suffix: str) -> None:
    figure.savefig(
        path,
        format=suffix[1:],
        dpi=SAVED_DPI,
        facecolor=figure.get_facecolor(),
        bbox_inches=None,
        metadata=_METADATA[suffix],
    )
