"""A server that does to clients what a test tells it to, byte by byte."""

import asyncio
import contextlib
import random
import types

import pytest

from realtime_kit.clients import Backoff


def http(status, body=b"", *, content_type="application/json", **headers):
    """A whole response."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@contextlib.asynccontextmanager
async def serving(*scripts, port=0):
    """Connection k is given to `scripts[k](request, writer)`, the last one over and over.

    Several requests on one connection come to the same script. A script that returns without closing leaves the
    connection open. `closed` is set when a client closes one.
    """
    seen = types.SimpleNamespace(requests=[], connections=0, closed=asyncio.Event())

    tasks = set()

    async def accept(reader, writer):
        tasks.add(asyncio.current_task())
        script = scripts[min(seen.connections, len(scripts) - 1)]
        seen.connections += 1
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                seen.requests.append(head)
                await script(head, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            seen.closed.set()
        except asyncio.CancelledError:
            pass  # asyncio's own callback of Python 3.11 does not expect it
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    seen.port = server.sockets[0].getsockname()[1]
    seen.url = f"http://127.0.0.1:{seen.port}/events"
    try:
        yield seen
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(*parts, close=False):
    """A script that writes, and closes the connection if told to."""

    async def script(_, writer):
        for part in parts:
            writer.write(part)
        if close:
            await writer.drain()
            writer.close()

    return script


@pytest.fixture
def server():
    """The pieces of a scripted server."""
    return types.SimpleNamespace(serving=serving, saying=saying, http=http, STREAM=STREAM)


@pytest.fixture
def fast():
    """A backoff that hardly waits, new for each client."""
    return lambda: Backoff(random.Random(1), first_s=0.001, max_s=0.001)
