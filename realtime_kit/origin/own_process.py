"""An origin in a process of its own: the application is named as `module:attribute` and imported there."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable
from typing import Any, Self

from realtime_kit import worker
from realtime_kit.errors import OriginError
from realtime_kit.origin.server import OriginServer, Routes
from realtime_kit.worker import Worker, WorkerError


class OriginProcess:
    """Serves a module's application where nothing of yours can slow it down. Use it with `async with`.

    Args:
        target: `module:attribute`, such as `my_app:app`. The module is looked for where you run, then where
            Python looks; the attribute is an application, a table of routes, or a function that makes one.
        port: Port to listen on; 0 is a free one.
        show_error: Called with each line that the process writes to its standard error, tracebacks included.

    Attributes:
        port: Where it listens, once entered.

    Raises:
        OriginError: on entering, if the target cannot be imported or the port cannot be had.
    """

    def __init__(
        self, target: str, *, port: int = 0, show_error: Callable[[str], object] | None = None
    ) -> None:
        self.port = port
        self._target = target
        self._worker = Worker(
            "realtime_kit.origin.own_process", name=f"the origin {target}", show_error=show_error
        )

    async def __aenter__(self) -> Self:
        await self._worker.__aenter__()
        try:
            self.port = await self._worker.ask("start", target=self._target, port=self.port)
        except WorkerError as error:
            await self._worker.__aexit__()
            raise OriginError(error.sentence or str(error)) from error
        except BaseException:
            await self._worker.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._worker.__aexit__()


def find_routes(target: str) -> Routes:
    """The application or table of routes that `module:attribute` names; a function is called for it.

    Raises:
        OriginError: if there is none; the text says which part is wrong.
    """
    module, _, attribute = target.partition(":")
    if not (module and attribute):
        message = f"the origin is {target!r}: it has to be module:attribute, such as my_app:app"
        raise OriginError(message)
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        message = f"the origin {target} cannot be imported: {error}"
        raise OriginError(message) from error
    made = found if isinstance(found, Routes) or not callable(found) else found()
    if not isinstance(made, Routes):
        message = (
            f"{target} is a {type(made).__name__}: it has to be a web.Application or a web.RouteTableDef"
        )
        raise OriginError(message)
    return made


def main() -> None:
    """Run the worker."""
    stack = contextlib.AsyncExitStack()

    async def start(*, target: str, port: int) -> int:
        server = OriginServer(find_routes(target), port=port, show_error=sys.stderr.write)
        return (await stack.enter_async_context(server)).port

    worker.serve({"start": start})


if __name__ == "__main__":
    main()
