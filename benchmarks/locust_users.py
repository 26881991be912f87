"""Locust users of an event stream, the kit's or plain ones. They obey as receiver.c does.

    locust_users.py URL CLIENTS IN_FLIGHT kit|plain

Those of the kit (`realtime_kit.clients.locust`) report push latency from the moment an event was due, and what is
missing. A plain one reads pieces of a streamed answer, as Locust's `HttpUser` has them, and reports each, without a
latency. The kit's have no limit of how many may be opening: they come 200 a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import resource
import sys
import time

import gevent
from gevent.fileobject import FileObjectThread
from gevent.lock import BoundedSemaphore
from locust import HttpUser, constant, task
from locust.env import Environment
from receipts import ReceiptBook
from requests import RequestException
from yarl import URL

from realtime_kit import background
from realtime_kit.clients import locust as kit
from realtime_kit.clients.receipt import Receipt

ADDRESS, CLIENTS, IN_FLIGHT = URL(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
PAUSE_S = 0.05
book = ReceiptBook(CLIENTS)
numbers = itertools.count()
opening = BoundedSemaphore(IN_FLIGHT)


class Numbered:
    """What both have."""

    wait_time = constant(PAUSE_S)

    def on_start(self) -> None:
        """Take a number."""
        self.open = False
        self.number = next(numbers)
        users[self.number] = self


class PlainUser(Numbered, HttpUser):
    """Reads the stream to its end, and begins anew."""

    host = str(ADDRESS)
    spawned_per_s = 1000

    @task
    def stream(self) -> None:
        """Read, and report each piece as a request, which is how Locust counts."""
        with opening:
            response = self.client.get(self.host, headers={"Accept": "text/event-stream"}, stream=True)
        self.open, self.response = response.status_code == 200, response
        with contextlib.suppress(RequestException):
            for content in response.iter_content(None) if self.open else ():
                for line in content.splitlines():
                    book.write(self.number, line)
                self.environment.events.request.fire(
                    request_type="push",
                    name="event",
                    response_time=0.0,
                    response_length=len(content),
                    exception=None,
                    context={},
                )
        self.open = False
        response.close()

    def hang_up(self) -> None:
        """End the stream: the user comes back by itself."""
        self.open = False
        self.response.raw._fp.fp.raw._sock.shutdown(2)


class KitUser(Numbered, kit.StreamingUser):
    """As the kit has it, and writes down what it gets."""

    host, path = str(ADDRESS.origin()), ADDRESS.path
    spawned_per_s = 200

    def hang_up(self) -> None:
        """End the stream: the user comes back by itself."""
        background.run(self._end())

    def _failed(self, reason: str) -> None:
        self.open = False
        super()._failed(reason)

    async def _live(self) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await super()._live()
        finally:
            self.open = False

    def _connected(self, took_s: float) -> None:
        self.open = True
        super()._connected(took_s)

    def _receive(self, receipt: Receipt) -> None:
        book.write(self.number, b"id: " + receipt.event.id.encode())
        super()._receive(receipt)


users: dict[int, PlainUser | KitUser] = {}


def all_open() -> None:
    """Wait until everybody is connected."""
    while len(users) < CLIENTS or not all(user.open for user in users.values()):
        time.sleep(0.02)
    print("opened", flush=True)


def main() -> None:
    """Run them."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    user_class = {"kit": KitUser, "plain": PlainUser}[sys.argv[4]]
    runner = Environment(user_classes=[user_class]).create_local_runner()
    print("ready", flush=True)
    for line in FileObjectThread(sys.stdin):
        command, _, event_id = line.strip().partition(" ")
        if command == "open":
            runner.start(CLIENTS, spawn_rate=user_class.spawned_per_s)
            all_open()
        elif command == "reopen":
            for number in book.silent(int(event_id)):
                if users[number].open:
                    users[number].hang_up()
            gevent.sleep(0.1)
            all_open()
        else:
            book.obey(command, int(event_id))
    runner.quit()


if __name__ == "__main__":
    main()
