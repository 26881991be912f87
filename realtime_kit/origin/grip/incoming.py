"""What Pushpin says about a request that it passes on."""

from __future__ import annotations

import re

from aiohttp import web

from realtime_kit.errors import ProtocolError

# A run of anything but the separator, where a quoted string is one piece whatever it contains.
_BETWEEN_COMMAS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_BETWEEN_SEMICOLONS = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*")+')


class BadGripRequest(ProtocolError, web.HTTPBadRequest):
    """A request that is not what the protocol allows; if a handler lets it pass, the client gets a 400."""

    def __init__(self, message: str) -> None:
        web.HTTPBadRequest.__init__(self, text=f"{message}\n")
        self.args = (message,)


def is_grip(request: web.Request) -> bool:
    """Whether a GRIP proxy seems to have passed the request on, so that an answer may hold.

    Without one the client itself gets the `Grip-` headers, and no stream. Anybody can claim to be a proxy;
    `require_signature` asks for a proof.
    """
    return "Grip-Sig" in request.headers or "Grip-Feature" in request.headers


def last_ids(request: web.Request) -> dict[str, str]:
    """Up to which message Pushpin has delivered each channel: its `Grip-Last` headers.

    They are there when Pushpin reads a next link, or repeats a long-polling request, for channels that were
    given a `prev_id`. They are newer than a position in the URL, and must win over it: otherwise what was
    delivered in between comes twice.

    Returns:
        The last id of each channel; empty if Pushpin has not said.

    Raises:
        BadGripRequest: A `Grip-Last` that cannot be read.
    """
    found = {}
    for header in request.headers.getall("Grip-Last", []):
        for entry in _BETWEEN_COMMAS.findall(header):
            channel, *parameters = (part.strip() for part in _BETWEEN_SEMICOLONS.findall(entry))
            ids = [value for name, value in map(_parameter, parameters) if name == "last-id"]
            if not channel or len(ids) != 1:
                message = f"Grip-Last is `channel; last-id=…`, not {header!r}."
                raise BadGripRequest(message)
            found[channel] = ids[0]
    return found


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return name.strip().lower(), value
