"""registries.conf before the real registry: mirrors that have the image, have it not, are down, forbidden or insecure.

The registry that is named does not exist (`.invalid`) unless a test is about it; proxies that count stand for the mirrors.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from secpipe.errors import (
    AuthenticationError,
    DigestMismatch,
    NotFoundError,
    RegistryError,
    SecpipeError,
    UsageError,
)
from secpipe.fleet.reach import Access
from secpipe.fleet.resolve import resolve
from secpipe.fleet.values import Named
from secpipe.oci.credentials import Credentials
from secpipe.oci.target import open_image, open_registry
from tests.oci.conftest import names
from tests.oci.server import Reply, Server, serving
from tests.support import images
from tests.support.cli import secpipe
from tests.support.faults import Fault, Proxy, faulty
from tests.support.images import BuiltLayer
from tests.support.registry import PASSWORD, USERNAME, Registries, push

LAYER = BuiltLayer(images.files({"etc/os-release": "ID=alpine\nVERSION_ID=3.20\n"}), "ADD rootfs")
IMAGE = images.image([LAYER])
OTHER = images.image([BuiltLayer(images.files({"other": "other"}), "ADD other")])
NAMED = "registry.invalid/team/app"
Configure = Callable[..., None]
__all__ = ["names"]


@pytest.fixture(scope="module")
def pushed(registries: Registries) -> Registries:
    push(registries.anonymous, "mirrored/team/app", "1", IMAGE)
    push(registries.anonymous, "other/team/app", "1", OTHER)
    return registries


@pytest.fixture
def mirror(pushed: Registries) -> Iterator[Proxy]:
    with faulty(pushed.anonymous) as running:
        yield running


@pytest.fixture
def second(pushed: Registries) -> Iterator[Proxy]:
    with faulty(pushed.anonymous) as running:
        yield running


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Writes a registries.conf with mirrors, and a location, for NAMED."""

    def write(*mirrors: str, location: str = "registry.invalid", more: str = "") -> None:
        listed = "".join(f"[[registry.mirror]]\nlocation = {place}\n" for place in mirrors)
        text = f'[[registry]]\nprefix = "registry.invalid"\nlocation = "{location}"\n{more}\n{listed}'
        (tmp_path / "registries.conf").write_text(text)
        monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))

    return write


def at(proxy: Proxy | Server, more: str = "", path: str = "mirrored") -> str:
    return f'"{proxy.address}/{path}"\n{more}'


def down() -> str:
    """The address of a port where nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def pulled(target: str = f"{NAMED}:1", **options: Any) -> list[bytes]:
    with open_image(target, **options) as image:
        assert image.reference == target
        return [b"".join(layer.open()) for layer in image.layers]


def complaint(target: str = f"{NAMED}:1", **options: Any) -> SecpipeError:
    with pytest.raises(SecpipeError) as raised:
        pulled(target, **options)
    assert PASSWORD not in raised.value.message + raised.value.hint
    return raised.value


def blobs(built: images.BuiltImage) -> list[bytes]:
    return [built.blobs[layer["digest"]] for layer in json.loads(built.manifest)["layers"]]


def manifests(proxy: Proxy) -> int:
    return sum("/manifests/" in path for path, _ in proxy.asked)


def test_a_mirror_that_has_it(mirror: Proxy, second: Proxy, configure: Configure) -> None:
    """Everything comes from the first, and its manifest is asked for once: registries count that."""
    configure(at(mirror), at(second))
    assert pulled() == blobs(IMAGE)
    assert pulled(f"{NAMED}@{IMAGE.digest}") == blobs(IMAGE)
    assert pulled(f"{NAMED}:whatever@{IMAGE.digest}") == blobs(IMAGE)
    assert manifests(mirror) == 3
    assert second.asked == []


def test_the_report_calls_it_what_it_was_called(mirror: Proxy, configure: Configure, tmp_path: Path) -> None:
    configure(at(mirror))
    done = secpipe("image", "inspect", "-f", "json", f"{NAMED}:1")
    assert (done.code, done.stderr) == (0, "")
    assert done.json["reference"] == f"{NAMED}:1"
    assert done.json["digest"] == IMAGE.digest
    assert mirror.address not in done.stdout


def test_mirrors_that_have_it_not(mirror: Proxy, second: Proxy, configure: Configure) -> None:
    """One that is down, one without the image, one in trouble, one that is something else: the next is asked."""
    mirror.plan("/v2/page/", Fault(status=200, body=b"<html>log in</html>"))
    mirror.plan("/v2/broken/", Fault(status=501))
    mirror.plan("/v2/closed/", Fault(status=403))
    configure(
        f'"{down()}"', at(mirror, path="empty"), at(mirror, path="page"), at(mirror, path="broken"),
        at(mirror, path="closed"), at(second),
    )  # fmt: skip
    assert pulled() == blobs(IMAGE)
    assert manifests(mirror) == 4
    assert manifests(second) == 1


def test_who_was_passed_over_is_told(
    mirror: Proxy, second: Proxy, configure: Configure, tmp_path: Path
) -> None:
    gone = down()
    configure(f'"{gone}"', at(mirror, path="empty"), at(second))
    with open_image(f"{NAMED}:1") as image:
        notes = image.notes
    assert [(note.code, note.subject) for note in notes] == [
        ("mirror-passed-over", gone),
        ("mirror-passed-over", mirror.address),
    ]
    assert all(
        note.message.startswith(f"{note.subject} was asked before {second.address}, in vain: ")
        for note in notes
    )
    database = tmp_path / "advisories"
    assert secpipe("db", "build", "vulndb-fixtures/osv", "--db", database).code == 0
    done = secpipe("scan", f"{NAMED}:1", "--db", database, "--offline", "-f", "json")
    told = [warning["subject"] for warning in done.json["warnings"]]
    assert told == sorted((gone, mirror.address))
    assert f"{gone} was asked before" in done.stderr
    for command in (("sbom",), ("image", "inspect"), ("image", "ls"), ("image", "cat")):
        done = secpipe(*command, f"{NAMED}:1", *(["/etc/os-release"] if "cat" in command else []))
        assert f"mirror-passed-over: {gone} was asked before {second.address}, in vain: " in done.stderr
        assert "in vain" not in done.stdout
    configure(at(second))
    with open_image(f"{NAMED}:1") as image:
        assert image.notes == ()


def test_the_location_is_asked_last(mirror: Proxy, second: Proxy, configure: Configure) -> None:
    configure(at(mirror, path="empty"), location=f"{second.address}/mirrored")
    assert pulled() == blobs(IMAGE)
    assert manifests(mirror) == manifests(second) == 1


def test_when_nobody_has_it_all_is_told(mirror: Proxy, second: Proxy, configure: Configure) -> None:
    nowhere = down()
    configure(f'"{nowhere}"', at(mirror, path="empty"), location=f"{second.address}/none")
    error = complaint()
    assert isinstance(error, NotFoundError)
    assert error.exit_code == 3
    # The location's answer comes first, then the mirrors' in their order.
    first, *rest = error.message.split("; ")
    assert f"there is no image {second.address}/none/team/app:1" == first
    assert rest == [
        f"{nowhere}, which was asked before: connection refused by {nowhere}",
        f"{mirror.address}, which was asked before: there is no image {mirror.address}/empty/team/app:1",
    ]
    assert "is the registry up" in error.hint
    assert str(error) == error.message


def test_mirrors_for_digests(mirror: Proxy, configure: Configure) -> None:
    for more in ("", "mirror-by-digest-only = true"):
        configure(at(mirror, "" if more else 'pull-from-mirror = "digest-only"'), location=down(), more=more)
        mirror.sound()
        assert "connection refused" in complaint().message
        assert mirror.asked == []
        assert pulled(f"{NAMED}@{IMAGE.digest}") == blobs(IMAGE)


def test_mirrors_for_tags(mirror: Proxy, configure: Configure) -> None:
    configure(at(mirror, 'pull-from-mirror = "tag-only"'), location=down())
    assert pulled() == blobs(IMAGE)
    mirror.sound()
    assert "connection refused" in complaint(f"{NAMED}@{IMAGE.digest}").message
    assert mirror.asked == []


def test_what_is_blocked(mirror: Proxy, second: Proxy, configure: Configure, tmp_path: Path) -> None:
    """Nobody asks the registry itself; what a mirror has may be pulled."""
    location = f"{second.address}/mirrored"
    configure(location=location, more="blocked = true")
    error = complaint()
    assert isinstance(error, UsageError)
    assert f"{tmp_path / 'registries.conf'}:1 blocks registry.invalid" in error.message
    with pytest.raises(UsageError, match="blocks"), open_registry(f"{NAMED}:1"):
        pass
    configure(at(mirror), location=location, more="blocked = true")
    assert pulled() == blobs(IMAGE)
    configure(at(mirror, path="empty"), location=location, more="blocked = true")
    error = complaint()
    assert type(error) is RegistryError
    assert "blocks registry.invalid" in error.message
    assert f"there is no image {mirror.address}/empty/team/app:1" in error.message
    assert second.asked == []


def test_a_mirror_that_is_blocked_by_its_own_name(mirror: Proxy, second: Proxy, configure: Configure) -> None:
    configure(at(mirror), location=f"{second.address}/mirrored")
    file = Path(os.environ["CONTAINERS_REGISTRIES_CONF"])
    file.write_text(f'{file.read_text()}\n[[registry]]\nlocation = "{mirror.address}"\nblocked = true\n')
    assert pulled() == blobs(IMAGE)
    assert mirror.asked == []


@pytest.mark.usefixtures("names")
def test_plain_http_is_declared_for_each_place(mirror: Proxy, configure: Configure) -> None:
    """`--insecure` is about the registry that is named, `insecure = true` about the mirror that it stands at."""
    there = f"mirror.example:{mirror.address.rpartition(':')[2]}"
    configure(f'"{there}/mirrored"', location=down())
    error = complaint(insecure=True)
    assert f"{there} does not speak TLS" in error.message
    assert "insecure = true in registries.conf" in error.hint
    assert mirror.asked == []
    configure(f'"{there}/mirrored"\ninsecure = true', location=down())
    assert pulled() == blobs(IMAGE)


def test_what_differs_by_digest_is_refused(
    mirror: Proxy, second: Proxy, configure: Configure, pushed: Registries
) -> None:
    """The next place is not asked: somebody tampers, or stores are damaged, and that is to be known."""
    mirror.plan("/manifests/", Fault(status=200, body=OTHER.manifest))
    configure(at(mirror), location=f"{second.address}/mirrored")
    error = complaint(f"{NAMED}@{IMAGE.digest}")
    assert isinstance(error, DigestMismatch)
    assert mirror.address in error.message
    assert second.asked == []
    mirror.sound()
    mirror.plan("/blobs/", Fault(corrupt=40))
    assert isinstance(complaint(), SecpipeError)
    assert second.asked == []


def test_referrers_are_asked_of_the_registry_itself(
    mirror: Proxy, second: Proxy, configure: Configure
) -> None:
    configure(at(mirror), location=f"{second.address}/mirrored")
    done = secpipe("image", "referrers", f"{NAMED}:1")
    assert done.code == 0, done.stderr
    assert manifests(second) > 0
    assert mirror.asked == []


@pytest.fixture
def basic() -> Iterator[Server]:
    """A mirror that wants a password, and remembers which it was given."""
    with serving() as running:
        usual = running.serve(IMAGE, "mirrored/team/app")
        running.answer = lambda seen: (
            usual(seen)
            if "authorization" in seen.headers
            else Reply(401, b"", [("WWW-Authenticate", 'Basic realm="mirror"')])
        )
        yield running


def given(server: Server) -> set[str]:
    """The passwords that a server got, spelt out."""
    sent = {seen.headers["authorization"] for seen in server.seen if "authorization" in seen.headers}
    return {base64.b64decode(value.removeprefix("Basic ")).decode() for value in sent}


def write_logins(file: Path, **logins: str) -> Path:
    encoded = {host: {"auth": base64.b64encode(pair.encode()).decode()} for host, pair in logins.items()}
    file.write_text(json.dumps({"auths": encoded}))
    return file


def test_credentials_belong_to_a_name(basic: Server, configure: Configure, tmp_path: Path) -> None:
    """Those of the registry that was named never reach its mirror, not even when there are no others."""
    configure(at(basic), location=down())
    file = write_logins(tmp_path / "auth.json", **{"registry.invalid": "named:secret"})
    for options in ({"authfile": file}, {"credentials": Credentials("named", "secret")}):
        error = complaint(**options)
        assert "wants credentials" in error.message
        assert f"docker login {basic.address}" in error.hint
    assert "--username and its password are for registry.invalid alone" in error.hint
    assert given(basic) == set()
    write_logins(file, **{"registry.invalid": "named:secret", basic.address: "mirror:its own"})
    assert pulled(authfile=file) == blobs(IMAGE)
    assert pulled(authfile=file, credentials=Credentials("named", "secret")) == blobs(IMAGE)
    assert given(basic) == {"mirror:its own"}


def test_a_namespace_of_the_mirror_has_its_own(basic: Server, configure: Configure, tmp_path: Path) -> None:
    configure(at(basic), location=down())
    logins = {
        f"{basic.address}/mirrored/team": "team:its own",
        basic.address: "anybody:else",
        "registry.invalid/team": "named:secret",
    }
    assert pulled(authfile=write_logins(tmp_path / "auth.json", **logins)) == blobs(IMAGE)
    assert given(basic) == {"team:its own"}


def test_a_real_mirror_with_a_password(pushed: Registries, configure: Configure, tmp_path: Path) -> None:
    for address in (pushed.basic, pushed.token):
        configure(f'"{address}/mirrored"', location=down())
        error = complaint()
        assert not isinstance(error, AuthenticationError)
        assert f"{address}, which was asked before: " in error.message
        file = write_logins(tmp_path / "auth.json", **{address: f"{USERNAME}:{PASSWORD}"})
        assert pulled(authfile=file) == blobs(IMAGE)


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
@pytest.mark.parametrize("identifier", [":1", f"@{IMAGE.digest}"])
@pytest.mark.parametrize(
    "rule",
    [
        "",
        "blocked = true",
        "mirror-by-digest-only = true",
        'pull-from-mirror = "digest-only"',
        'pull-from-mirror = "tag-only"',
    ],
)
@pytest.mark.parametrize("path", ["mirrored", "empty"])
def test_skopeo_goes_to_the_same_places(
    pushed: Registries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str, path: str, identifier: str
) -> None:
    """The mirror and the location hold different images under one tag, so the digest tells which was read."""
    own, more = (rule, "") if rule.startswith("pull") else ("", rule)
    file, target = tmp_path / "registries.conf", f"{pushed.anonymous}/other/team/app{identifier}"
    location = f'[[registry]]\nlocation = "{pushed.anonymous}/other"\ninsecure = true\n{more}\n'
    mirror = f'[[registry.mirror]]\nlocation = "{pushed.anonymous}/{path}"\ninsecure = true\n{own}\n'
    file.write_text(location + mirror)
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(file))
    command = ["skopeo", f"--registries-conf={file}", "inspect", "--raw", f"docker://{target}"]
    theirs = subprocess.run(command, capture_output=True, check=False)
    try:
        with open_image(target, platform="linux/amd64") as image:
            ours = image.digest
    except SecpipeError:
        ours = ""
    assert ours == (images.digest(theirs.stdout) if theirs.returncode == 0 else ""), theirs.stderr


def test_a_fleet_reads_images_from_where_their_tags_were_found(mirror: Proxy, configure: Configure) -> None:
    """It asks for them by digest, which such a mirror is not for; with a digest in the name it is not for a scan either."""
    configure(at(mirror, 'pull-from-mirror = "tag-only"'), location=down())
    pinned = f"{NAMED}@{IMAGE.digest}"
    found = resolve([Named(f"{NAMED}:1"), Named(pinned)], None, Access())
    assert [one.name.reference for one in found.unresolved] == [pinned]
    (image,) = found.images
    assert [b"".join(layer.open()) for layer in image.image.layers] == blobs(IMAGE) == pulled()
