"""Saving, loading and printing, the same way for every kind of run."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from realtime_kit.errors import UsageError

FORMAT = 1


class _Result(Protocol):
    def to_json(self) -> dict[str, Any]: ...


class SavedRun:
    """A run that is kept as JSON; its kinds are frozen dataclasses with `started_at`, `meta` and `results`."""

    __slots__ = ()
    KIND: ClassVar[str]

    if TYPE_CHECKING:  # fields of the kinds

        @property
        def started_at(self) -> str:
            """UTC time of the start, ISO 8601."""

        @property
        def meta(self) -> dict[str, Any]:
            """What it ran with."""

        @property
        def results(self) -> tuple[_Result, ...]:
            """What was measured."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON, as in docs/how-it-flows.md."""
        return {
            "format": FORMAT,
            "kind": self.KIND,
            "started_at": self.started_at,
            "meta": self.meta,
            **self._more_json(),
            "results": [result.to_json() for result in self.results],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            UsageError: if the values are of another format, or of another kind of run.
        """
        if values.get("format") != FORMAT:
            message = f"this run has format {values.get('format')!r}, this kit reads format {FORMAT}"
            raise UsageError(message)
        if values["kind"] != cls.KIND:
            message = f"this is a run of kind {values['kind']!r}, and {cls.__name__} reads {cls.KIND!r}"
            raise UsageError(message)
        return cls._from_parts(values)

    def save(self, path: str | Path) -> None:
        """Write the run to a JSON file.

        Raises:
            UsageError: if the file cannot be written.
        """
        text = json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n"
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            message = f"the run cannot be written to {path}: {error.strerror}"
            raise UsageError(message) from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a run that was saved.

        Raises:
            UsageError: if the file cannot be read or holds something else.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            message = f"the run cannot be read from {path}: {error.strerror}"
            raise UsageError(message) from error
        except UnicodeDecodeError as error:
            message = f"{path} does not hold a saved run (it is no text)"
            raise UsageError(message) from error
        try:
            return cls.from_json(json.loads(text))
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            message = f"{path} does not hold a saved run ({type(error).__name__}: {error})"
            raise UsageError(message) from error

    def __str__(self) -> str:
        # Drawing comes after measuring; only a run that is to be shown needs it.
        from rich.console import Console

        text = io.StringIO()
        Console(file=text, width=100).print(self._table())
        return text.getvalue()

    def _more_json(self) -> dict[str, Any]:
        """What this kind has beside the results."""
        return {}

    def _table(self) -> object:
        raise NotImplementedError

    @classmethod
    def _from_parts(cls, values: dict[str, Any]) -> Self:
        raise NotImplementedError
