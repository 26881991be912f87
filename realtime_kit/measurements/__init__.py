"""Seventh stage: from receipts to numbers. Ledger, latency, verdict, and the run that holds them."""

from realtime_kit.measurements.latency import CURVE_SHARES, curve, latencies_s, latency
from realtime_kit.measurements.ledger import MISSING_NS, Account, Ledger, account
from realtime_kit.measurements.progress import Progress, ProgressReport
from realtime_kit.measurements.run import Expectation, Result, Run
from realtime_kit.measurements.staircase import Staircase, find_staircase
from realtime_kit.measurements.verdict import Evidence, Flag, Verdict, judge

__all__ = [
    "CURVE_SHARES",
    "MISSING_NS",
    "Account",
    "Evidence",
    "Expectation",
    "Flag",
    "Ledger",
    "Progress",
    "ProgressReport",
    "Result",
    "Run",
    "Staircase",
    "Verdict",
    "account",
    "curve",
    "find_staircase",
    "judge",
    "latencies_s",
    "latency",
]
