"""What claims to belong to an image: lists without end, lists of others, and what poses as a list of packages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hostile.attack import IMAGE, Outcome, Program, cheap, found, in_registry, refused
from tests.oci.server import Reply, Seen, Server
from tests.support import images

LIST = f"/v2/app/referrers/{IMAGE.digest}"


def entry(number: int, **more: Any) -> dict[str, Any]:
    digest = images.digest(str(number).encode())
    return {"mediaType": images.OCI_MANIFEST, "digest": digest, "size": 7, **more}


def page(*entries: dict[str, Any], link: str = "", status: int = 200) -> Reply:
    body = {"schemaVersion": 2, "mediaType": images.OCI_INDEX, "manifests": list(entries)}
    headers = [("Content-Type", images.OCI_INDEX), *([("Link", link)] if link else [])]
    return Reply(status, json.dumps(body).encode(), headers)


def listed(program: Program, server: Server, *replies: Reply) -> Outcome:
    """`image referrers`, when the list is answered by the replies in turn, the last for ever."""
    reference = in_registry(IMAGE, server)
    usual = server.answer
    left = list(replies)

    def answer(seen: Seen) -> Reply:
        if not seen.path.startswith("/v2/app/referrers/"):
            # Other tags than the image's own are not there.
            return Reply(404) if "/manifests/sha256-" in seen.path else usual(seen)
        return left.pop(0) if len(left) > 1 else left[0]

    server.answer = answer
    return program.run(["image", "referrers", reference, "-f", "json", "--limit", "retry-seconds=0"])


def test_pages_without_end(program: Program, server: Server) -> None:
    """pagination-loop: a page that leads to itself, and ever new ones"""
    refused(listed(program, server, page(link=f'<{LIST}>; rel="next"')), "limit referrers", cpu=6)
    assert len(server.seen) < 1100
    many = [
        page(*(entry(100 * number + each) for each in range(100)), link=f"<{LIST}?p={number}>; rel=next")
        for number in range(30)
    ]
    server.seen.clear()
    refused(listed(program, server, *many), "limit referrers")
    assert len(server.seen) < 30


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:1/x",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "//other.example/",
        "https://[::1/",
    ],
)
def test_pages_elsewhere(program: Program, link: str, server: Server) -> None:
    """pagination-loop: another origin"""
    outcome = refused(listed(program, server, page(link=f"<{link}>; rel=next")), "not followed")
    assert {port for _, port in outcome.connected} == {int(server.address.rpartition(":")[2])}


def test_lists_that_are_too_long(program: Program, server: Server) -> None:
    """referrers-hostile: 100,000 in one, or more bytes than a manifest may have"""
    refused(listed(program, server, page(*(entry(number) for number in range(10_000)))), "limit referrers")
    long = Reply(200, b'{"manifests": [' + b" " * (5 << 20))
    refused(listed(program, server, long), "manifest_bytes")


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"manifests": 1}', b'{"manifests": [{"digest": "sha256:../x"}]}']
)
def test_what_is_no_list(program: Program, body: bytes, server: Server) -> None:
    """referrers-hostile: web pages, other documents, digests that are none"""
    refused(listed(program, server, Reply(200, body)))


def test_where_there_is_no_list(program: Program, server: Server) -> None:
    """referrers-hostile: 404 leads to the tag, anything else is told"""
    none = cheap(listed(program, server, Reply(404)))
    assert (none.code, none.json["referrers"]) == (0, [])
    assert [seen.path for seen in server.seen if "/manifests/sha256-" in seen.path]
    refused(listed(program, server, Reply(500)), "answered 500")


def test_a_scan_does_not_believe_them(program: Program, server: Server) -> None:
    """referrers-hostile: a list of packages beside the image says nothing of what is in it; nobody asks for one."""
    spoof = entry(1, artifactType="application/spdx+json")
    listed(program, server, page(spoof))
    server.seen.clear()
    found(program.scan(f"{server.address}/app:1"), "openssl 3.0.9-1")
    assert not [seen for seen in server.seen if "referrers" in seen.path or "sha256-" in seen.path]
