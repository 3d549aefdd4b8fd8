"""TLS, plain HTTP and proxies."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from secpipe.errors import (
    RegistryError,
    UsageError,
)
from secpipe.oci.network import ConnectionFailure
from secpipe.oci.target import open_image
from tests.oci.pulls import IMAGE, LAYER, elsewhere, pulled
from tests.oci.server import Reply, Server, serving
from tests.support.certificates import write_certificate


@pytest.mark.usefixtures("names")
def test_plain_http_must_be_declared(server: Server) -> None:
    """https is tried, and nothing is sent in clear after it failed."""
    server.serve(IMAGE)
    with pytest.raises(ConnectionFailure) as raised, open_image(f"{elsewhere(server)}/app:1"):
        pass
    assert "does not speak TLS" in raised.value.message
    assert "--insecure" in raised.value.hint
    assert server.seen == []
    with open_image(f"{elsewhere(server)}/app:1", insecure=True) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for localhost and registry.example, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    names = "subjectAltName=DNS:localhost,DNS:registry.example,IP:127.0.0.1"
    parts = write_certificate(folder, "localhost", "-addext", names)
    both = folder / "both.pem"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    return both


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    with serving(certificate) as running:
        running.serve(IMAGE)
        yield running


@pytest.mark.usefixtures("names")
def test_certificates_are_checked(secure: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = f"{elsewhere(secure)}/app:1"
    with pytest.raises(ConnectionFailure) as raised, open_image(target):
        pass
    assert "is not trusted: self-signed certificate" in raised.value.message
    assert "SSL_CERT_FILE" in raised.value.hint
    assert secure.seen == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_image(target) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar
    with pytest.raises(ConnectionFailure, match="mismatch"), open_image(target.replace("registry", "other")):
        pass
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate) + ".none")
    with pytest.raises(UsageError, match="SSL_CERT_FILE"), open_image(target):
        pass


@pytest.mark.usefixtures("names")
def test_insecure_is_about_the_registry_alone(secure: Server, certificate: Path) -> None:
    """The token service that it names is held to its certificate all the same (CVE-2019-10214)."""
    target = f"{elsewhere(secure)}/app:1"
    with open_image(target, insecure=True) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar
    with serving(certificate) as tokens:
        realm = f"https://auth.example:{tokens.address.rpartition(':')[2]}/token"
        secure.answer = lambda _: Reply(401, b"", [("WWW-Authenticate", f'Bearer realm="{realm}"')])
        with pytest.raises(ConnectionFailure, match="not trusted"), open_image(target, insecure=True):
            pass
        assert tokens.seen == []


def test_tls_on_loopback(secure: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectionFailure, match="is not trusted"), open_image(f"{secure.address}/app:1"):
        pass
    with open_image(f"{secure.address}/app:1", insecure=True) as image:
        assert image.digest == IMAGE.digest
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_image(f"{secure.address}/app:1") as image:
        assert image.digest == IMAGE.digest


def test_a_proxy_is_asked_only_for_other_hosts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is never proxied; userinfo of the proxy goes to the proxy alone."""
    with serving() as proxy:
        proxy.answer = lambda _: Reply(502)
        monkeypatch.setenv("http_proxy", f"http://me:secret@{proxy.address}")
        monkeypatch.setenv("https_proxy", f"http://me:secret@{proxy.address}")
        server.serve(IMAGE)
        assert pulled(server) == LAYER.tar
        assert proxy.seen == []
        with pytest.raises(RegistryError) as raised, open_image("registry.invalid/app"):
            pass
        assert "proxy" in raised.value.message
        assert "secret" not in raised.value.message + raised.value.hint
        monkeypatch.setenv("no_proxy", "registry.invalid")
        with pytest.raises(ConnectionFailure, match="cannot be found"), open_image("registry.invalid/app"):
            pass


def test_a_proxy_carries_the_requests(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's server is the proxy: it sees whole URLs and its own credentials, and refuses CONNECT."""
    usual = server.serve(IMAGE)
    server.answer = lambda seen: usual(dataclasses.replace(seen, path=urlsplit(seen.path).path))
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"me:sec%20ret@{server.address}")
    with open_image("registry.invalid/app:1", insecure=True) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar
    expected = "Basic " + base64.b64encode(b"me:sec ret").decode()
    assert {seen.headers["proxy-authorization"] for seen in server.seen} == {expected}
    assert {seen.headers["host"] for seen in server.seen} == {"registry.invalid"}
    assert all(seen.path.startswith("http://registry.invalid:80/v2/") for seen in server.seen)
    with open_image("registry.invalid/app:1", insecure=True) as image:
        server.answer = lambda _: Reply(307, b"", [("Location", "http://169.254.169.254/")])
        with pytest.raises(RegistryError, match="link-local"):
            b"".join(image.layers[0].open())


def test_a_proxy_for_one_scheme_alone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows the name, which need not be found here."""
    usual = server.serve(IMAGE)
    server.answer = lambda seen: usual(dataclasses.replace(seen, path=urlsplit(seen.path).path))
    monkeypatch.setenv("HTTP_PROXY", f"http://{server.address}")
    with open_image("registry.invalid/app:1", insecure=True) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar


@pytest.mark.parametrize("address", ["127.0.0.1:1", "[::1]:1", "proxy.invalid:3128"])
def test_a_proxy_that_cannot_be_reached(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@{address}")
    with pytest.raises(ConnectionFailure) as raised, open_image("registry.invalid/app:1"):
        pass
    assert f"the proxy {address} cannot be reached" in raised.value.message
    assert "secret" not in raised.value.message + raised.value.hint


@pytest.mark.parametrize(
    "proxy", ["nonsense://x", "http://", "http://me:pass/word@host", "http://[::1", "socks4://x"]
)
def test_proxies_that_are_none(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UsageError, match="cannot be used") as raised, open_image("registry.invalid/app:1"):
        pass
    assert "_PROXY" in raised.value.hint
    assert "pass" not in raised.value.message
