"""A registry, or somebody between, that sends what it should not, as slowly as it likes, or sends the program elsewhere."""

from __future__ import annotations

import gzip
import json
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.hostile.attack import (
    BASE,
    IMAGE,
    MIB,
    PUBLIC,
    VULNERABLE,
    Outcome,
    Program,
    as_layout,
    found,
    in_registry,
    refused,
)
from tests.oci.server import Reply, Seen, Server
from tests.support import images
from tests.support.images import BuiltLayer

OPENSSL = "openssl 3.0.9-1"
BIG = BuiltLayer(images.files({"data": "0123456789abcdef" * 250_000}), "ADD data", "none")
LARGE = images.image([BASE, BIG])
BLOB = f"/blobs/{images.digest(BIG.tar)}"
SIZE = len(BIG.tar)
HASTY = ("--limit", "idle-seconds=1", "--limit", "request-seconds=1", "--limit", "retry-seconds=1")


def target(server: Server, part: str, *replies: Reply | None) -> str:
    """The large image; requests whose path holds `part` get the replies in turn, the last for ever, None as usual."""
    reference = in_registry(LARGE, server)
    usual = server.answer
    left = list(replies)

    def answer(seen: Seen) -> Reply:
        if part not in seen.path:
            return usual(seen)
        reply = left.pop(0) if len(left) > 1 else left[0]
        return reply if reply is not None else usual(seen)

    server.answer = answer
    return reference


def asked(server: Server, part: str) -> int:
    return len([seen for seen in server.seen if part in seen.path])


def port(server: Server) -> int:
    return int(server.address.rpartition(":")[2])


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize("part", ["/manifests/1", BLOB])
@pytest.mark.parametrize("coding", ["gzip", "br", "x" * 5000])
def test_bodies_that_were_compressed_on_the_way(
    program: Program, part: str, coding: str, server: Server
) -> None:
    """content-encoding-gzip: nothing inflates what was not asked for; a bomb could be in it."""
    bomb = gzip.compress(bytes(64 * MIB), 1) if coding == "gzip" else b"x"
    reference = target(server, part, Reply(200, bomb, [("Content-Encoding", coding)]))
    outcome = refused(program.scan(reference), "Content-Encoding", peak=64 * MIB, cpu=1)
    assert len(outcome.stderr) < 600
    assert all(seen.headers["accept-encoding"] == "identity" for seen in server.seen)


@pytest.mark.parametrize("delimited", ["length", "chunks", "close"])
def test_bodies_that_end_early(program: Program, delimited: str, server: Server) -> None:
    """truncated-body: however the end is told, a digest was promised."""
    cut = Reply(200, BIG.tar, sent=SIZE // 2, delimited=delimited)
    if delimited == "close":
        cut = Reply(200, BIG.tar[: SIZE // 2], delimited="close")
    refused(program.scan(target(server, BLOB, cut)))
    assert asked(server, BLOB) <= 6
    found(program.scan(target(server, BLOB, cut, None)), OPENSSL)


def test_bodies_that_are_others(program: Program, server: Server) -> None:
    """truncated-body: too much, and the right length of something else"""
    for body, says in ((BIG.tar + b"x", "longer"), (BIG.tar[:-1] + b"x", "does not match its digest")):
        refused(program.scan(target(server, BLOB, Reply(200, body))), says, images.digest(BIG.tar))
    endless = Reply(200, BIG.tar + bytes(64 * MIB), delimited="close")
    assert refused(program.scan(target(server, BLOB, endless)), "longer").wall < 3


def test_silence_in_the_middle(program: Program, server: Server) -> None:
    """hang-mid-blob: taken up again as long as it gets on, then given up"""
    silent = Reply(200, BIG.tar, sent=2 * MIB, stall=20)
    rest = Reply(206, BIG.tar[2 * MIB :], [("Content-Range", f"bytes {2 * MIB}-{SIZE - 1}/{SIZE}")])
    found(program.scan(target(server, BLOB, silent, rest), *HASTY), OPENSSL)
    impatient = (*HASTY, "--limit", "blob-resumes=1")
    outcome = refused(program.scan(target(server, BLOB, silent), *impatient), "stopped answering in time")
    assert outcome.wall < 6


@pytest.mark.parametrize("part", ["/v2/", BLOB])
def test_a_byte_at_a_time(program: Program, part: str, server: Server) -> None:
    """slow-loris: no read ever times out, and yet it ends."""
    slow = Reply(200, BIG.tar, drip=0.2)
    outcome = refused(program.scan(target(server, part, slow), *HASTY))
    assert outcome.wall < 8


@pytest.mark.parametrize(
    ("status", "content_range"),
    [
        (206, "bytes 0-9/10"),
        (206, f"bytes {2 * MIB + 1}-{SIZE - 1}/{SIZE}"),
        (206, ""),
        (206, f"bytes {2 * MIB}-{SIZE}/{SIZE}"),
        (206, "bytes x-y/z"),
    ],
)
def test_another_range_than_asked_for(
    program: Program, status: int, content_range: str, server: Server
) -> None:
    """resume-ignored: another range"""
    cut = Reply(200, BIG.tar, sent=2 * MIB)
    other = Reply(status, BIG.tar[2 * MIB :], [("Content-Range", content_range)])
    refused(program.scan(target(server, BLOB, cut, other)), "another range")


def test_a_range_that_is_ignored(program: Program, server: Server) -> None:
    """resume-ignored: 200 and all from the start, or another content from the start"""
    cut = Reply(200, BIG.tar, sent=2 * MIB)
    found(program.scan(target(server, BLOB, cut, Reply(200, BIG.tar, [("ETag", "other")]))), OPENSSL)
    swapped = BIG.tar[: 3 * MIB] + bytes(SIZE - 3 * MIB)
    refused(program.scan(target(server, BLOB, cut, Reply(200, swapped))), "does not match its digest")


def test_headers_without_end(program: Program, server: Server) -> None:
    """headers-huge"""
    for reply in (
        Reply(200, b"", [("X", "y" * 200_000)]),
        Reply(200, b"", [(f"X-{number}", "y" * 50) for number in range(10_000)]),
    ):
        refused(program.scan(target(server, "/manifests/1", reply)))
    many = Reply(200, LARGE.manifest, [("Content-Type", LARGE.media_type), *[("X", "y")] * 10_000])
    found(program.scan(target(server, "/manifests/1", many)), OPENSSL)


# ---------------------------------------------------------------- statuses


LIMITED = json.dumps(
    {"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your\npull \x1b[31mlimit"}]}
).encode()


@pytest.mark.parametrize("after", ["1", "date", "86400", "garbage", "-5", "9" * 400, ""])
def test_too_many_requests(program: Program, after: str, server: Server) -> None:
    """http-429: waited for as long as is allowed, then told with the quota"""
    value = formatdate(time.time() + 1, usegmt=True) if after == "date" else after
    quota = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600")]
    reply = Reply(429, LIMITED, [("Retry-After", value), *quota])
    outcome = refused(
        program.scan(target(server, "/manifests/1", reply), "--limit", f"retry-seconds={int(after == '1')}"),
        "limits the rate of requests (0 left of 100 in 360 min)",
        "You have reached your pull",
    )
    assert "\x1b" not in outcome.stderr
    assert "log in" in outcome.stderr
    assert outcome.wall < 4
    assert asked(server, "/manifests/1") <= 4


@pytest.mark.parametrize(
    ("status", "part"),
    [
        (408, "/manifests/1"),
        (502, BLOB),
        (503, "/manifests/1"),
        (504, "/v2/"),
    ],
)
def test_what_passes(program: Program, status: int, part: str, server: Server) -> None:
    """http-5xx: tried again, with pauses, and not for ever"""
    found(program.scan(target(server, part, Reply(status), None)), OPENSSL)
    if status == 503:
        page = Reply(status, b"<html>" + b"x" * 200_000)
        refused(program.scan(target(server, part, page), "--limit", "retry-seconds=0"), f"answered {status}")
        assert asked(server, part) <= 2 + 4


# ---------------------------------------------------------------- elsewhere


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1:70/x",
        "javascript:alert(1)",
        "http://user:pass@127.0.0.1/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "//100.100.100.200/x",
        "http://127.0.0.1:99999/",
        "http://a b/",
    ],
)
def test_redirects_to_nowhere(program: Program, location: str, server: Server) -> None:
    """redirect-scheme, redirect-internal: refused before anything is connected to"""
    reply = Reply(307, b"", [("Location", location)])
    outcome = refused(program.scan(target(server, BLOB, reply)))
    assert set(outcome.connected) == {("127.0.0.1", port(server))}
    assert "pass@" not in outcome.stderr


def test_redirects_that_inject(program: Program, server: Server) -> None:
    """redirect-scheme: empty is no redirect, folded lines are no headers, circles end"""
    for location in ("", f"http://{server.address}{BLOB}\tX: y"):
        refused(program.scan(target(server, BLOB, Reply(302, b"", [("Location", location)]))))
    circle = Reply(302, b"", [("Location", f"/v2/app{BLOB}")])
    refused(program.scan(target(server, BLOB, circle)), "redirects more than 10 times")
    assert asked(server, BLOB) <= 2 + 11


def test_redirects_into_the_network(program: Program, server: Server, other: Server) -> None:
    """redirect-internal: a registry on the internet has no business in a private network, by address or by name."""
    names = {"registry.test": PUBLIC, "inside.test": "10.1.2.3"}
    own = f"registry.test:{port(server)}/app:1"
    other.answer = lambda _: Reply(200, BIG.tar)
    for host in ("127.0.0.1", "localhost", "inside.test", "[::1]", "192.168.0.1", "[::ffff:10.0.0.1]"):
        target(server, BLOB, Reply(307, b"", [("Location", f"http://{host}:{port(other)}/x")]))
        outcome = refused(
            program.scan(own, "--insecure", names=names),
            "lies in a private network though the registry does not",
        )
        assert {address for address, _ in outcome.connected} == {PUBLIC}
    assert other.seen == []
    allowed = program.scan(own, "--insecure", names=names, env={"SECPIPE_TRUSTED_HOSTS": "inside.test"})
    assert "lies in a private network" in allowed.stderr
    target(server, BLOB, Reply(307, b"", [("Location", f"http://inside.test:{port(other)}/x")]))
    found(program.scan(own, "--insecure", names=names, env={"SECPIPE_TRUSTED_HOSTS": "inside.test"}), OPENSSL)


def test_redirects_to_somebody_else(program: Program, server: Server, other: Server) -> None:
    """redirect-cross-host-auth: neither password nor cookie goes with them, the range does."""
    reference = in_registry(LARGE, server)
    usual = server.answer

    def answer(seen: Seen) -> Reply:
        if "authorization" not in seen.headers:
            return Reply(401, b"", [("WWW-Authenticate", 'Basic realm="r"'), ("Set-Cookie", "a=b")])
        if BLOB in seen.path:
            return Reply(307, b"", [("Location", f"http://{other.address}/data?X-Amz-Signature=sig")])
        return usual(seen)

    def store(seen: Seen) -> Reply:
        start = int(seen.headers.get("range", "bytes=0-")[6:-1])
        headers = [("Content-Range", f"bytes {start}-{SIZE - 1}/{SIZE}")] if start else []
        return Reply(206 if start else 200, BIG.tar[start:], headers, sent=None if start else 2 * MIB)

    server.answer, other.answer = answer, store
    login = {"SECPIPE_USERNAME": "alice", "SECPIPE_PASSWORD": "wonderland"}
    found(program.scan(reference, env=login), OPENSSL)
    assert [seen.headers.get("range") for seen in other.seen] == [None, f"bytes={2 * MIB}-"]
    assert not [seen for seen in other.seen if {"authorization", "cookie"} & set(seen.headers)]
    other.answer = lambda _: Reply(403, b"<Error/>")
    outcome = refused(program.scan(reference, env=login))
    assert "sig" not in outcome.stderr
    assert "wonderland" not in outcome.stderr


# ---------------------------------------------------------------- proxies and places


def test_proxies(program: Program, server: Server, other: Server) -> None:
    """proxy-env: used for other hosts, never for this machine; their password goes nowhere else and is not told."""
    reference = target(server, BLOB, None)
    env = {
        "http_proxy": f"http://me:secret@{other.address}",
        "https_proxy": f"http://me:secret@{other.address}",
    }
    found(program.scan(reference, env=env), OPENSSL)
    assert other.seen == []
    assert not [seen for seen in server.seen if "proxy-authorization" in seen.headers]
    other.answer = lambda seen: server.answer(
        Seen(seen.method, "/" + seen.path.split("/", 3)[-1], seen.headers)
    )
    named = f"registry.test:{port(server)}/app:1"
    found(
        program.scan(
            named, "--insecure", env={"http_proxy": env["http_proxy"]}, names={"registry.test": PUBLIC}
        ),
        OPENSSL,
    )
    assert all(seen.headers["proxy-authorization"].startswith("Basic ") for seen in other.seen)
    bypass = {**env, "no_proxy": "registry.test"}
    other.seen.clear()
    found(program.scan(named, "--insecure", env=bypass, names={"registry.test": PUBLIC}), OPENSSL)
    assert other.seen == []
    for broken in ("socks5://me:secret@127.0.0.1:1", "http://me:secret@127.0.0.1:1", "gopher://me:secret@x"):
        outcome = program.scan(
            named,
            "--insecure",
            env={"all_proxy": broken, "https_proxy": broken, "http_proxy": broken},
            names={"registry.test": PUBLIC},
        )
        assert outcome.code in (2, 3)
        assert "secret" not in outcome.stderr


def test_no_disk(program: Program, tmp_path: Path, server: Server) -> None:
    """diskless: no home, no temporary folder, no place for a cache: the image is scanned all the same."""
    nowhere = {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "XDG_CACHE_HOME": "/proc/nonexistent"}
    for reference in (in_registry(LARGE, server), as_layout(IMAGE, tmp_path)):
        outcome: Outcome = program.scan(reference, env=nowhere, cache=True)
        found(outcome, OPENSSL)
        assert not outcome.written
    assert VULNERABLE
