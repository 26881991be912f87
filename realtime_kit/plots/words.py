"""Numbers as people say them: the same words in figures, tables and sentences."""

from __future__ import annotations

import math

NOTHING = "–"
"""Stands where there is no number: not measured, or theory has nothing to say."""

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_THOUSANDS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def format_seconds(seconds: float) -> str:
    """A duration with three significant digits, such as `1.9 ms` or `2.51 s`; `lost` if infinite.

    Args:
        seconds: Any float; negative ones get a minus sign, NaN is a dash.
    """
    if math.isnan(seconds):
        return NOTHING
    if math.isinf(seconds):
        return "lost"
    rounded = float(f"{seconds:.3g}")
    size, unit = next((each for each in _SECONDS if abs(rounded) >= each[0]), _SECONDS[-1])
    if rounded == 0:
        return "0 s"
    return f"{_three_digits(seconds / size)} {unit}"


def format_rate(per_second: float | None) -> str:
    """Something per second with three significant digits and without its unit, such as `40` or `1.2 M`."""
    if per_second is None:
        return NOTHING
    if 0 < per_second < 0.001:
        return "<0.001"
    return _scaled(per_second, _THOUSANDS) or _three_digits(per_second)


def format_share(share: float | None) -> str:
    """A share from 0 to 1 in per cent, such as `92.1 %`; what rounds to nothing but is something says so."""
    if share is None:
        return NOTHING
    percent = 100 * share
    if 0 < percent < 0.01:
        return "<0.01 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{_three_digits(percent)} %"


def format_bytes(size_bytes: float | None) -> str:
    """A size with three significant digits in decimal units, such as `43 B` or `1.2 kB`."""
    if size_bytes is None:
        return NOTHING
    return _scaled(size_bytes, _BYTES) or f"{_three_digits(size_bytes)} B"


def _scaled(value: float, scales: tuple[tuple[float, str], ...]) -> str:
    """With the first prefix that leaves at least 1, or nothing."""
    rounded = float(f"{value:.3g}")
    fitting = (f"{_three_digits(value / factor)} {sign}" for factor, sign in scales if rounded >= factor)
    return next(fitting, "")


def _three_digits(value: float) -> str:
    """Three significant digits, with thousands apart and a real minus sign."""
    text = f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"
    return text.replace("-", "−")
