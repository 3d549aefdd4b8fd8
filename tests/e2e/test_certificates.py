"""certs.d before the real registry: a CA of one's own, and a client that must show who it is."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from secpipe.errors import UsageError
from secpipe.oci.network import ConnectionFailure
from secpipe.oci.target import open_image
from tests.oci.server import Reply, Seen, Server, serving
from tests.support import images
from tests.support.certificates import write_certificate
from tests.support.cli import secpipe
from tests.support.images import BuiltLayer
from tests.support.registry import Registries, push, serve

LAYER = BuiltLayer(images.files({"etc/os-release": "ID=alpine\nVERSION_ID=3.20\n"}), "ADD rootfs")
IMAGE = images.image([LAYER])
BLOB = IMAGE.blobs[json.loads(IMAGE.manifest)["layers"][0]["digest"]]


@dataclass(frozen=True)
class Authority:
    """A CA and what it signed: a server's certificate and a client's, each with its key."""

    certificate: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]

    def both(self) -> Path:
        """The server's certificate and key in one file."""
        file = self.certificate.with_name("both.pem")
        file.write_bytes(b"".join(part.read_bytes() for part in self.server))
        return file


def authority(folder: Path) -> Authority:
    folder.mkdir()
    key, certificate = write_certificate(folder, "ca", "-addext", "keyUsage=critical,keyCertSign")
    signed = ["-CA", str(certificate), "-CAkey", str(key), "-addext", "basicConstraints=critical,CA:FALSE"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    return Authority(
        certificate,
        write_certificate(folder, "server", *signed, *names),
        write_certificate(folder, "client", *signed),
    )


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ours") / "ca")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("theirs") / "ca")


@pytest.fixture(scope="module")
def pushed(registries: Registries) -> Registries:
    push(registries.anonymous, "private/app", "1", IMAGE)
    return registries


@pytest.fixture(scope="module")
def private(pushed: Registries, ours: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry with a certificate of our CA."""
    key, certificate = map(str, ours.server)
    tls = {"key": key, "certificate": certificate}
    with serve(tmp_path_factory.mktemp("private"), "tls", {}, pushed.storage, tls) as address:
        yield address


@pytest.fixture(scope="module")
def guarded(pushed: Registries, ours: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that lets nobody in without a certificate of our CA."""
    key, certificate = map(str, ours.server)
    tls = {"key": key, "certificate": certificate, "clientcas": [str(ours.certificate)]}
    with serve(tmp_path_factory.mktemp("guarded"), "tls", {}, pushed.storage, tls) as address:
        yield address


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def keep(home: Path, host: str, **files: Path) -> Path:
    """Put files into the host's folder; `ca_crt` is `ca.crt`."""
    folder = home / ".config/containers/certs.d" / host
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        shutil.copy(file, folder / name.replace("_", "."))
    return folder


def pulled(target: str) -> bytes:
    with open_image(target) as image:
        assert image.digest == IMAGE.digest
        return b"".join(image.layers[0].open())


def complaint(target: str) -> ConnectionFailure:
    with pytest.raises(ConnectionFailure) as raised:
        pulled(target)
    return raised.value


def test_a_ca_of_ones_own(private: str, home: Path, ours: Authority, theirs: Authority) -> None:
    error = complaint(f"{private}/private/app:1")
    assert f"the certificate of {private} is not trusted" in error.message
    assert "certs.d" in error.hint
    keep(home, private, theirs_crt=theirs.certificate)
    assert "is not trusted" in complaint(f"{private}/private/app:1").message
    # One beside the other, of which one vouches for it.
    keep(home, private, ca_crt=ours.certificate)
    assert pulled(f"{private}/private/app:1") == BLOB
    # It is kept for that one host and port.
    other = private.replace("127.0.0.1", "localhost")
    assert "is not trusted" in complaint(f"{other}/private/app:1").message


def test_the_systems_store_counts_besides(
    private: str, home: Path, ours: Authority, theirs: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.certificate))
    keep(home, private, theirs_crt=theirs.certificate)
    assert pulled(f"{private}/private/app:1") == BLOB


def test_a_client_that_shows_who_it_is(guarded: str, home: Path, ours: Authority, theirs: Authority) -> None:
    target = f"{guarded}/private/app:1"
    keep(home, guarded, ca_crt=ours.certificate)
    error = complaint(target)
    assert f"{guarded} wants a client's certificate" in error.message
    assert "certs.d" in error.hint
    keep(home, guarded, me_key=theirs.client[0], me_cert=theirs.client[1])
    assert "wants a client's certificate, or another than it was shown" in complaint(target).message
    keep(home, guarded, me_key=ours.client[0], me_cert=ours.client[1])
    assert pulled(target) == BLOB


def test_what_is_broken_ends_with_2(guarded: str, home: Path, ours: Authority) -> None:
    folder = keep(home, guarded, ca_crt=ours.certificate, me_cert=ours.client[1])
    missing = secpipe("image", "inspect", f"{guarded}/private/app:1")
    assert missing.code == 2
    assert missing.stderr.startswith(f"error: {folder / 'me.key'} is missing, which belongs to me.cert")
    (folder / "me.key").write_text("nonsense")
    broken = secpipe("image", "inspect", f"{guarded}/private/app:1")
    assert broken.code == 2
    assert f"{folder / 'me.cert'} and me.key beside it" in broken.stderr
    (folder / "ca.crt").write_text("nonsense")
    with pytest.raises(UsageError, match=r"ca\.crt holds no certificate of a CA"):
        pulled(f"{guarded}/private/app:1")


def test_a_mirror_has_a_folder_of_its_own(
    guarded: str, home: Path, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        f'[[registry]]\nlocation = "registry.invalid"\n[[registry.mirror]]\nlocation = "{guarded}/private"\n'
    )
    (home / "registries.conf").write_text(text)
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(home / "registries.conf"))
    files = {"ca_crt": ours.certificate, "me_key": ours.client[0], "me_cert": ours.client[1]}
    keep(home, "registry.invalid", **files)
    with pytest.raises(ConnectionFailure, match=f"the certificate of {guarded} is not trusted"):
        pulled("registry.invalid/app:1")
    keep(home, guarded, **files)
    assert pulled("registry.invalid/app:1") == BLOB


def test_the_certificate_is_shown_to_nobody_else(home: Path, ours: Authority) -> None:
    """The registry's CA counts for where it keeps its blobs, too; who the client is does not concern that host."""
    with serving(ours.both(), ours.certificate) as registry, serving(ours.both(), ours.certificate) as store:
        usual = registry.serve(IMAGE)
        store.answer = lambda seen: usual(dataclasses.replace(seen, path=seen.path.removeprefix("/kept")))

        def redirecting(seen: Seen) -> Reply:
            if "/blobs/" not in seen.path:
                return usual(seen)
            return Reply(307, b"", [("Location", f"https://{store.address}/kept{seen.path}")])

        registry.answer = redirecting
        files = {"ca_crt": ours.certificate, "me_key": ours.client[0], "me_cert": ours.client[1]}
        keep(home, registry.address, **files)
        assert pulled(f"{registry.address}/app:1") == BLOB
        assert shown(registry) == {True}
        assert shown(store) == {False}


def shown(server: Server) -> set[bool]:
    return {seen.shown for seen in server.seen}
