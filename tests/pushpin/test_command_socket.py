"""The command socket, against one that answers as a test wants."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import zmq.asyncio

from realtime_kit.errors import CommandError, ProtocolError
from realtime_kit.pushpin.command_socket import command
from realtime_kit.pushpin.tnetstring import decode, encode


def asked(
    folder: Path, answer: bytes | None, method: str = "refresh", **arguments: object
) -> tuple[object, object]:
    """What the other side was asked, and what came of its answer."""

    async def main() -> tuple[object, object]:
        spec = f"ipc://{folder}/command"
        with zmq.asyncio.Context() as context, context.socket(zmq.REP) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.bind(spec)
            asking = asyncio.create_task(command(spec, method, arguments, timeout_s=5 if answer else 0.05))
            request = decode(await socket.recv())
            if answer is not None:
                await socket.send(answer)
            return request, await asking

    return asyncio.run(main())


def test_a_question_has_method_and_arguments_and_its_answer_a_value(tmp_path: Path) -> None:
    answer = encode({"id": b"1", "success": True, "value": [b"a"]})
    request, value = asked(tmp_path, answer, "conncheck", ids=["a", "b"])
    assert request == {"id": b"1", "method": b"conncheck", "args": {"ids": [b"a", b"b"]}}
    assert value == [b"a"]


def test_a_no_is_an_error_with_pushpins_word_for_it(tmp_path: Path) -> None:
    answer = encode({"id": b"1", "success": False, "condition": b"item-not-found"})
    with pytest.raises(CommandError, match="Pushpin refused 'refresh': item-not-found") as raised:
        asked(tmp_path, answer)
    assert raised.value.condition == "item-not-found"


def test_silence_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"did not answer 'refresh' within 0\.05 s"):
        asked(tmp_path, None)


@pytest.mark.parametrize("answer", [b"nonsense", encode([]), encode({"success": False})])
def test_an_answer_that_is_none_is_a_protocol_error(tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(ProtocolError):
        asked(tmp_path, answer)
