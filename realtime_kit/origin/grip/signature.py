"""Proof that a request came through the proxy: the token in its `Grip-Sig` header."""

from __future__ import annotations

from typing import Any

import jwt
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from realtime_kit.errors import GripSignatureError, UsageError

# What went wrong, most particular first: PyJWT's errors are subclasses of one another.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "has expired; compare the clocks of Pushpin's machine and this one"),
    (jwt.MissingRequiredClaimError, "has no expiry time"),
    (jwt.InvalidIssuerError, "names another issuer"),
    (jwt.InvalidAlgorithmError, "is not signed with HS256"),
    (jwt.InvalidSignatureError, "was signed with another key; compare with sig_key in pushpin.conf"),
    (jwt.PyJWTError, "cannot be read"),
)


class UnprovenRequest(GripSignatureError, web.HTTPForbidden):
    """A request without a valid `Grip-Sig`; if a handler lets it pass, the client gets a 403."""

    def __init__(self, message: str) -> None:
        web.HTTPForbidden.__init__(self, text=f"{message}\n")
        self.args = (message,)


def verify(request: web.Request, key: bytes, *, issuer: str | None = None) -> dict[str, Any]:
    """Check that the request came through a proxy that knows the key.

    Args:
        request: The request.
        key: Pushpin's `sig_key`. PyJWT warns of one under 32 bytes: it could be guessed.
        issuer: Who must have signed; None accepts anyone with the key. Pushpin calls itself `pushpin`.

    Returns:
        The claims of the token: `exp` (seconds since 1970) and, from Pushpin, `iss`.

    Raises:
        UnprovenRequest: The token is missing, expired, signed with another key, or malformed; the text says
            which.
        UsageError: The key is empty.
    """
    if not key:
        raise UsageError("The key for Grip-Sig is empty; anybody could sign with it.")
    token = request.headers.get("Grip-Sig")
    if token is None:
        raise UnprovenRequest("The request has no Grip-Sig header: it did not come through the proxy.")
    try:
        # Only the algorithm Pushpin signs with: a token does not choose how it is checked.
        return jwt.decode(token, key, algorithms=["HS256"], issuer=issuer, options={"require": ["exp"]})
    except jwt.PyJWTError as error:
        reason = next(text for kind, text in _REASONS if isinstance(error, kind))
        message = f"The request's Grip-Sig {reason} ({error})."
        raise UnprovenRequest(message) from error


def require_signature(key: bytes, *, issuer: str | None = None) -> Middleware:
    """An aiohttp middleware that answers 403 to whatever did not come through the proxy.

        app = web.Application(middlewares=[grip.require_signature(key)])

    Args:
        key: Pushpin's `sig_key`.
        issuer: As in `verify`.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        verify(request, key, issuer=issuer)
        return await handler(request)

    return middleware
