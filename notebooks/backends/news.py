"""The Django project of lesson 10, a Pushpin before it that can be killed alone, and a client whose books are kept."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
import requests

from realtime_kit import Backend, Pushpin, background
from realtime_kit.clients import ReceiptBook, StreamingClient
from realtime_kit.measurements import Ledger, account
from realtime_kit.origin.backend import BackendProcess
from realtime_kit.pushpin.ports import HOST, free_port

FOLDER = Path(__file__).parent / "django"
CHANNEL = "events-news"
"""What django-eventstream calls the channel `news` to Pushpin."""

COMES_WITHIN_S = 20.0


class News:
    """Django, Pushpin and one client, each of which ends alone. Events are numbers.

    Args:
        environ: What the project is told, such as `STORAGE="off"`; see its settings.
    """

    def __init__(self, **environ: str) -> None:
        self._environ = environ
        self._ports = free_port(), free_port()
        self._told: dict[int, int] = {}
        self._book = ReceiptBook()
        self._heard = asyncio.Condition()
        self._stack = contextlib.AsyncExitStack()
        self._lease: background.Lease | None = None

    @property
    def url(self):
        """Where clients connect: Pushpin."""
        return self.pushpin.url

    @property
    def tell_url(self) -> str:
        """Where events are told: Django itself, whether there is a Pushpin or not."""
        return f"http://{HOST}:{self._django.port}/tell/"

    def start(self) -> Self:
        """Bring all three up; the client listens when this returns."""
        self._lease = background.Lease(self.stop)
        try:
            background.run(self._start())
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Take all three down. May be called again."""
        lease, self._lease = self._lease, None
        if lease is not None:
            try:
                background.run(self._stack.aclose())
            finally:
                lease.end()

    def tell(self, numbers: Iterable[int]) -> None:
        """Tell events, each by a POST to Django."""
        for number in numbers:
            self._told[number] = time.monotonic_ns()
            answer = requests.post(self.tell_url, data=str(number), timeout=COMES_WITHIN_S)
            answer.raise_for_status()

    def tell_by_job(self, number: int) -> None:
        """Tell an event by `manage.py tell`, Django's own command line; works while all three are down."""
        command = [sys.executable, "manage.py", "tell", str(number)]
        environ = {**os.environ, **self._environ}
        subprocess.run(command, cwd=FOLDER, env=environ, check=True, timeout=COMES_WITHIN_S)

    def add_staff(self, name: str, password: str) -> None:
        """Make somebody a member of the staff, with Django's own command line."""
        command = [
            sys.executable,
            "manage.py",
            "createsuperuser",
            "--noinput",
            f"--username={name}",
            "--email=",
        ]
        environ = {**os.environ, **self._environ, "DJANGO_SUPERUSER_PASSWORD": password}
        subprocess.run(
            command, cwd=FOLDER, env=environ, check=True, timeout=COMES_WITHIN_S, stdout=subprocess.DEVNULL
        )

    def kill_pushpin(self) -> None:
        """Kill it as `kill -9` does, and return when nothing of it is left. Django and the client stay."""
        background.run(self._kill_pushpin())

    def start_pushpin(self) -> None:
        """Bring it back where it was, and return when the client has found it."""
        background.run(self._start_pushpin())

    def settle(self, last: int) -> Ledger:
        """When that event has come to the client: what has become of all that were told?"""
        background.run(self._until_heard(last))
        ids = np.array(sorted(self._told), np.int64)
        due_ns = np.array([self._told[number] for number in ids.tolist()], np.int64)
        return account(self._book.receipts(), ids, due_ns, clients=1).ledger

    async def _start(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            backend = Backend(
                (sys.executable, "serve.py"), folder=FOLDER, name="Django", environ=self._environ
            )
            grip_url = f"http://{HOST}:{self._ports[1]}"
            process = BackendProcess(backend, port=0, grip_url=grip_url, show_error=sys.stderr.write)
            self._django = await stack.enter_async_context(process)
            self.pushpin = Pushpin(self._django.port, http_port=self._ports[0], publish_port=self._ports[1])
            await stack.enter_async_context(self.pushpin)
            client = StreamingClient(self.pushpin.url / "events/" % {"channel": "news"})
            await stack.enter_async_context(client)
            listening = asyncio.create_task(self._listen(client))
            stack.push_async_callback(_ended, listening)
            await self._until_subscribed()
            self._stack = stack.pop_all()

    async def _listen(self, client: StreamingClient) -> None:
        async for receipt in client:
            if receipt.event.type == "message":
                self._book.write(0, int(receipt.event.data), receipt.received_ns, receipt.opened_ns)
                async with self._heard:
                    self._heard.notify_all()

    async def _kill_pushpin(self) -> None:
        self.pushpin.processes()[0].kill()
        await self.pushpin.aended()

    async def _start_pushpin(self) -> None:
        await self.pushpin.astart()
        await self._until_subscribed()

    async def _until_subscribed(self) -> None:
        async with asyncio.timeout(COMES_WITHIN_S):
            await self.pushpin.auntil(lambda seen: seen.subscribers(CHANNEL) == 1)

    async def _until_heard(self, number: int) -> None:
        async with asyncio.timeout(COMES_WITHIN_S), self._heard:
            await self._heard.wait_for(lambda: number in self._book.receipts().event_id)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
