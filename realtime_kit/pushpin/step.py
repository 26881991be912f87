"""One command of an installation: what it runs, why, and what it said when it failed."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from realtime_kit.errors import MissingDependency

TAIL_LINES = 15
"""How much of a failing command's output goes into the error: apt's reasons come last."""

_NETWORK_TROUBLE = (
    "Could not resolve",
    "Could not connect",
    "Unable to connect",
    "Temporary failure",
    "Failed to fetch",
    "Connection failed",
    "Connection timed out",
)


@dataclass(frozen=True, slots=True)
class Step:
    """A command and the reason for it.

    Attributes:
        argv: The command, as it is run.
        why: What it is for, one sentence.
        required: Whether its failure ends the installation. Refreshing package lists also fails when some
            unrelated source is out of order, and what was fetched may well do.
    """

    argv: tuple[str, ...]
    why: str
    required: bool = True

    def __str__(self) -> str:
        return shlex.join(self.argv)


def run_steps(
    steps: Sequence[Step], *, echo: Callable[[str], None], alone: bool = False, what: str = "Pushpin"
) -> None:
    """Run the steps in order, each announced before it starts.

    Args:
        steps: What to run.
        echo: Takes the lines for people.
        alone: Whether the commands can be stopped at any moment. They then run in a session of their own, and
            an interrupt ends them at once; without it they are given the time to come to an orderly end.
        what: What is being installed, for the error.

    Raises:
        MissingDependency: A required step failed; the text has the last lines of its output, and of the steps
            that failed before it.
    """
    trouble = ""
    for step in steps:
        echo(f"{step.why}\n  $ {step}")
        status, tail = _run(step, alone=alone)
        if status == 0:
            continue
        trouble += f"\n`{step}` ended with status {status}. The last it said:\n{tail}"
        if step.required:
            message = f"{what} could not be installed.{trouble}\n"
            raise MissingDependency(message, _cure(trouble, what))
        echo(f"  It ended with status {status}; going on, as this may not matter.")


def _run(step: Step, *, alone: bool) -> tuple[int, str]:
    """Exit status and the last lines of output."""
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    process: subprocess.Popen[str] | None = None
    try:
        with _no_interrupt():  # it could lose the pid of what has been started
            process = subprocess.Popen(
                step.argv,
                env=os.environ | {"LC_ALL": "C.UTF-8"},  # `_NETWORK_TROUBLE` is in English
                stdin=subprocess.DEVNULL,  # sudo asks on the terminal itself
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=alone,
            )
        for line in process.stdout or ():
            tail.append(f"  {line.rstrip()}")
    except OSError as error:
        return 127, f"  {step.argv[0]}: {error.strerror}"
    except BaseException:
        if process is not None:
            with process:
                _interrupt(process, alone=alone)
        raise
    process.communicate()  # closes its output and waits
    return process.returncode, "\n".join(tail)


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """An interrupt within the block comes at its end."""
    if threading.current_thread() is not threading.main_thread():  # no other is interrupted
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _interrupt(process: subprocess.Popen[str], *, alone: bool) -> None:
    """Ask for an end and wait for it. Never kill: that would leave dpkg's database half-written.

    A process that sudo started belongs to root and cannot be asked from here, but has the terminal's Ctrl-C.
    """
    with contextlib.suppress(PermissionError, ProcessLookupError):
        if alone:
            os.killpg(process.pid, signal.SIGTERM)
            for _ in process.stdout or ():  # until the last of the group, apt's downloaders too, is gone
                pass
        else:
            process.send_signal(signal.SIGINT)
    process.wait()


def _cure(output: str, what: str) -> str:
    if "404  Not Found" in output:
        return "Run `apt-get update`, as apt's lists are out of date, then `realtime-kit install-deps` again."
    if any(sign in output for sign in _NETWORK_TROUBLE):
        return "Check this machine's network and proxy settings, then run `realtime-kit install-deps` again."
    cause = "the cause"
    if "Unable to locate package" in output or "no installation candidate" in output:
        cause = "the gap in apt's sources (Ubuntu has Pushpin in `universe`)"
    again = f"Remove {cause} and run `realtime-kit install-deps` again"
    if what != "Pushpin":
        return f"{again}."
    return (
        f"{again}, or start Pushpin in Docker "
        "(image fanout/pushpin) and reach it with `Pushpin.attach(url, control_url)`."
    )
