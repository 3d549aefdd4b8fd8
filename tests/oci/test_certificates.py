"""certs.d: which folder counts, what is in it, and what is wrong with it."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from secpipe.errors import UsageError
from secpipe.oci import certificates
from secpipe.oci.certificates import Certificates, context, find
from tests.support.certificates import write_certificate

HOST = "registry.test:5000"


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and folders in the place of the system's, all empty."""
    monkeypatch.setattr(certificates, "_SYSTEM", (tmp_path / "etc", tmp_path / "docker"))
    return tmp_path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and its certificate."""
    return write_certificate(tmp_path_factory.mktemp("pair"), "somebody")


def keep(parent: Path, *names: str) -> Path:
    folder = parent / HOST
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_the_first_folder_counts(nobody: Path) -> None:
    environ = {"HOME": str(nobody)}
    assert find(HOST, environ) == Certificates()
    docker = keep(nobody / "docker", "docker.crt")
    assert find(HOST, environ) == Certificates((docker / "docker.crt",))
    keep(nobody / "etc", "README", "x.crt.old")
    assert find(HOST, environ) == Certificates()
    own = keep(nobody / ".config/containers/certs.d", "b.crt", "a.crt", "me.cert", "me.key", "ca.pem")
    expected = Certificates((own / "a.crt", own / "b.crt"), (own / "me.cert", own / "me.key"))
    assert find(HOST, environ) == expected
    assert find(HOST, {}) == Certificates()
    assert find("registry.test", environ) == Certificates()
    assert find("registry.test:443", environ) == Certificates()


def test_a_folder_that_may_not_be_read_is_passed_over(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/etc/docker/certs.d is often for the engine alone; who needs it learns that the registry is not trusted."""
    real = os.listdir
    keep(nobody / "etc", "secret.crt")
    docker = keep(nobody / "docker", "docker.crt")

    def listed(folder: Path) -> list[str]:
        if nobody / "etc" in folder.parents:
            raise PermissionError
        return real(folder)

    monkeypatch.setattr(os, "listdir", listed)
    assert find(HOST, {}).authorities == (docker / "docker.crt",)


@pytest.mark.parametrize(
    ("name", "missing"), [("me.cert", "me.key"), ("me.key", "me.cert"), (".key", ".cert")]
)
def test_a_lone_half_is_told_with_the_name_of_the_other(nobody: Path, name: str, missing: str) -> None:
    folder = keep(nobody / "etc", name, "other.crt")
    with pytest.raises(UsageError) as raised:
        find(HOST, {})
    assert raised.value.message == f"{folder / missing} is missing, which belongs to {name} beside it"


def test_several_pairs(nobody: Path) -> None:
    folder = keep(nobody / "etc", "a.cert", "a.key", "b.cert", "b.key")
    with pytest.raises(UsageError, match="holds 2 certificates of a client") as raised:
        find(HOST, {})
    assert str(folder) in raised.value.message


def test_contexts(pair: tuple[Path, Path]) -> None:
    key, certificate = pair
    kept = Certificates((certificate,), (certificate, key))
    trusting = context(kept, verified=True, client=True)
    assert trusting.verify_mode == ssl.CERT_REQUIRED
    assert trusting.check_hostname
    more = len(trusting.get_ca_certs()) - len(
        context(Certificates(), verified=True, client=True).get_ca_certs()
    )
    assert more == 1
    assert context(kept, verified=False, client=True).verify_mode == ssl.CERT_NONE


def test_cas_among_other_text(pair: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "bundle.crt"
    file.write_bytes("Zertifikat für das Büro\r\n".encode("latin-1") + pair[1].read_bytes() * 2)
    context(Certificates((file,)), verified=True, client=False)


@pytest.mark.parametrize(
    "data",
    [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\0\xff" * 99],
)
def test_broken_cas(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "broken.crt"
    file.write_bytes(data)
    with pytest.raises(UsageError, match=r"broken\.crt holds no certificate of a CA"):
        context(Certificates((file,)), verified=True, client=False)
    # Where nothing is verified nothing is asked of them.
    context(Certificates((file,)), verified=False, client=False)


def test_cas_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "dangling.crt").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"dangling\.crt cannot be read: No such file"):
        context(Certificates((tmp_path / "dangling.crt",)), verified=True, client=False)
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        context(Certificates((tmp_path,)), verified=True, client=False)


def test_broken_pairs(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Another's key, an encrypted one (nobody is asked for its password), and what is none."""
    certificate, key = tmp_path / "me.cert", tmp_path / "me.key"
    shutil.copy(pair[1], certificate)

    def complaint() -> str:
        with pytest.raises(UsageError) as raised:
            context(Certificates((), (certificate, key)), verified=True, client=True)
        context(Certificates((), (certificate, key)), verified=True, client=False)
        return raised.value.message

    assert complaint() == f"{key} cannot be read: No such file or directory"
    shutil.copy(write_certificate(tmp_path, "other")[0], key)
    assert complaint().startswith(f"{certificate} and me.key beside it are no certificate with its key")
    encrypt = ["openssl", "pkcs8", "-topk8", "-in", str(pair[0]), "-out", str(key), "-passout", "pass:secret"]
    subprocess.run(encrypt, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    assert complaint().startswith(f"{certificate} and me.key beside it are no certificate with its key")
    key.write_text("nonsense")
    assert complaint().startswith(f"{certificate} and me.key beside it are no certificate with its key")
