"""Plain Locust users, as its documentation writes them: each reads a streamed answer. Obeys as receiver.c does."""

from __future__ import annotations

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

URL, CLIENTS, IN_FLIGHT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
PAUSE_S = 0.05
book = ReceiptBook(CLIENTS)
numbers = itertools.count()
opening = BoundedSemaphore(IN_FLIGHT)
users: dict[int, StreamUser] = {}


class StreamUser(HttpUser):
    """Reads the stream to its end, and begins anew."""

    host = URL
    wait_time = constant(PAUSE_S)

    def on_start(self) -> None:
        """Take a number."""
        self.number = next(numbers)
        self.open = False
        users[self.number] = self

    @task
    def stream(self) -> None:
        """Read, and report each event as a request, which is how Locust counts."""
        with opening:
            response = self.client.get(URL, headers={"Accept": "text/event-stream"}, stream=True)
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


def all_open() -> None:
    """Wait until everybody is connected."""
    while len(users) < CLIENTS or not all(user.open for user in users.values()):
        time.sleep(0.02)
    print("opened", flush=True)


def main() -> None:
    """Run it: URL CLIENTS IN_FLIGHT."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    environment = Environment(user_classes=[StreamUser])
    runner = environment.create_local_runner()
    print("ready", flush=True)
    for line in FileObjectThread(sys.stdin):
        command, _, event_id = line.strip().partition(" ")
        if command == "open":
            runner.start(CLIENTS, spawn_rate=1000)
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
