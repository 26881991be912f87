"""Where a RethinkDB is, and as whom: an address, read as what the driver's `connect` takes."""

from __future__ import annotations

from typing import TypedDict

from yarl import URL

from realtime_kit.errors import UsageError

_DRIVER_PORT = 28015


class RethinkAddress(TypedDict):
    """The arguments of `RethinkDB.connect`."""

    host: str
    port: int
    db: str
    user: str
    password: str


def rethink_address(url: str) -> RethinkAddress:
    """An address like `rethinkdb://user:password@host:28015/name`, of which only the host is needed.

    Raises:
        UsageError: another scheme, or no host.
    """
    address = URL(url)
    if address.scheme != "rethinkdb" or not address.host:
        message = f"url is {url!r}: it has to be rethinkdb://host:28015/name."
        raise UsageError(message)
    return {
        "host": address.host,
        "port": address.port or _DRIVER_PORT,
        "db": address.path.strip("/") or "test",
        "user": address.user or "admin",
        "password": address.password or "",
    }
