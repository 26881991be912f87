"""Names of tables and columns, before they are written into SQL."""

from __future__ import annotations

import re

from realtime_kit.errors import UsageError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


def plain_name(what: str, name: str) -> str:
    """The name, if it needs no quoting.

    Args:
        what: What it names, for the error.
        name: The name.

    Raises:
        UsageError: anything but letters, digits and `_`, at most 40 of them.
    """
    if not _PLAIN.fullmatch(name):
        message = f"{what} {name!r}: only letters, digits and _ are allowed, 40 at most, no digit first."
        raise UsageError(message)
    return name
