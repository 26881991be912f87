"""Which of very many sockets have something to read: the system's own answer, without a callback for each."""

from __future__ import annotations

import select
import sys

if sys.platform == "linux":

    class Readiness:
        """An epoll, edge-triggered: it names a socket once for what has come, so whoever is named has to read it all.

        Level-triggered, the system would look at each socket once more for every time it is named.
        """

        SOME = select.EPOLLIN
        """The figure of a socket that has something to read and has not ended."""

        MOST = 42
        """Sockets named at a time: about more does not fit into the 512 bytes that Python has at hand (x86-64)."""

        def __init__(self) -> None:
            self._epoll = select.epoll()

        def fileno(self) -> int:
            """A descriptor that is itself readable when one of those added is."""
            return self._epoll.fileno()

        def add(self, fd: int) -> None:
            """Watch a socket until it is closed."""
            self._epoll.register(fd, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)

        def poll(self, timeout_s: float) -> list[tuple[int, int]]:
            """(descriptor, a figure of the system's) of those with something to read; waits up to `timeout_s`."""
            return self._epoll.poll(timeout_s, self.MOST)

        def close(self) -> None:
            """Watch nothing any more."""
            self._epoll.close()

else:

    class Readiness:
        """A kqueue, which does the same, again and again until what has come is read."""

        SOME = select.KQ_FILTER_READ
        """The figure of a socket that has something to read."""

        MOST = 42
        """Sockets named at a time."""

        def __init__(self) -> None:
            self._kqueue = select.kqueue()

        def fileno(self) -> int:
            """A descriptor that is itself readable when one of those added is."""
            return self._kqueue.fileno()

        def add(self, fd: int) -> None:
            """Watch a socket until it is closed."""
            self._kqueue.control([select.kevent(fd, select.KQ_FILTER_READ, select.KQ_EV_ADD)], 0)

        def poll(self, timeout_s: float) -> list[tuple[int, int]]:
            """(descriptor, a figure of the system's) of those with something to read; waits up to `timeout_s`."""
            return [(event.ident, event.filter) for event in self._kqueue.control(None, self.MOST, timeout_s)]

        def close(self) -> None:
            """Watch nothing any more."""
            self._kqueue.close()
