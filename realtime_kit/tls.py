"""TLS to what runs elsewhere: who is trusted, and in words what went wrong."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import aiohttp
from yarl import URL

_OTHER_HOST = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_UNKNOWN_ISSUER = frozenset({18, 19, 20, 21})  # self-signed, or by an authority that nobody here knows
_PLAIN = {"https": "http", "wss": "ws"}
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"})
"""What OpenSSL calls an answer in plain text; which of them depends on its version and on the text."""


def is_secure(url: URL) -> bool:
    """Whether an address asks for TLS."""
    return url.scheme in _PLAIN


def tls_context(url: URL) -> ssl.SSLContext | None:
    """How to speak TLS to an address; None if it does not ask for it.

    Trusted is whom the system trusts, or, with the environment variable SSL_CERT_FILE, whom that file names. It is read
    now: a notebook may have set the variable a moment ago.
    """
    if not is_secure(url):
        return None
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def tls_trouble(url: URL, error: BaseException) -> str:
    """Why a connection failed, if TLS was the reason: what is wrong, and what to do. Else empty.

    Args:
        url: Where to.
        error: What was raised; the reason may be its cause, or the cause of that.
    """
    if not is_secure(url):
        return ""
    # Of a connection that stood already, an end says nothing about TLS.
    is_opening = isinstance(error, aiohttp.ClientConnectorError) or not isinstance(error, aiohttp.ClientError)
    plain = f"if it is served in plain text, its address begins with {_PLAIN[url.scheme]}://"
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case aiohttp.ClientError():  # some are an SSLError, too, by name alone
                pass
            case ssl.SSLCertVerificationError():
                return _certificate_trouble(cause)
            case ssl.SSLEOFError() | ConnectionResetError() if is_opening:
                return f"the connection was closed where TLS begins; {plain}"
            case ssl.SSLError() if cause.reason in _NO_TLS:
                return f"what answers there does not speak TLS; {plain}"
            case ssl.SSLError():
                return f"TLS failed: {(cause.reason or str(cause)).replace('_', ' ').lower()}"
        cause = cause.__cause__
    return ""


def _certificate_trouble(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _OTHER_HOST:
        return f"its certificate is for another host ({error.verify_message.rstrip('.')}): use a name that it has"
    if error.verify_code in _UNKNOWN_ISSUER:
        if (file := os.environ.get("SSL_CERT_FILE")) and not Path(file).is_file():
            return f"its certificate is not trusted ({error.verify_message}), and SSL_CERT_FILE is {file!r}: no file"
        return (
            f"its certificate is not trusted ({error.verify_message}): name a file with it, or with its authority's, "
            "in the environment variable SSL_CERT_FILE"
        )
    return f"its certificate is not valid ({error.verify_message})"
