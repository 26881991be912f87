"""Asking a Pushpin to do something, on its ZeroMQ command socket: a question, an answer."""

from __future__ import annotations

import zmq
import zmq.asyncio

from realtime_kit.errors import CommandError, ProtocolError
from realtime_kit.pushpin import tnetstring

TIMEOUT_S = 5.0
"""It answers within milliseconds, or not at all."""


async def command(
    spec: str, method: str, arguments: dict[str, object], *, timeout_s: float = TIMEOUT_S
) -> object:
    """Ask for one thing, and return the answer's value.

    Args:
        spec: ZeroMQ address of the command socket.
        method: `refresh`, `recover`, `conncheck`, `get-zmq-uris` or `publish`.
        arguments: What goes with it: None, truths, whole numbers, texts and bytes, lists and dictionaries of them.
        timeout_s: Longest wait for the answer, seconds.

    Returns:
        The value, with bytes for texts.

    Raises:
        CommandError: if Pushpin says no, or does not answer in time.
        ProtocolError: if an argument cannot be sent, or the answer cannot be read.
    """
    request = tnetstring.encode({"id": "1", "method": method, "args": arguments})
    context = zmq.asyncio.Context()
    socket = context.socket(zmq.REQ)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(spec)
        await socket.send(request)
        if not await socket.poll(int(timeout_s * 1000)):
            message = f"Pushpin did not answer {method!r} within {timeout_s:g} s"
            raise CommandError(message)
        return _value(method, await socket.recv())
    finally:
        socket.close()
        context.term()


def _value(method: str, text: bytes) -> object:
    answer = tnetstring.decode(text)
    match answer:
        case {"success": True}:
            return answer.get("value")
        case {"success": False, "condition": bytes(condition)}:
            said = condition.decode(errors="replace")
            message = f"Pushpin refused {method!r}: {said}"
            raise CommandError(message, condition=said)
    message = f"Pushpin answered {method!r} with {text[:80]!r}"
    raise ProtocolError(message)
