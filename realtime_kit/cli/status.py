"""Exit statuses: what a script learns from a command."""

from __future__ import annotations

DONE = 0
FAILED = 1
"""It ran, and the result must not be trusted, or a check failed."""

UNUSABLE = 2
"""Unusable arguments."""

MISSING = 3
"""A dependency is missing."""

INTERRUPTED = 130
"""Ctrl-C; what had been measured until then is kept."""
