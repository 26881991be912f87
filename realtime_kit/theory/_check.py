"""Refuses arguments that a formula has no meaning for: `check.positive(interval_s=interval_s)`."""

from __future__ import annotations

import math
from collections.abc import Callable

from realtime_kit.errors import UsageError


def positive(**arguments: float) -> None:
    """Raises `UsageError` unless every argument is finite and above 0."""
    _each(arguments, lambda value: 0 < value < math.inf, "a finite number above 0")


def not_negative(**arguments: float) -> None:
    """Raises `UsageError` unless every argument is finite and at least 0."""
    _each(arguments, lambda value: 0 <= value < math.inf, "a finite number, 0 or more")


def share(**arguments: float) -> None:
    """Raises `UsageError` unless every argument lies between 0 and 1, both included."""
    _each(arguments, lambda value: 0 <= value <= 1, "a share between 0 and 1")


def at_least(least: int, **arguments: float) -> None:
    """Raises `UsageError` unless every argument is a whole number not below `least`."""
    # inf % 1 and nan % 1 are nan, so neither passes for a whole number.
    _each(arguments, lambda value: value >= least and value % 1 == 0, f"a whole number, {least} or more")


def _each(arguments: dict[str, float], allowed: Callable[[float], bool], wanted: str) -> None:
    for name, value in arguments.items():
        if not allowed(value):
            message = f"{name} is {value!r}, but has to be {wanted}."
            raise UsageError(message)
