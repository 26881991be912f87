"""Processors: how many there are to be had, and who has used how much of their time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import psutil


def usable() -> int:
    """How many processors this process may use, where the system tells it; else how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def used_s(pids: Sequence[int]) -> dict[int, float]:
    """Processor time of processes so far; to the nanosecond where the system tells it, else to its clock's tick."""
    used = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            tasks = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
            if tasks:
                used[pid] = sum(map(_task_ns, tasks)) / 1e9
            else:
                times = psutil.Process(pid).cpu_times()
                used[pid] = times.user + times.system
    return used


def _task_ns(schedstat: Path) -> int:
    try:
        return int(schedstat.read_text().split()[0])
    except (OSError, ValueError, IndexError):  # it has ended
        return 0


def machine_used_s() -> float:
    """Processor time of all programs so far. What the system does for the network belongs to none of them."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))
