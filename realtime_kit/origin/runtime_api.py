"""AWS Lambda's Runtime API on this machine: HTTP requests become events for a real runtime interface client.

    PORT=8001 python -m realtime_kit.origin.runtime_api lambda_function.handler

The client, `awslambdaric`, asks for the next event and posts its answer. It is started with the first request, as in a
cold start, and lives on for the next ones.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from realtime_kit.components import RUNTIMES
from realtime_kit.errors import MissingDependency
from realtime_kit.origin.functions import END_GRACE_S
from realtime_kit.pushpin.ports import HOST
from realtime_kit.pushpin.supervisor import die_with

TIMEOUT_S = 10.0


@dataclass(slots=True)
class RuntimeApi:
    """One function instance, and the two sides that meet at it.

    Attributes:
        handler: `module.function`, found in the working directory.
        port: Where this listens.
        timeout_s: Longest that one event may take, the start included; then the instance is killed.
    """

    handler: str
    port: int
    timeout_s: float = TIMEOUT_S
    _events: asyncio.Queue[tuple[str, dict[str, Any]]] = field(default_factory=asyncio.Queue)
    _answers: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _process: asyncio.subprocess.Process | None = None
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    def app(self) -> web.Application:
        """Both sides: the Runtime API under its dated path, the function everywhere else."""
        app = web.Application()
        base = "/2018-06-01/runtime"
        app.router.add_get(f"{base}/invocation/next", self.next)
        app.router.add_post(f"{base}/invocation/{{id}}/response", self.response)
        app.router.add_post(f"{base}/invocation/{{id}}/error", self.error)
        app.router.add_post(f"{base}/init/error", self.init_error)
        app.router.add_route("*", "/{path:.*}", self.invoke)
        app.on_shutdown.append(
            lambda _: self._end()
        )  # else its request for the next event would be waited for
        app.on_cleanup.append(lambda _: self._end())
        return app

    async def invoke(self, request: web.Request) -> web.Response:
        """An HTTP request for the function: one at a time, as each instance of Lambda takes them."""
        event = await _event(request)
        async with self._one:
            number = uuid.uuid4().hex
            answer = self._answers[number] = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self.timeout_s):
                    await self._started()
                    await self._events.put((number, event))
                    told = await self._answer_or_end(answer)
            except TimeoutError:
                await self._end()
                return _failed(504, f"{self.handler} was killed: no answer after {self.timeout_s:g} s")
            except RuntimeError as error:
                return _failed(500, f"{self.handler} has failed: {error}")
            finally:
                del self._answers[number]
            try:
                return _response(told)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                return _failed(500, f"{self.handler} has given no proper answer: {error}")

    async def next(self, _: web.Request) -> web.Response:
        """The instance is free."""
        number, event = await self._events.get()
        head = {
            "Lambda-Runtime-Aws-Request-Id": number,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:local:000000000000:function:chat",
        }
        # The client reads JSON only of exactly this type, without a charset.
        return web.Response(body=json.dumps(event).encode(), content_type="application/json", headers=head)

    async def response(self, request: web.Request) -> web.Response:
        """The function has answered."""
        return self._settle(request.match_info["id"], await request.json())

    async def error(self, request: web.Request) -> web.Response:
        """It has raised."""
        told = await request.json()
        return self._settle(request.match_info["id"], RuntimeError(told.get("errorMessage", "no message")))

    async def init_error(self, request: web.Request) -> web.Response:
        """It could not be imported."""
        told = await request.json()
        for number in list(self._answers):
            self._settle(number, RuntimeError(told.get("errorMessage", "no message")))
        return web.json_response({"status": "OK"}, status=202)

    def _settle(self, number: str, result: Any) -> web.Response:
        answer = self._answers.get(number)
        if answer is not None and not answer.done():
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)
        return web.json_response({"status": "OK"}, status=202)

    async def _started(self) -> None:
        if self._process is not None and self._process.returncode is None:
            return
        self._events = asyncio.Queue()
        environ = {
            **os.environ,
            "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{self.port}",
            "AWS_LAMBDA_FUNCTION_NAME": "chat",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "chat",
            "AWS_LAMBDA_LOG_STREAM_NAME": "chat",
        }
        host = os.getpid()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "awslambdaric", self.handler),
            env=environ,
            stdout=sys.stderr,
            preexec_fn=lambda: die_with(host, signal.SIGKILL),  # safe: this process has one thread
        )

    async def _answer_or_end(self, answer: asyncio.Future[Any]) -> Any:
        process = self._process
        if process is None:
            raise RuntimeError("it was not started")
        end = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait((answer, end), return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            message = f"its process has ended with {process.returncode}"
            raise RuntimeError(message)
        finally:
            end.cancel()

    async def _end(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


async def _event(request: web.Request) -> dict[str, Any]:
    body = await request.read()
    http = {"method": request.method, "path": request.path, "protocol": "HTTP/1.1"}
    return {
        "version": "2.0",
        "rawPath": request.path,
        "rawQueryString": request.rel_url.raw_query_string,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "requestContext": {"http": http},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def _response(told: dict[str, Any]) -> web.Response:
    body = told.get("body", "")
    content = base64.b64decode(body) if told.get("isBase64Encoded") else body.encode()
    headers = {str(name): str(value) for name, value in (told.get("headers") or {}).items()}
    return web.Response(status=told["statusCode"], headers=headers, body=content)


def _failed(status: int, text: str) -> web.Response:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
    return web.Response(status=status, text=f"{text}\n")


def main() -> None:
    """Serve a handler on the port that the variable PORT names."""
    parser = argparse.ArgumentParser(prog="python -m realtime_kit.origin.runtime_api", description=__doc__)
    parser.add_argument("handler")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S)
    given = parser.parse_args()
    try:
        RUNTIMES.find_package("awslambdaric")
    except MissingDependency as error:
        sys.exit(str(error))
    port = int(os.environ["PORT"])
    app = RuntimeApi(given.handler, port, given.timeout).app()
    web.run_app(app, host=HOST, port=port, print=None, shutdown_timeout=END_GRACE_S)


if __name__ == "__main__":
    main()
