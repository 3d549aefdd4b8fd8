"""Images of a local engine: a fake that speaks the protocol as Docker and Podman do, and Podman where it is installed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from secpipe.errors import InvalidReference, NotFoundError, RegistryError, SecpipeError, UsageError
from secpipe.model.limits import KIB, Limits
from secpipe.oci import endpoints
from secpipe.oci.target import open_image
from tests.oci.archives import CONFIG, ONE, TARS, contents
from tests.oci.server import Reply, Server, serving
from tests.support import images
from tests.support.certificates import write_certificate
from tests.support.images import BuiltLayer


class Engine:
    """What a test changes and looks at; `path` is the socket."""

    def __init__(self, path: Path, export: bytes) -> None:
        self.path, self.export = path, export
        self.seen: list[str] = []
        self.version, self.server = "1.41", "Docker/20.10.24 (linux)"
        self.found: bytes = json.dumps({"Id": CONFIG, "Os": "linux"}).encode()
        self.cut: int | None = None
        self.stall = 0.0


@contextmanager
def running(path: Path, export: bytes) -> Iterator[Engine]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.seen.append(self.path)
            name = unquote(urlsplit(self.path).path)
            if name == "/_ping":
                self.reply(200, b"OK", [("Api-Version", state.version)])
            elif name in ("/images/app:1/json", "/images/ghcr.io/team/app@sha256:" + "a" * 64 + "/json"):
                self.reply(200, state.found)
            elif name == f"/images/{CONFIG}/get":
                self.stream()
            else:
                self.reply(404, json.dumps({"message": "No such\x1b image"}).encode())

        def reply(self, status: int, body: bytes, headers: list[tuple[str, str]] | None = None) -> None:
            self.send_response(status)
            for key, value in headers or []:
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def stream(self) -> None:
            time.sleep(state.stall)
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            data = state.export[: state.cut]
            for at in range(0, len(data), 10_000):
                part = data[at : at + 10_000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            if state.cut is None:
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True

        def version_string(self) -> str:
            return state.server

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing."""

    class Quiet(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has gone."""

    state = Engine(path, export)
    with Quiet(str(path), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            listener.shutdown()
            thread.join()


@pytest.fixture
def engine(saved: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    # A socket's path has at most 108 bytes.
    folder = Path(f"/tmp/secpipe-test-{os.getpid()}")
    folder.mkdir(exist_ok=True)
    try:
        with running(folder / "engine.sock", saved.read_bytes()) as started:
            monkeypatch.setenv("DOCKER_HOST", f"unix://{started.path}")
            yield started
    finally:
        shutil.rmtree(folder)


def complaint(target: str, limits: Limits | None = None) -> SecpipeError:
    with pytest.raises(SecpipeError) as raised:
        contents(target, limits=limits)
    assert raised.value.hint
    return raised.value


def test_an_image_is_exported_once(engine: Engine) -> None:
    with open_image("docker:app:1") as image:
        assert (image.digest, str(image.platform)) == ("", "linux/amd64")
        assert [layer.instruction for layer in image.layers] == ["FROM base", "ADD one"]
        for _ in range(2):
            assert [b"".join(layer.open()) for layer in reversed(image.layers)] == TARS[::-1]
    assert engine.seen == ["/_ping", "/images/app%3A1/json".replace("%3A", ":"), f"/images/{CONFIG}/get"]


def test_what_is_too_large_to_be_kept_is_asked_for_again(engine: Engine) -> None:
    small = Limits(stream_bytes=100)
    assert contents("docker:app:1", limits=small) == TARS
    assert engine.seen.count(f"/images/{CONFIG}/get") == 3
    # Every answer is about the image that the name meant at first.
    assert engine.seen.count("/images/app:1/json") == 1
    engine.export = engine.export.replace(b"0123456789", b"9876543210")
    assert "does not match its digest" in complaint("docker:app:1", small).message


def test_names(engine: Engine) -> None:
    assert contents(f"docker:ghcr.io/team/app@sha256:{'a' * 64}") == TARS
    error = complaint("docker:app:2")
    assert isinstance(error, NotFoundError)
    assert error.message == "Docker has no image app:2: No such\\x1b image"
    assert "registry:docker:app:2" not in error.hint
    assert "registry:docker:24" in complaint("docker:24").hint
    engine.server = "Libpod/4.3.1 (linux)"
    assert "Podman has no image" in complaint("docker:app:2").message
    for wrong in ("docker:../json", "docker:UPPER", "docker:a b", "docker:app?x=1"):
        assert isinstance(complaint(wrong), InvalidReference)


def test_platforms_are_asked_for_where_the_engine_knows_them(engine: Engine) -> None:
    with open_image("docker:app:1", platform="linux/amd64"):
        assert engine.seen[-1] == f"/images/{CONFIG}/get"
    engine.version = "1.48"
    with open_image("docker:app:1", platform="linux/amd64"):
        query = parse_qs(urlsplit(engine.seen[-1]).query)
        assert json.loads(query["platform"][0]) == {"os": "linux", "architecture": "amd64"}
    with pytest.raises(SecpipeError, match="linux/arm64 was asked for"):
        contents("docker:app:1", platform="linux/arm64")


@pytest.mark.parametrize("cut", [0, 100, 5000, 300_000])
@pytest.mark.parametrize("kept", [1 * KIB, 1 << 30])
def test_an_export_that_is_cut_short(engine: Engine, cut: int, kept: int) -> None:
    engine.cut = cut
    error = complaint("docker:app:1", Limits(stream_bytes=kept))
    assert error.exit_code == 3
    assert "cut short" in error.message


@pytest.mark.parametrize("found", [b"", b"[]", b"{}", b'{"Id": 1}', b'{"Id": "../x"}', b'{"Id":"sha256:12"}'])
def test_answers_that_no_engine_gives(engine: Engine, found: bytes) -> None:
    engine.found = found
    assert "gave no id" in complaint("docker:app:1").message


def test_bounds(engine: Engine) -> None:
    engine.found = b" " * 2000
    assert "manifest_bytes" in complaint("docker:app:1", Limits(manifest_bytes=1000)).message
    engine.found = json.dumps({"Id": CONFIG}).encode()
    engine.stall = 1.5
    assert "--limit engine-seconds" in complaint("docker:app:1", Limits(engine_seconds=1)).hint


def test_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    error = complaint("docker:app")
    assert isinstance(error, RegistryError)
    assert f"no engine answers at unix://{tmp_path}/none.sock" in error.message


@pytest.mark.parametrize(
    ("text", "says"),
    [("ssh://me@host", "behind ssh"), ("npipe:////./pipe/x", "no engine"), ("tcp://u:secret@h:1", "'h:1'")],
)
def test_addresses_that_cannot_be_asked(text: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", text)
    error = complaint("docker:app")
    assert isinstance(error, UsageError)
    assert says in error.message
    assert "secret" not in error.message


def test_where_engines_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/me")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    usual = [place.path for place in endpoints.candidates("docker")]
    assert usual[:2] == ["/var/run/docker.sock", "/run/me/docker.sock"]
    assert usual[-2:] == ["/run/me/podman/podman.sock", "/run/podman/podman.sock"]
    assert [place.path for place in endpoints.candidates("podman")] == usual[-2:]
    monkeypatch.setenv("CONTAINER_HOST", "unix:///x/podman.sock")
    assert [place.path for place in endpoints.candidates("podman")] == ["/x/podman.sock"]
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    with pytest.raises(UsageError, match="context 'far'"):
        endpoints.candidates("docker")
    identity = hashlib.sha256(b"far").hexdigest()
    meta = tmp_path / "contexts/meta" / identity / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": "far", "Endpoints": {"docker": {"Host": "tcp://far.example"}}}))
    (found,) = endpoints.candidates("docker")
    assert (found.host, found.port, found.tls) == ("far.example", 2375, None)
    (tmp_path / "contexts/tls" / identity / "docker").mkdir(parents=True)
    (found,) = endpoints.candidates("docker")
    assert found.port == 2376
    monkeypatch.setenv("DOCKER_HOST", "unix:///y/docker.sock")
    assert [place.path for place in endpoints.candidates("docker")] == ["/y/docker.sock"]


def answering(server: Server, export: bytes) -> None:
    answers = {
        "/_ping": Reply(200, b"OK"),
        "/images/app/json": Reply(200, json.dumps({"Id": CONFIG}).encode()),
        f"/images/{CONFIG}/get": Reply(200, export, delimited="chunks"),
    }
    server.answer = lambda seen: answers.get(seen.path, Reply(404))


def test_engines_behind_tcp(saved: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(server, saved.read_bytes())
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{server.address}")
    assert contents("docker:app") == TARS
    assert contents("docker:app", limits=Limits(stream_bytes=1)) == TARS


def test_engines_behind_tls(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = "subjectAltName=IP:127.0.0.1"
    parts = write_certificate(tmp_path, "engine", "-addext", names)
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    with serving(both) as server:
        answering(server, saved.read_bytes())
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{server.address}")
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        assert "CERTIFICATE_VERIFY_FAILED" in complaint("docker:app").message
        (tmp_path / "ca.pem").write_bytes(parts[1].read_bytes())
        assert contents("docker:app") == TARS
        (tmp_path / "cert.pem").write_text("none")
        assert isinstance(complaint("docker:app"), UsageError)


@pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed")
def test_podman(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = Path(f"/tmp/secpipe-podman-{os.getpid()}.sock")
    own: list[Any] = ["podman", "--root", tmp_path / "root", "--runroot", tmp_path / "run"]
    own += ["--storage-driver", "vfs"]
    layer = BuiltLayer(images.files({"etc/os-release": "ID=x\n"}))
    archive = images.write_docker_archive(tmp_path / "app.tar", {"localhost/other:1": images.image([layer])})
    for file in (saved, archive):
        subprocess.run([*own, "load", "-q", "-i", file], check=True, capture_output=True)
    service = subprocess.Popen([*own, "system", "service", "--time", "0", f"unix://{socket}"])
    try:
        deadline = time.monotonic() + 20
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        monkeypatch.setenv("CONTAINER_HOST", f"unix://{socket}")
        for limits in (Limits(), Limits(stream_bytes=1)):
            assert contents("podman:app:1", limits=limits) == TARS
            assert contents("podman:other:1", limits=limits) == [layer.tar]
        with open_image("podman:app:1") as image:
            assert image.config == json.loads(ONE.blobs[CONFIG])
        assert isinstance(complaint("podman:nothing"), NotFoundError)
    finally:
        service.terminate()
        service.wait()
        socket.unlink(missing_ok=True)
