"""TLS troubles in words: which error means what to whoever gave the address."""

import ssl

import aiohttp
import pytest
from yarl import URL

from realtime_kit.tls import tls_context, tls_trouble

SECURE = URL("https://service.example/events")


def invalid(code, message):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def caused(error):
    outer = aiohttp.ClientError("somewhere")
    outer.__cause__ = error
    return outer


def test_an_address_without_tls_has_neither_a_context_nor_a_trouble():
    plain = URL("ws://service.example/")
    assert tls_context(plain) is None
    assert tls_trouble(plain, ConnectionResetError()) == ""


def test_certificates_and_names_are_checked():
    context = tls_context(URL("wss://service.example/"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_file_of_certificates_that_is_none_is_named(monkeypatch, tmp_path):
    missing = str(tmp_path / "missing.pem")
    monkeypatch.setenv("SSL_CERT_FILE", missing)
    said = tls_trouble(SECURE, invalid(20, "unable to get local issuer certificate"))
    assert said.endswith(f"and SSL_CERT_FILE is {missing!r}: no file")


def test_a_certificate_that_has_expired_is_not_said_to_be_unknown():
    said = tls_trouble(SECURE, caused(invalid(10, "certificate has expired")))
    assert said == "its certificate is not valid (certificate has expired)"


def test_other_failures_are_named_as_openssl_names_them():
    error = ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version")
    error.reason = "TLSV1_ALERT_PROTOCOL_VERSION"
    assert tls_trouble(SECURE, error) == "TLS failed: tlsv1 alert protocol version"


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), caused(None)])
def test_what_has_nothing_to_do_with_tls_is_none_of_its_troubles(error):
    assert tls_trouble(SECURE, error) == ""
