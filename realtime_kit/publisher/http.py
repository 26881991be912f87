"""Publishing through Pushpin's HTTP port, or that of a hosted GRIP service."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import time
from collections.abc import Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Self

import aiohttp
import jwt
from pubcontrol import Item
from yarl import URL

from realtime_kit.errors import PublishError, UsageError
from realtime_kit.publisher.queue import NobodyAnswers, OnFailure, QueueingPublisher
from realtime_kit.tls import tls_context, tls_trouble

_TIMEOUT_S = 10.0
_TOKEN_LIFETIME_S = 600
_USUAL_LIMIT_BYTES = 1_000_000


class HttpPublisher(QueueingPublisher):
    """Publishes by `POST <control_url>/publish/`.

    Args:
        control_url: Address of the publish port, such as `http://127.0.0.1:5561`.
        iss: Issuer named in the token of a service that asks for one; an embedded Pushpin does not.
        key: Key that signs the token; with `iss`, or as a ready-made bearer token without it. A text that begins
            with `base64:` stands for the bytes it encodes, as in a GRIP URL.
        timeout_s: Longest wait for an answer, seconds. What was under way then may or may not have arrived.
        on_failure: As for `QueueingPublisher`; with `others` called for each of them that an item was not published to.
        others: Arguments of further publishers, such as those for the other instances of a cluster: each gets every
            item, and an item is published when all have accepted it. `items`, `batches` and `failures` are those of
            the first.

    Raises:
        UsageError: if `control_url` is no address, or there is an `iss` without a key.
    """

    def __init__(
        self,
        control_url: str,
        *,
        iss: str | None = None,
        key: bytes | str | None = None,
        timeout_s: float = _TIMEOUT_S,
        on_failure: OnFailure | None = None,
        others: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(on_failure=on_failure)
        self._url = URL(control_url.rstrip("/") + "/publish/")
        if self._url.scheme not in ("http", "https") or not self._url.host:
            message = f"control_url is {control_url!r}: it has to be an http:// or https:// address"
            raise UsageError(message)
        if iss is not None and key is None:
            message = f"iss is {iss!r}, but there is no key to sign its token with"
            raise UsageError(message)
        self._name = str(self._url.with_user(None))  # without a password, as messages are kept
        self._iss = iss
        encoded = isinstance(key, str) and key.startswith("base64:")
        self._key = base64.b64decode(str(key)[7:]) if encoded else key
        self._timeout_s = timeout_s
        self._others = [HttpPublisher(**each, timeout_s=timeout_s, on_failure=on_failure) for each in others]
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        for other in self._others:
            await other.__aenter__()
        return await super().__aenter__()

    async def publish(self, channel: str, item: Item) -> None:
        """As for `QueueingPublisher`, and wait until the others have accepted it, too."""
        await _all(super().publish(channel, item), [other.publish(channel, item) for other in self._others])

    def send(self, channel: str, item: Item) -> None:
        """As for `QueueingPublisher`."""
        super().send(channel, item)
        for other in self._others:
            other.send(channel, item)

    async def flush(self) -> None:
        """As for `QueueingPublisher`."""
        await _all(super().flush(), [other.flush() for other in self._others])

    async def aclose(self) -> None:
        """As for `QueueingPublisher`."""
        await _all(super().aclose(), [other.aclose() for other in self._others])

    async def _open(self) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=tls_context(self._url) or True),
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            )

    async def _send_batch(self, encoded: list[bytes]) -> None:
        await self._open()
        assert self._session is not None  # noqa: S101 - for the type checker
        # As a file, because aiohttp warns of more than a megabyte of bytes.
        body = io.BytesIO(b'{"items":[' + b",".join(encoded) + b"]}")
        headers = {"Content-Type": "application/json", **self._authorization()}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as response:
                answer = (await response.text(errors="replace")).strip()
        except TimeoutError as error:
            message = f"the publish port {self._name} did not answer within {self._timeout_s:g} s"
            raise NobodyAnswers(message) from error
        except aiohttp.ClientError as error:
            why = tls_trouble(self._url, error) or _reason(error)
            message = f"the publish port {self._name} could not be reached: {why}"
            if (size := len(body.getbuffer())) > _USUAL_LIMIT_BYTES:
                # Pushpin hangs up while a request that is too long is still being sent, so its 400 is lost.
                message += f" (the request has {size:,} bytes; Pushpin usually reads {_USUAL_LIMIT_BYTES:,})"
            raise PublishError(message) from error
        if response.status >= HTTPStatus.BAD_REQUEST:
            # Only what is wrong with the request (4xx) stays wrong when it is asked again.
            refused = response.status < HTTPStatus.INTERNAL_SERVER_ERROR
            message = f"{self._name} answered {response.status} {response.reason}: {answer[:200]}"
            raise PublishError(message, refused=refused)

    def _authorization(self) -> dict[str, str]:
        if self._key is None:
            return {}
        if self._iss is None:
            token = self._key if isinstance(self._key, str) else self._key.decode()
        else:
            claims = {"iss": self._iss, "exp": int(time.time()) + _TOKEN_LIFETIME_S}
            token = jwt.encode(claims, self._key, algorithm="HS256")
        return {"Authorization": f"Bearer {token}"}

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _all(first: Coroutine[Any, Any, None], others: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Wait for all of them; raises what the first that failed did."""
    if not others:
        await first
        return
    for answer in await asyncio.gather(first, *others, return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer


def _reason(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno)
    return str(error) or type(error).__name__
