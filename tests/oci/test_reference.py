"""References: the grammar of distribution/reference and what is said about mistakes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secpipe.errors import InvalidReference
from secpipe.oci.reference import Reference, is_loopback, parse

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"

VALID = {
    "alpine": "docker.io/library/alpine:latest",
    "alpine:3.20": "docker.io/library/alpine:3.20",
    "bitnami/redis": "docker.io/bitnami/redis:latest",
    "docker.io/alpine": "docker.io/library/alpine:latest",
    "index.docker.io/alpine:3": "docker.io/library/alpine:3",
    "docker.io/a/b/c": "docker.io/a/b/c:latest",
    "ghcr.io/org/app:1.2": "ghcr.io/org/app:1.2",
    "localhost/app": "localhost/app:latest",
    "localhost:5000/app": "localhost:5000/app:latest",
    "localhost:5000": "docker.io/library/localhost:5000",
    "127.0.0.1:5000/a/b:x": "127.0.0.1:5000/a/b:x",
    "[::1]:5000/app": "[::1]:5000/app:latest",
    "[2001:db8::1]/app:1": "[2001:db8::1]/app:1",
    "MyHost/app": "MyHost/app:latest",
    "registry.example:443/app": "registry.example:443/app:latest",
    f"app@{DIGEST}": f"docker.io/library/app@{DIGEST}",
    f"r.example/app:1@{DIGEST}": f"r.example/app:1@{DIGEST}",
    f"r.example/app@sha512:{HEX}{HEX}": f"r.example/app@sha512:{HEX}{HEX}",
    "r.example/a.b_c__d-e---f/g": "r.example/a.b_c__d-e---f/g:latest",
    "app:_x.Y-z": "docker.io/library/app:_x.Y-z",
    "r.example/" + "a" * 255: "r.example/" + "a" * 255 + ":latest",
    "app:" + "t" * 128: "docker.io/library/app:" + "t" * 128,
    f"r.example/app:{HEX}": f"r.example/app:{HEX}",
}

INVALID = {
    "": "empty",
    "https://ghcr.io/org/app": "no URL scheme",
    "docker://alpine": "no URL scheme",
    "//r.example/app": "no URL scheme",
    "Alpine": "upper-case",
    "ghcr.io/Org/app": "upper-case",
    "app:": "no tag",
    "app:-x": "no tag",
    "app:" + "t" * 129: "no tag",
    "app:a:b": "no tag",
    "app@": "no digest",
    "app@sha256:abc": "no sha256 digest",
    f"app@sha256:{HEX.upper()}": "no sha256 digest",
    f"app@md5:{HEX[:32]}": "unsupported digest algorithm 'md5'",
    f"app@blake3:{HEX}": "unsupported digest algorithm 'blake3'",
    f"app@{DIGEST}@{DIGEST}": "no digest",
    "app@sha256:../../../etc/passwd": "no digest",
    HEX: "64 hexadecimal digits",
    f"sha256:{HEX}": "64 hexadecimal digits",
    ":tag": "missing",
    f"@{DIGEST}": "missing",
    "ghcr.io/": "missing",
    "ghcr.io//app": "empty component",
    "ghcr.io/app/": "empty component",
    "/app": "empty component",
    "a/../b": "no component",
    "a/.b": "no component",
    "a___b": "no component",
    "a.-b": "no component",
    "host:99999/app": "no port",
    "host:0/app": "no port",
    "host:x/app": "no registry host",
    "host_name.example/app": "no registry host",
    "-host.example/app": "no registry host",
    "[::1/app": "no registry host",
    "[::g]:5000/app": "no registry host",
    "[1:2]:5000/app": "no IPv6 address",
    "[fe80::1%eth0]/app": "no registry host",
    "user@ghcr.io/app": "no digest",
    "ap p": "white space",
    "app\n": "white space",
    "app\x00": "white space",
    "äpp": "non-ASCII",
    "app:١": "non-ASCII",
    "r.example/" + "a" * 256: "256 characters",
    "a" * 5000: "5000 characters",
}


@pytest.mark.parametrize(("text", "canonical"), VALID.items())
def test_valid(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(("text", "complaint"), INVALID.items())
def test_invalid(text: str, complaint: str) -> None:
    with pytest.raises(InvalidReference) as raised:
        parse(text)
    assert complaint in raised.value.message
    assert len(raised.value.message) < 400
    assert raised.value.exit_code == 2


def test_hints() -> None:
    def hint(text: str) -> str:
        with pytest.raises(InvalidReference) as raised:
            parse(text)
        return raised.value.hint

    assert "ghcr.io/org/app" in hint("https://ghcr.io/org/app/")
    assert hint("ghcr.io/Org/App").endswith("org/app")


def test_the_digest_decides_and_the_tag_is_kept() -> None:
    parsed = parse(f"app:1@{DIGEST}")
    assert (parsed.tag, parsed.digest, parsed.identifier) == ("1", DIGEST, DIGEST)
    assert parse("app").identifier == "latest"


def test_docker_hub_is_served_elsewhere() -> None:
    assert parse("alpine").endpoint == "registry-1.docker.io"
    assert parse("ghcr.io/a/b").endpoint == "ghcr.io"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("128.0.0.1", False),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("::2", False),
        ("0.0.0.0", False),
        ("2130706433", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@given(st.text() | st.text(alphabet="aA0.:/@_-[]% \n", max_size=40))
@example("a/" * 600)
@example("a" + "-" * 900)
@example("a" + "_" * 900 + "!")
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except InvalidReference:
        return
    assert parse(str(parsed)) == parsed


hosts = st.from_regex(r"[a-z][a-z0-9]{0,8}\.[a-z]{2,5}(:[1-9][0-9]{0,3})?", fullmatch=True)
components = st.from_regex(r"[a-z0-9]{1,5}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}", fullmatch=True)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


@given(hosts, st.lists(components, min_size=1, max_size=4), tags, st.none() | st.just(DIGEST))
def test_what_is_put_together_comes_apart(host: str, path: list[str], tag: str, digest: str | None) -> None:
    repository = "/".join(path)
    text = f"{host}/{repository}:{tag}" + (f"@{digest}" if digest else "")
    assert parse(text) == Reference(host, repository, tag, digest or "")
