"""Routes: which requests go to which origin, checked before Pushpin would silently ignore a bad line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from realtime_kit.errors import RouteError, UsageError

# fmt: off
_OF_THE_TARGET = frozenset((
    "client_cert", "client_key", "host", "insecure", "ipc_file_mode", "one_event", "over_http", "ssl", "sub",
    "trust_connect_host", "untrusted",
))
_OF_THE_CONDITION = frozenset((
    "aco", "as_host", "debug", "header", "id", "jsonp_body", "jsonp_cb", "jsonp_defcb", "jsonp_defmethod",
    "jsonp_mode", "log_level", "no_grip", "orig_headers", "path_rem", "prefix", "proto", "replace_beg", "session",
    "sig_iss", "sig_key", "sockjs", "sockjs_as_path",
))
# fmt: on
"""Pushpin's words for a route. In the wrong half of the line, or misspelt, it passes over them without a word."""

_UNWRITABLE = re.compile(r'[\s,#"]')


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the routes file.

    Attributes:
        target: The origin as `host:port`.
        path: Beginning of the request path this route takes; empty for all.
        over_http: Turn WebSocket traffic into HTTP requests to the origin (stateless WebSockets).
        options: Further conditions and options in Pushpin's own words, such as `no_grip`, `proto=ws` or `sub=news`.
    """

    target: str
    path: str = ""
    over_http: bool = False
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        host, colon, port = self.target.rpartition(":")
        if not (host and colon and port.isdecimal() and 0 < int(port) < 65536):
            message = f"route target {self.target!r} is not of the form host:port"
            raise RouteError(message)
        for word in (self.target, self.path, *self.options):
            if found := _UNWRITABLE.search(word):
                message = f"route part {word!r} has a {found[0]!r}, which a routes file cannot hold"
                raise RouteError(message)
        for option in self.options:
            if _name(option) not in _OF_THE_TARGET | _OF_THE_CONDITION:
                message = f"Pushpin has no route option {_name(option)!r}"
                raise RouteError(message)

    @property
    def condition(self) -> str:
        """Which requests it takes, and how; the first half of the line."""
        path = [f"path_beg={self.path}"] if self.path else []
        return ",".join(["*", *path, *(word for word in self.options if _name(word) in _OF_THE_CONDITION)])

    def __str__(self) -> str:
        # `over_http` is an option of the target; it leaves plain HTTP requests alone.
        words = [self.target, *(["over_http"] if self.over_http else [])]
        words += [word for word in self.options if _name(word) in _OF_THE_TARGET]
        return f"{self.condition} {','.join(words)}"


def render_routes(routes: Iterable[Route]) -> str:
    """The text of the routes file. Pushpin prefers the longest matching path, in whatever order they stand.

    Raises:
        RouteError: if two take the same requests, as Pushpin would leave out the second.
    """
    lines: dict[tuple[str, ...], Route] = {}
    for route in routes:
        takes = (route.path, *(word for word in route.options if _name(word) == "proto"))
        if takes in lines:
            message = f"two routes take the same requests: '{lines[takes]}' and '{route}'"
            raise RouteError(message)
        lines[takes] = route
    return "".join(f"{route}\n" for route in lines.values())


def routes_to(port: int, *, host: str = "127.0.0.1") -> tuple[Route, ...]:
    """The usual route: everything to one origin on this machine, WebSockets over HTTP."""
    return (Route(f"{host}:{port}", over_http=True),)


def as_routes(given: Iterable[Route] | int) -> tuple[Route, ...]:
    """Routes as they can be given: the routes themselves, or just an origin's port.

    Raises:
        UsageError: if it is neither.
    """
    if isinstance(given, int):
        return routes_to(given)
    items: Iterable[object] = given if isinstance(given, Iterable) else (given,)
    routes: list[Route] = []
    for item in items:
        if not isinstance(item, Route):
            message = f"routes have to be Route objects, or the origin's port as a number; found {item!r}"
            raise UsageError(message)
        routes.append(item)
    return tuple(routes)


def _name(option: str) -> str:
    return option.partition("=")[0]
