"""The keeper: makes a private PostgreSQL cluster and runs its server, under the kit's supervisor.

Run as a script with the standard library alone. PostgreSQL refuses to run as root, so as root this becomes another
user first. It also turns SIGTERM, which for PostgreSQL means "wait until every client has left", into a fast end.

    SIGUSR1   take the server down, and keep its data
    SIGUSR2   bring it up again
    SIGTERM   take it down and end
"""

import ctypes
import json
import os
import pwd
import signal
import subprocess
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD)


def end_with_parent(number: int) -> None:
    """Linux only. Asked for anew here: a process that becomes another user has lost its wish."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def become(name: str) -> None:
    """Become that user, for good."""
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = user.pw_dir


def in_child() -> None:
    """Before the server's program begins: it ends with the keeper, at once, and hears every signal."""
    end_with_parent(signal.SIGQUIT)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def start(orders: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the server."""
    return subprocess.Popen(orders["server"], stdin=subprocess.DEVNULL, preexec_fn=in_child)  # one thread


def main() -> None:
    """Obey the orders given as JSON: user, initdb, server."""
    orders = json.loads(sys.argv[1])
    parent = os.getppid()
    if orders["user"]:
        become(orders["user"])
    end_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
    made = subprocess.run(orders["initdb"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if made.returncode:
        sys.exit(made.returncode)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    server: subprocess.Popen[bytes] | None = start(orders)
    while True:
        told = signal.sigwait(_SIGNALS)
        if told == signal.SIGCHLD:
            if server is not None and server.poll() is not None:  # it ended by itself
                sys.exit(server.returncode or 1)
        elif told == signal.SIGUSR2:
            server = server or start(orders)
        else:
            if server is not None:
                server.send_signal(signal.SIGINT)  # fast: does not wait for clients
                server.wait()
                server = None
            if told == signal.SIGTERM:
                return


if __name__ == "__main__":
    main()
