"""Plain aiohttp clients, as one writes them: a task for each, reading line by line. Obeys as receiver.c does."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable

import aiohttp
from receipts import ReceiptBook

from realtime_kit.pushpin.limits import raise_file_limit

PAUSE_S = 0.05


class Receiver:
    """Many clients of one address."""

    def __init__(self, url: str, clients: int, in_flight: int) -> None:
        self.url = url
        self.book = ReceiptBook(clients)
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.in_flight = asyncio.Semaphore(in_flight)

    async def serve(self, commands: asyncio.Queue[str]) -> None:
        """Obey until standard input ends."""
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            print("ready", flush=True)
            while line := await commands.get():
                command, _, event_id = line.strip().partition(" ")
                if command == "open":
                    await self.open(session, range(len(self.book.ids)))
                elif command == "reopen":
                    await self.open(session, self.book.silent(int(event_id)))
                else:
                    self.book.obey(command, int(event_id))
            for task in self.tasks.values():
                task.cancel()
            await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def open(self, session: aiohttp.ClientSession, clients: Iterable[int]) -> None:
        """Connect them anew."""
        opened = []
        for client in clients:
            if client in self.tasks:
                self.tasks.pop(client).cancel()
            opened.append(asyncio.Event())
            self.tasks[client] = asyncio.create_task(self.read(session, client, opened[-1]))
        for each in opened:
            await each.wait()
        print("opened", flush=True)

    async def read(self, session: aiohttp.ClientSession, client: int, opened: asyncio.Event) -> None:
        """One client: it comes back when its stream ends."""
        while True:
            try:
                async with self.in_flight:
                    response = await session.get(self.url, headers={"Accept": "text/event-stream"})
                if response.status == 200:
                    opened.set()
                    async for line in response.content:
                        self.book.write(client, line)
                response.close()
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(PAUSE_S)


async def main() -> None:
    """Run it: URL CLIENTS IN_FLIGHT."""
    raise_file_limit()
    commands: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read_commands() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(commands.put_nowait, line)
        loop.call_soon_threadsafe(commands.put_nowait, "")

    threading.Thread(target=read_commands, daemon=True).start()
    await Receiver(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).serve(commands)


if __name__ == "__main__":
    asyncio.run(main())
