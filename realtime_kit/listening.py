"""Beginning to listen, so that whoever is cancelled meanwhile does not go on listening."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

from aiohttp import web


async def listening(made: Awaitable[asyncio.Server]) -> asyncio.Server:
    """Let a server listen.

    A server that asyncio makes and starts in one go is out of reach if its maker is cancelled in the moment between,
    and listens until the loop ends.

    Args:
        made: What makes it, with `start_serving=False`.

    Raises:
        OSError: if its port cannot be had.
    """
    server = await made
    try:
        await server.start_serving()
    except BaseException:
        server.close()
        raise
    return server


@contextlib.asynccontextmanager
async def web_server(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve an application while the block lasts; gives the port it listens on.

    Args:
        app: What to serve.
        host: The address to listen on.
        port: The port to listen on; 0 is a free one.

    Raises:
        OSError: if the port cannot be had.
    """
    # Pushpin's idle connections would otherwise hold up the end for a minute.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    try:
        await runner.setup()
        make = asyncio.get_running_loop().create_server(_made(runner), host, port, start_serving=False)
        server = await listening(make)
    except BaseException:
        with contextlib.suppress(Exception):
            await runner.cleanup()
        raise
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await runner.cleanup()


def _made(runner: web.AppRunner) -> web.Server:
    assert runner.server is not None  # noqa: S101 - for the type checker; `setup` has made it
    return runner.server
