"""A Pushpin, a cluster of them or a hosted GRIP service that runs elsewhere."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Any, Self

from gripcontrol import parse_grip_uri
from yarl import URL

from realtime_kit.errors import UsageError
from realtime_kit.pushpin.proxy import Proxy


class AttachedPushpin(Proxy):
    """Used like an embedded Pushpin, but neither started nor stopped.

    Args:
        url: Where clients connect.
        control_url: Its publish port, or a GRIP URL such as `https://api.example.com/realm?iss=…&key=base64:…`.
            None reads the environment variable `GRIP_URL`. Several, for the instances of a cluster: each publishes only
            to its own clients, so everything is published to all.
        iss: Issuer for a service that asks for a signed token; wins over the one in the GRIP URL.
        key: Key that signs that token, or a ready-made token without `iss`; wins likewise. Of several control addresses
            both are for all.
        sig_key: Key to check `Grip-Sig` with; None means the same as `key`.

    Raises:
        UsageError: if there is no control address, or it cannot be read.
    """

    def __init__(
        self,
        url: str | URL,
        control_url: str | Sequence[str] | None = None,
        *,
        iss: str | None = None,
        key: bytes | str | None = None,
        sig_key: bytes | None = None,
    ) -> None:
        self._url = _http_url("url", str(url))
        given = control_url or os.environ.get("GRIP_URL")
        if not given:
            message = "there is no control_url: give one, or set GRIP_URL"
            raise UsageError(message)
        parsed = [_parsed(each) for each in ([given] if isinstance(given, str) else given)]
        self._doors = [
            {
                "control_url": each["control_uri"],
                "iss": iss or each.get("control_iss"),
                "key": _text(key or each.get("key")),
            }
            for each in parsed
        ]
        self._sig_key = _bytes(sig_key or parsed[0].get("verify_key") or key or parsed[0].get("key"))

    @property
    def url(self) -> URL:
        """Where clients connect."""
        return self._url

    @property
    def control_url(self) -> str:
        """Its publish port, of several the first, without what stood behind the `?` of a GRIP URL."""
        return str(self._doors[0]["control_url"])

    @property
    def sig_key(self) -> bytes | None:
        """Key to check `Grip-Sig` with; None if unknown."""
        return self._sig_key

    def publisher_options(self) -> dict[str, Any]:
        """Arguments with which an `HttpPublisher` reaches it, all instances and the service's token included."""
        first, *others = self._doors
        return first | {"others": others} if others else dict(first)

    def __repr__(self) -> str:
        to = ", ".join(str(door["control_url"]) for door in self._doors)
        return f"<AttachedPushpin at {self.url}, publishing to {to}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def _parsed(grip_url: str) -> dict[str, Any]:
    """The parts of a GRIP URL; a plain control address is one without keys."""
    _http_url("control_url", grip_url)
    try:
        parsed: dict[str, Any] = parse_grip_uri(grip_url)
    except ValueError as error:  # binascii.Error is one
        message = f"a key in control_url says base64: but is not: {error}"
        raise UsageError(message) from error
    if "?" in parsed["control_uri"]:
        known = "iss, key, verify-iss and verify-key"
        message = f"control_url has parameters other than {known}: {parsed['control_uri']}"
        raise UsageError(message)
    return parsed


def _text(key: bytes | str | None) -> str | None:
    """A key that can travel to another process as JSON."""
    return "base64:" + base64.b64encode(key).decode() if isinstance(key, bytes) else key


def _bytes(key: bytes | str | None) -> bytes | None:
    return key.encode() if isinstance(key, str) else key


def _http_url(name: str, text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        message = f"{name} is {text!r}: it has to be an http:// or https:// address"
        raise UsageError(message)
    return url
