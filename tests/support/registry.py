"""The real docker-registry on loopback, three ways over one storage, and a helper that pushes built images.

The registry is Debian's package `docker-registry` (distribution 2.8). The token flavour verifies tokens that a small issuer
in this process signs with a key that `openssl` makes, as distribution's token specification has it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest

from tests.support.certificates import write_certificate
from tests.support.images import BuiltImage, digest
from tests.support.loopback import listening

USERNAME, PASSWORD = "alice", "wonderland"
IDENTITY_TOKEN = "an-identity-token-of-alice"
PROGRAM = shutil.which("docker-registry") or shutil.which("registry")
SKIPPED = "docker-registry is not installed"
REQUIRE = "SECPIPE_REQUIRE_REGISTRY"

# bcrypt at its lowest cost, of PASSWORD: the registry accepts no other kind of hash.
_HTPASSWD = f"{USERNAME}:$2b$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu\n"
_SERVICE, _ISSUER = "registry.test", "issuer.test"
_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")


@dataclass
class Issuer:
    """A token service. Anybody may pull from `public/…`, USERNAME from and to everything.

    `requests` lists method and query or form of what was asked; `life` is the tokens' in seconds.
    """

    key: Path
    certificate: Path
    url: str = ""
    life: int = 300
    requests: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)

    def answer(
        self, method: str, query: dict[str, list[str]], authorization: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and body for a request."""
        self.requests.append((method, query))
        if method == "POST":
            if query.get("refresh_token") != [IDENTITY_TOKEN]:
                return 401, {}
            known, scopes = True, " ".join(query.get("scope", [])).split()
        else:
            expected = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
            known, scopes = authorization == expected, query.get("scope", [])
            if authorization and not known:
                return 401, {}
        token = self.token([_granted(scope, known) for scope in scopes])
        return 200, {"access_token" if method == "POST" else "token": token, "expires_in": self.life}

    def token(self, access: list[dict[str, Any]], age: int = 10) -> str:
        """A JWT (RS256, the certificate in x5c) that grants `access`, made `age` seconds ago."""
        made = int(time.time()) - age
        der = "".join(self.certificate.read_text().split("-----")[2].split())
        header = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        claims = {
            "iss": _ISSUER,
            "sub": USERNAME,
            "aud": _SERVICE,
            "exp": made + self.life,
            "nbf": made,
            "iat": made,
            "jti": os.urandom(8).hex(),
            "access": access,
        }
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.key)]
        signature = subprocess.run(command, input=signed.encode(), capture_output=True, check=True).stdout
        return f"{signed}.{_base64url(signature)}"


@dataclass(frozen=True)
class Registries:
    """Addresses (`127.0.0.1:PORT`) of the three flavours; what is pushed to one is in all."""

    anonymous: str
    basic: str
    token: str
    issuer: Issuer
    storage: Path
    """where all three keep their content"""


@pytest.fixture(scope="session")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registries]:
    """The three flavours, running for as long as the tests do."""
    if PROGRAM is None:
        if os.environ.get(REQUIRE):
            pytest.fail(f"{SKIPPED}, and {REQUIRE} is set", pytrace=False)
        pytest.skip(SKIPPED)
    folder = tmp_path_factory.mktemp("registry")
    with ExitStack() as running:
        issuer = running.enter_context(_issuer(folder))
        (folder / "htpasswd").write_text(_HTPASSWD)
        auths: dict[str, Any] = {
            "anonymous": {},
            "basic": {"htpasswd": {"realm": 'a, "quoted" realm', "path": str(folder / "htpasswd")}},
            "token": {
                "token": {
                    "realm": issuer.url,
                    "service": _SERVICE,
                    "issuer": _ISSUER,
                    "rootcertbundle": str(issuer.certificate),
                }
            },
        }
        started = {name: running.enter_context(serve(folder, name, auth)) for name, auth in auths.items()}
        yield Registries(started["anonymous"], started["basic"], started["token"], issuer, folder / "storage")


def push(
    address: str,
    repository: str,
    tag: str,
    image: BuiltImage,
    auth: str = "",
    there: set[str] | None = None,
) -> None:
    """Upload an image or index with all its blobs, but for those that are `there`, to which they are added; `auth` is the
    value of an Authorization header."""
    children = _children(image)
    there = set() if there is None else there
    for name, blob in image.blobs.items():
        if name not in children and name not in there:
            _push_blob(address, repository, name, blob, auth)
            there.add(name)
    for name, media_type in children.items():
        _put_manifest(address, repository, name, media_type, image.blobs[name], auth)
    _put_manifest(address, repository, tag, image.media_type, image.manifest, auth)


def _children(image: BuiltImage) -> dict[str, str]:
    """The manifests among an index's blobs with their media types, those that others name first."""
    found: dict[str, str] = {}

    def collect(manifest: bytes) -> None:
        for entry in json.loads(manifest).get("manifests", []):
            collect(image.blobs[entry["digest"]])
            found[entry["digest"]] = entry["mediaType"]

    collect(image.manifest)
    return found


def _push_blob(address: str, repository: str, name: str, blob: bytes, auth: str) -> None:
    start = f"http://{address}/v2/{repository}/blobs/uploads/"
    _, headers = _request("POST", start, b"", auth)
    place = urljoin(start, headers["location"])
    place += ("&" if "?" in place else "?") + f"digest={quote(name)}"
    status, _ = _request("PUT", place, blob, auth, "application/octet-stream")
    assert status == 201


def _put_manifest(address: str, repository: str, name: str, media_type: str, data: bytes, auth: str) -> None:
    url = f"http://{address}/v2/{repository}/manifests/{name}"
    status, headers = _request("PUT", url, data, auth, media_type)
    assert status == 201
    assert headers["docker-content-digest"] == digest(data)


def _request(
    method: str, url: str, data: bytes, auth: str, media_type: str = ""
) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(url, data=data, method=method)
    if auth:
        request.add_header("Authorization", auth)
    request.add_header("Content-Type", media_type or "application/octet-stream")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        response.read()
        return response.status, {key.lower(): value for key, value in response.headers.items()}


@contextmanager
def serve(
    folder: Path,
    name: str,
    auth: dict[str, Any],
    storage: Path | None = None,
    tls: dict[str, Any] | None = None,
) -> Iterator[str]:
    """A registry process; yields its address once it listens. `auth`, `storage` and `tls` are for its configuration."""
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage or folder / "storage")},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": "127.0.0.1:0", "secret": "shared by the three"},
    }
    if auth:
        config["auth"] = auth
    if tls:
        config["http"]["tls"] = tls
    file, log = folder / f"{name}.yml", folder / f"{name}.log"
    file.write_text(json.dumps(config))  # YAML is a superset of JSON.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("REGISTRY_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(PROGRAM), "serve", str(file)], stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        process.wait(10)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(600):
        if match := _LISTENING.search(log.read_text()):
            return match.group(1)
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"docker-registry did not start:\n{log.read_text()}")


@contextmanager
def _issuer(folder: Path) -> Iterator[Issuer]:
    key, certificate = write_certificate(folder, "issuer")
    issuer = Issuer(key, certificate)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(parse_qs(urlsplit(self.path).query))

        def do_POST(self) -> None:
            self._answer(parse_qs(self.rfile.read(int(self.headers["content-length"])).decode()))

        def _answer(self, query: dict[str, list[str]]) -> None:
            status, body = issuer.answer(self.command, query, self.headers.get("authorization", ""))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing."""

    with listening(Handler) as address:
        issuer.url = f"http://{address}/token"
        yield issuer


def _granted(scope: str, known: bool) -> dict[str, Any]:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    allowed = actions.split(",") if known else ["pull"] if name.startswith("public/") else []
    return {"type": kind, "name": name, "actions": allowed}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
