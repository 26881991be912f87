"""A host of functions: each request gets a process of its own, which ends with its answer.

    PORT=8001 python -m realtime_kit.origin.functions process.py

The convention is Microcule's: JSON about the request in the argument after `-e`, its body on standard input; the
answer's body on standard output, status and headers as JSON on file descriptor 3. Standard error is passed on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from realtime_kit.pushpin.ports import HOST
from realtime_kit.pushpin.supervisor import die_with

MAX_PROCESSES = 8
"""Most functions at the same time; further requests wait."""

TIMEOUT_S = 10.0
"""Longest life of a function; then it is killed, and the answer is a 504."""

END_GRACE_S = 0.5
"""How long functions that run may go on when the host is told to end."""

_HEAD_FD = 3
_PIPE_BYTES = 60_000  # of headers; more would fill the pipe


@dataclass(slots=True)
class FunctionHost:
    """Answers HTTP requests by running a Python file once for each.

    Attributes:
        file: The function.
        timeout_s: Longest life of one process.
        max_processes: Most of them at the same time.
        started: How many have been started.
    """

    file: Path
    timeout_s: float = TIMEOUT_S
    max_processes: int = MAX_PROCESSES
    started: int = 0
    _places: asyncio.Semaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.file = Path(self.file).absolute()
        self._places = asyncio.Semaphore(self.max_processes)

    def app(self) -> web.Application:
        """The application that serves any method and address with the function."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.Response:
        """Run the function for one request."""
        body = await request.read()
        async with self._places:
            return await self._run(_describe(request), body)

    async def _run(self, description: str, body: bytes) -> web.Response:
        host, (read_end, write_end) = os.getpid(), os.pipe()
        try:
            self.started += 1
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(self.file),
                *("-c", "", "-e", description, "-s", "{}"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=self.file.parent,
                pass_fds=(_HEAD_FD,),
                preexec_fn=lambda: _prepare(host, write_end),  # safe: this process has one thread
                start_new_session=True,
            )
            os.close(write_end)
            write_end = -1
            try:
                async with asyncio.timeout(self.timeout_s):
                    out, _ = await process.communicate(body)
            except TimeoutError:
                return _failed(504, f"{self.file.name} was killed: no answer after {self.timeout_s:g} s")
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
            if process.returncode:
                return _failed(500, f"{self.file.name} has ended with {process.returncode}")
            os.set_blocking(read_end, False)
            return _answer(os.read(read_end, _PIPE_BYTES), out)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return _failed(500, f"{self.file.name} has given no proper answer: {error}")
        finally:
            os.close(read_end)
            if write_end >= 0:
                os.close(write_end)


def _prepare(host: int, write_end: int) -> None:
    die_with(host, signal.SIGKILL)  # a host that is killed takes its functions along
    os.dup2(write_end, _HEAD_FD)


def _describe(request: web.Request) -> str:
    headers = {name.lower(): value for name, value in request.headers.items()}
    head = {"method": request.method, "headers": headers, "path": request.path, "url": request.path_qs}
    return json.dumps({"input": head, "params": dict(request.query), "env": {}})


def _answer(head: bytes, body: bytes) -> web.Response:
    status, headers = 200, {}
    for line in head.splitlines():
        message: dict[str, Any] = json.loads(line)
        if message["type"] == "writeHead":
            status = int(message["payload"]["code"])
            headers = {str(name): str(value) for name, value in message["payload"]["headers"].items()}
    return web.Response(status=status, headers=headers, body=body)


def _failed(status: int, text: str) -> web.Response:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
    return web.Response(status=status, text=f"{text}\n")


def main() -> None:
    """Serve a file on the port that the variable PORT names."""
    parser = argparse.ArgumentParser(prog="python -m realtime_kit.origin.functions", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S)
    parser.add_argument("--processes", type=int, default=MAX_PROCESSES)
    given = parser.parse_args()
    host = FunctionHost(given.file, given.timeout, given.processes)
    port = int(os.environ["PORT"])
    web.run_app(host.app(), host=HOST, port=port, print=None, shutdown_timeout=END_GRACE_S)


if __name__ == "__main__":
    main()
