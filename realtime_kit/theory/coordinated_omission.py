"""What a load generator forgets to measure when it waits for a stalled server, and how to put it back.

A generator that sends the next request only after the last answer takes one sample during a stall in which
many requests were due. Counting from the moment each was due (the intended time) avoids the mistake; the
correction repairs samples that were taken without it. Sources: HdrHistogram; the wrk2 README.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime_kit.errors import UsageError
from realtime_kit.theory import _check as check


def p99_with_stall(*, stall_s: float, run_s: float, service_s: float = 0.0) -> float:
    """The true 99th percentile of a run in which the server stood still once: `D - 0.01 X` seconds.

    A request due x seconds into the stall waits `D - x`, so a share `(D - w)/X` of all waits longer than w.
    Assumed: a constant rate, and a backlog that clears much faster than it grew. A stall shorter than 1 %
    of the run leaves the percentile at the ordinary service time.

    Args:
        stall_s: D, seconds the server stood still, 0 to X.
        run_s: X, seconds the run lasted, above 0.
        service_s: S, seconds an answer takes without a stall, 0 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.not_negative(stall_s=stall_s, service_s=service_s)
    check.positive(run_s=run_s)
    if stall_s > run_s:
        message = f"stall_s is {stall_s!r}, but has to be at most run_s, {run_s!r}."
        raise UsageError(message)
    return max(service_s, stall_s - 0.01 * run_s)


def corrected_samples(
    samples_s: Sequence[float] | NDArray[np.float64], *, expected_interval_s: float
) -> NDArray[np.float64]:
    """The samples and those that a waiting generator left out, in ascending order.

    A sample v longer than the interval i hides requests that were due while it lasted: HdrHistogram's
    correction adds `v - i, v - 2i, …` down to the last that is not below i. Samples taken from intended
    times need no correction, and it would count their waits twice.

    Args:
        samples_s: Latencies in seconds, finite, 0 or more, in any order.
        expected_interval_s: i, seconds between two requests had nothing stalled, above 0.

    Raises:
        UsageError: A sample or the interval is outside its range.
    """
    check.positive(expected_interval_s=expected_interval_s)
    samples = np.asarray(samples_s, dtype=np.float64)
    if not np.all(np.isfinite(samples) & (samples >= 0)):
        raise UsageError("samples_s has to hold finite numbers, 0 or more; leave lost deliveries out.")
    # 0.3 / 0.1 is a little below 3: without the margin the last hidden request would go missing.
    hidden = np.maximum(np.floor(samples / expected_interval_s + 1e-9).astype(np.int64) - 1, 0)
    steps = np.concatenate([np.arange(1, count + 1) for count in hidden[hidden > 0]] or [np.empty(0)])
    return np.sort(np.concatenate([samples, np.repeat(samples, hidden) - steps * expected_interval_s]))
