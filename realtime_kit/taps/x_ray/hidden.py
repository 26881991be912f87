"""What may open a door is not kept: an X-ray is made for being shown."""

from __future__ import annotations

HIDDEN = "(hidden)"

SECRETS = frozenset(("authorization", "proxy-authorization", "cookie", "set-cookie"))
"""Names of headers, in lower case, whose values are secrets."""


def without_secret(name: str, value: str) -> str:
    """The header's value, unless it is a secret."""
    return HIDDEN if name.lower() in SECRETS else value
