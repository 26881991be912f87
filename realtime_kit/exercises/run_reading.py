"""What a question reads off a run: its settings, its measured inputs, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from realtime_kit.errors import UsageError
from realtime_kit.measurements.run import Result, Run
from realtime_kit.theory.statistics import samples_needed

TOO_FEW = "too-few-samples"
"""The flag of the 99th percentile; every other figure has a need of its own."""

NOT_POISSON = "The formula is for Poisson arrivals, and this run's are {}."


def setting(run: Run, name: str) -> Any:
    """One of the settings that the run was made with, such as `interval_s`.

    Raises:
        UsageError: if the run does not say.
    """
    config = run.meta.get("config") or {}
    if name not in config:
        message = f"this run does not say its {name}, so it cannot be checked with it."
        raise UsageError(message)
    return config[name]


def window_s(run: Run) -> float:
    """Length of the measured window, seconds: shorter than was set if the run was interrupted."""
    return float(run.meta.get("window_s") or setting(run, "seconds"))


def measured_input(result: Result, name: str) -> float:
    """One of the durations that theory had to be told, seconds.

    Raises:
        UsageError: if the run did not measure it.
    """
    if name not in result.measured_inputs:
        message = f"this run did not measure {name} for {result.transport}, so theory has nothing to say."
        raise UsageError(message)
    return result.measured_inputs[name]


def doubts(results: Sequence[Result], *, quantile: float | None = None) -> tuple[str, ...]:
    """Why results cannot be asked, each a sentence.

    Args:
        results: Those that the question is about.
        quantile: Which percentile it is about; None if it is about a load.
    """
    found = []
    flags = [flag.name for result in results for flag in result.verdict.flags if flag.name != TOO_FEW]
    if flags:
        names = ", ".join(dict.fromkeys(flags))
        found.append(f"Its verdict speaks against it: {names}. Show the run to read what that means.")
    deliveries = min((result.latency.count or 0 for result in results), default=0)
    if quantile is not None and deliveries < samples_needed(quantile):
        found.append(
            f"It takes {samples_needed(quantile):,} deliveries, and this run has {deliveries:,}: "
            "run longer, or with more clients."
        )
    return tuple(found)


def poisson_doubts(run: Run) -> tuple[str, ...]:
    """Why a law of Poisson arrivals cannot be asked."""
    arrivals = setting(run, "arrivals")
    return () if arrivals == "poisson" else (NOT_POISSON.format(arrivals),)
