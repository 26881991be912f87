"""What tests of every kind share."""

from __future__ import annotations

import pytest

from realtime_kit.errors import MissingDependency
from realtime_kit.taps.wall_clock import library


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without a C compiler the kit leaves the clock's faults out and says so; their tests do the same."""
    if item.get_closest_marker("wall_clock"):
        try:
            library()
        except MissingDependency as error:
            pytest.skip(f"the wall clock was NOT stepped: {error}")
