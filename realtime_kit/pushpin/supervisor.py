"""The supervisor: a tiny process that starts Pushpin and makes sure that nothing of it outlives its owner.

Run as a script with the standard library alone (`python -I -S supervisor.py ORDERS`), so that it starts in a
few milliseconds and cannot be broken by what the kernel has imported. It reads its standard input, which the
owner holds open, and writes one JSON line when Pushpin has ended.

    owner disappears, or asks      standard input ends      -> stop Pushpin, remove the folder, exit
    Pushpin's runner is killed     its orphans fall to us   -> end them, report, remove the folder, exit
    the supervisor is killed       the kernel signals the runner (PDEATHSIG), which ends its children

Pushpin's services each lead a process group of their own, so signalling a group would miss them: the
supervisor is their subreaper instead, and finds them as its descendants.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_TERM_GRACE_S = 2.0
"""It takes 0.03 s. Pushpin itself would give a stuck service 4 s, but it has nothing to lose by being killed."""

_LOG_BYTES = 1 << 20
_TAIL_BYTES = 1 << 14


class CappedLog:
    """A log that keeps its last one to two megabytes: Pushpin out of descriptors writes 10 MB a second.

    Attributes:
        tail: The last 16 kB of it.
    """

    def __init__(self, path: str) -> None:
        self.tail = b""
        self._path = path
        self._file = open(path, "ab", buffering=0)
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append, and start a new file when this one is full."""
        self.tail = (self.tail + data)[-_TAIL_BYTES:]
        self._size += len(data)
        with contextlib.suppress(OSError):  # a full disk, or a folder removed under us, must not end Pushpin
            if self._size > _LOG_BYTES:
                os.replace(self._path, self._path + ".1")
                self._file.close()
                self._file = open(self._path, "ab", buffering=0)
                self._size = len(data)
            self._file.write(data)


def prctl(option: int, value: int) -> None:
    """Linux only; elsewhere the pid files are what is left."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def die_with(parent: int, number: int = signal.SIGTERM) -> None:
    """In a child that has not become its program yet: the kernel signals it when its parent has ended.

    Args:
        parent: Its parent's pid, from before the fork.
        number: Which signal.
    """
    prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # killed already: no signal will come any more
        os._exit(1)


def descendants() -> list[int]:
    """Every process below this one, whatever group or session it made for itself."""
    found, waiting = [], [os.getpid()]
    while waiting:
        for pid in children(waiting.pop()):
            found.append(pid)
            waiting.append(pid)
    return found


def children(parent: int) -> list[int]:
    """Children of a process; Linux lists them by the thread that started them."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{parent}/task"):
            with open(f"/proc/{parent}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def in_pid_files(folder: str) -> list[int]:
    """Processes that the folder's pid files name and whose command line shows that they belong to it."""
    found = []
    for name in os.listdir(folder):
        if name.endswith(".pid"):
            with contextlib.suppress(OSError, ValueError), open(os.path.join(folder, name)) as file:
                pid = int(file.read())
                listed = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)
                if folder in listed.stdout:
                    found.append(pid)
    return found


def kill_what_is_left(folder: str) -> None:
    """End all that Pushpin started. Repeated, because what falls to a subreaper does so one level at a time."""
    left = descendants if sys.platform == "linux" else lambda: in_pid_files(folder)
    deadline = time.monotonic() + _TERM_GRACE_S
    while (pids := left()) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.005)  # the kernel offers nothing to wait for grandchildren that are not ours yet


def start(orders: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start Pushpin so that it ends with us."""
    supervisor = os.getpid()
    return subprocess.Popen(
        orders["argv"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if orders["shows_errors"] else subprocess.STDOUT,
        env={**os.environ, **orders["environment"]},
        cwd=orders["cwd"],
        preexec_fn=lambda: die_with(supervisor),  # safe: this process has one thread
    )


def copy_output(runner: subprocess.Popen[bytes], log: CappedLog) -> bool:
    """Copy what can be read at once, as much as a pipe holds. Returns whether more may come."""
    assert runner.stdout is not None  # noqa: S101 - for the type checker
    if not select.select([runner.stdout], [], [], 0)[0]:
        return True
    data = os.read(runner.stdout.fileno(), 1 << 16)
    log.write(data)
    return bool(data)


def watch(runner: subprocess.Popen[bytes], log: CappedLog, wakeup: int, until: float | None = None) -> None:
    """Copy the log until the runner ends; without a deadline also until our input ends or we are told to stop."""
    assert runner.stdout is not None  # noqa: S101 - for the type checker
    watched = {runner.stdout.fileno(), wakeup} | ({0} if until is None else set())
    while runner.poll() is None:
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            return
        ready, _, _ = select.select(watched, [], [], left)
        if runner.stdout.fileno() in ready and not copy_output(runner, log):
            watched.discard(runner.stdout.fileno())
        if wakeup in ready and signal.SIGTERM in os.read(wakeup, 512) and until is None:
            return
        if 0 in ready and not os.read(0, 512):
            return


def supervise(orders: dict[str, Any], log: CappedLog, wakeup: int) -> int | None:
    """Run Pushpin to its end. Returns its exit status, None if it had to be told to end."""
    runner = start(orders)
    try:
        watch(runner, log, wakeup)
        code = runner.poll()
        if code is None:
            runner.terminate()
            watch(runner, log, wakeup, until=time.monotonic() + _TERM_GRACE_S)
    finally:
        kill_what_is_left(orders["folder"])
        if runner.poll() is None:
            runner.kill()
        copy_output(runner, log)
    return code


def main() -> None:
    """Obey the orders given as JSON: argv, environment, folder, cwd, shows_errors."""
    orders = json.loads(sys.argv[1])
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wakeup, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = CappedLog(os.path.join(orders["folder"], "pushpin.log"))
    code = None
    try:
        code = supervise(orders, log, wakeup)
    except OSError as error:
        log.write(f"cannot start {orders['argv'][0]}: {error}\n".encode())
    finally:
        shutil.rmtree(orders["folder"], ignore_errors=True)
    with contextlib.suppress(OSError):
        os.write(1, json.dumps({"code": code, "log": log.tail.decode(errors="replace")}).encode() + b"\n")


if __name__ == "__main__":
    main()
