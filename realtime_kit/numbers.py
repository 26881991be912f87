"""Whether a setting is a number at all, before anybody compares it with its range."""

from __future__ import annotations

import numbers

from realtime_kit.errors import UsageError


def check_number(name: str, value: object, *, whole: bool = False) -> None:
    """Refuse what is no number, such as a text from a form.

    Args:
        name: What the setting is called.
        value: What was given.
        whole: Whether it has to be a whole number.

    Raises:
        UsageError: if it is none.
    """
    kind, words = (numbers.Integral, "a whole number") if whole else (numbers.Real, "a number")
    if not isinstance(value, kind):
        message = f"{name} is {value!r}: it has to be {words}"
        raise UsageError(message)
