"""A registry that wants credentials, for itself or for somebody else."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.attack import IMAGE, PUBLIC, Outcome, Program, found, in_registry, refused
from tests.oci.server import Reply, Seen, Server, serving

OPENSSL = "openssl 3.0.9-1"
PASSWORD = "wonderland"
LOGIN = {"SECPIPE_USERNAME": "alice", "SECPIPE_PASSWORD": PASSWORD}
BASIC = "Basic " + base64.b64encode(f"alice:{PASSWORD}".encode()).decode()


def port(server: Server) -> int:
    return int(server.address.rpartition(":")[2])


def guard(server: Server, *challenges: str, valid: tuple[str, ...] = ("Bearer t1",)) -> str:
    """Let the registry ask by these challenges until a header of `valid` comes."""
    reference = in_registry(IMAGE, server)
    usual = server.answer

    def answer(seen: Seen) -> Reply:
        if seen.headers.get("authorization") in valid:
            return usual(seen)
        return Reply(401, b"", [("WWW-Authenticate", challenge) for challenge in challenges])

    server.answer = answer
    return reference


def token(name: str = "t1") -> Reply:
    return Reply(200, json.dumps({"token": name}).encode())


def given(*servers: Server) -> list[str]:
    """Every Authorization that arrived."""
    return [
        seen.headers["authorization"]
        for each in servers
        for seen in each.seen
        if "authorization" in seen.headers
    ]


def silent(outcome: Outcome) -> None:
    """Nothing that is secret was said."""
    for secret in (PASSWORD, BASIC.removeprefix("Basic ")):
        assert secret not in outcome.stdout + outcome.stderr


# ---------------------------------------------------------------- challenges


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="http://127.0.0.1/x',
        "Bearer",
        'Bearer service="x"',
        'Bearer realm=""',
        "Negotiate",
        "x" * 100_000,
        'Bearer realm="' + "x" * 60_000 + '"',
        ',,,=,"',
        "\xff\xfe",
        "Bearer " + ", ".join(f'a{number}="b"' for number in range(500)),
    ],
)
def test_challenges_that_are_none(program: Program, challenge: str, server: Server) -> None:
    """auth-challenge-garbage: in one line, with nothing sent"""
    outcome = refused(program.scan(guard(server, challenge), env=LOGIN))
    assert set(outcome.connected) == {("127.0.0.1", port(server))}
    assert given(server) == []
    silent(outcome)


def test_challenges_that_are_hidden_among_others(program: Program, server: Server, other: Server) -> None:
    """auth-challenge-garbage: several in one header, Negotiate first, any case, commas in quotes, the first duplicate"""
    other.answer = lambda _: token()
    realm = f"http://{other.address}/token"
    for challenges in (
        ("Negotiate", f'BEARER REALM="{realm}",scope="repository:app:pull,push"'),
        (f'Negotiate abc==, Basic realm="x, Bearer realm=y", bearer Realm={realm}',),
        (f'Bearer realm="{realm}",realm="http://169.254.169.254/"',),
        (f'Bearer realm="{realm.replace("/token", chr(92) + "/token")}"', 'Basic realm="x"'),
    ):
        found(program.scan(guard(server, *challenges)), OPENSSL)
    assert given(other) == []


# ---------------------------------------------------------------- realms


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "0.0.0.0",
        "[::]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[fe80::1]",
        "metadata.test",
        "2852039166",
        "0xa9fea9fe",
    ],
)
def test_realms_that_are_metadata_services(program: Program, host: str, server: Server) -> None:
    """auth-realm-link-local: refused before anything is connected to, whatever the address is written as"""
    reference = guard(server, f'Bearer realm="http://{host}/latest/meta-data/"')
    outcome = refused(program.scan(reference, env=LOGIN, names={"metadata.test": "169.254.169.254"}))
    assert set(outcome.connected) == {("127.0.0.1", port(server))}
    silent(outcome)


def test_realms_whose_names_resolve_to_something_else(
    program: Program, server: Server, other: Server
) -> None:
    """auth-realm-link-local: what was judged is what is connected to, however often a name is looked up."""
    guard(server, f'Bearer realm="http://auth.test:{port(other)}/token"')
    other.answer = lambda _: token()
    for addresses in (f"{PUBLIC} 169.254.169.254", f"{PUBLIC} 10.0.0.1", "169.254.169.254 169.254.169.254"):
        names = {"registry.test": PUBLIC, "auth.test": addresses}
        reference = f"registry.test:{port(server)}/app:1"
        outcome = program.scan(reference, "--insecure", env=LOGIN, names=names)
        assert {address for address, _ in outcome.connected} == {PUBLIC}
        silent(outcome)


def test_realms_on_this_machine(program: Program, server: Server, other: Server) -> None:
    """auth-realm-link-local: only a registry that is local itself may name a local token service."""
    names = {"registry.test": PUBLIC, "inside.test": "192.168.1.1"}
    other.answer = lambda _: token()
    for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "inside.test"):
        guard(server, f'Bearer realm="http://{host}:{port(other)}/token"')
        outcome = refused(
            program.scan(f"registry.test:{port(server)}/app:1", "--insecure", env=LOGIN, names=names),
            "lies in a private network",
        )
        silent(outcome)
    assert other.seen == []
    found(program.scan(guard(server, f'Bearer realm="http://{other.address}/token"'), env=LOGIN), OPENSSL)


@pytest.mark.parametrize(
    "realm",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "/token",
        "token",
        "http://a:b@127.0.0.1/",
        "http:///x",
        "http://[::1",
    ],
)
def test_realms_that_are_no_urls(program: Program, realm: str, server: Server) -> None:
    """auth-realm-scheme"""
    outcome = refused(program.scan(guard(server, f'Bearer realm="{realm}"'), env=LOGIN), "token service")
    assert set(outcome.connected) == {("127.0.0.1", port(server))}
    assert "a:b" not in outcome.stderr
    silent(outcome)


def test_realms_of_somebody_else(program: Program, server: Server, other: Server) -> None:
    """auth-realm-other-host: asked without credentials, and both hosts named when that does not do"""
    names = {"registry.corp.test": PUBLIC, "attacker.example": PUBLIC, "auth.corp.test": PUBLIC}
    reference = f"registry.corp.test:{port(server)}/app:1"
    stranger = f"http://attacker.example:{port(other)}/token"
    guard(server, f'Bearer realm="{stranger}"')
    other.answer = lambda _: Reply(401)
    outcome = refused(
        program.scan(reference, "--insecure", env=LOGIN, names=names),
        "registry.corp.test",
        "attacker.example",
    )
    assert "SECPIPE_TRUSTED_HOSTS=attacker.example" in outcome.stderr
    assert given(server, other) == []
    assert not [seen for seen in other.seen if "alice" in seen.path]
    silent(outcome)
    other.answer = lambda _: token()
    found(program.scan(reference, "--insecure", env=LOGIN, names=names), OPENSSL)
    assert set(given(server, other)) == {"Bearer t1"}
    trusting = {**LOGIN, "SECPIPE_TRUSTED_HOSTS": "attacker.example"}
    found(program.scan(reference, "--insecure", env=trusting, names=names), OPENSSL)
    assert given(other) == [BASIC]
    other.seen.clear()
    guard(server, f'Bearer realm="http://auth.corp.test:{port(other)}/token"')
    found(program.scan(reference, "--insecure", env=LOGIN, names=names), OPENSSL)
    assert given(other) == [BASIC]


def test_token_services_that_send_elsewhere(program: Program, server: Server, other: Server) -> None:
    """auth-realm-other-host: a redirect does not carry the password on."""
    with serving() as third:
        reference = guard(server, f'Bearer realm="http://{other.address}/token"')
        other.answer = lambda _: Reply(307, b"", [("Location", f"http://{third.address}/token")])
        silent(refused(program.scan(reference, env=LOGIN), "credentials are not sent there"))
        assert third.seen == []


# ---------------------------------------------------------------- TLS


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    with serving(certificate) as running:
        yield running


NAMES = {"registry.test": PUBLIC, "registry.corp.test": PUBLIC}


def test_realms_without_tls(program: Program, secure: Server, other: Server, certificate: Path) -> None:
    """auth-realm-downgrade"""
    guard(secure, f'Bearer realm="http://{other.address}/token"')
    env = {**LOGIN, "SSL_CERT_FILE": str(certificate)}
    reference = f"registry.test:{port(secure)}/app:1"
    silent(refused(program.scan(reference, env=env, names=NAMES), "names a token service without TLS"))
    assert other.seen == []


def test_realms_with_a_certificate_of_nobodys(program: Program, secure: Server, certificate: Path) -> None:
    """auth-tls-verify-realm (CVE-2019-10214): --insecure is about the registry, not about its token service."""
    with serving(certificate) as tokens:
        guard(secure, f'Bearer realm="https://registry.corp.test:{port(tokens)}/token"')
        reference = f"registry.test:{port(secure)}/app:1"
        outcome = refused(program.scan(reference, "--insecure", env=LOGIN, names=NAMES), "is not trusted")
        assert "registry.corp.test" in outcome.stderr
        assert tokens.seen == []
        silent(outcome)


def test_plain_http_is_not_fallen_back_to(program: Program, server: Server) -> None:
    """auth-basic-over-http (CVE-2014-5277): nothing is sent in clear after TLS failed."""
    guard(server, 'Basic realm="x"', valid=(BASIC,))
    reference = f"registry.test:{port(server)}/app:1"
    silent(refused(program.scan(reference, env=LOGIN, names=NAMES), "does not speak TLS"))
    assert server.seen == []
    found(program.scan(reference, "--insecure", env=LOGIN, names=NAMES), OPENSSL)


def test_redirects_out_of_tls(program: Program, secure: Server, other: Server, certificate: Path) -> None:
    """redirect-scheme: from https to http"""
    in_registry(IMAGE, secure)
    usual = secure.answer
    secure.answer = lambda seen: (
        Reply(307, b"", [("Location", f"http://registry.test:{port(other)}/x")])
        if "/blobs/" in seen.path
        else usual(seen)
    )
    env = {"SSL_CERT_FILE": str(certificate)}
    refused(program.scan(f"registry.test:{port(secure)}/app:1", env=env, names=NAMES), "it has no TLS")
    assert other.seen == []


# ---------------------------------------------------------------- tokens and helpers


def test_tokens_that_end_in_mid_pull(program: Program, server: Server, other: Server) -> None:
    """auth-token-expires-mid-pull: renewed once where it stops being taken, and a second refusal is final"""
    issued: list[str] = []

    def issue(seen: Seen) -> Reply:
        issued.append(seen.path)
        return token(f"t{len(issued)}")

    other.answer = issue
    challenge = f'Bearer realm="http://{other.address}/token",error="invalid_token"'
    reference = in_registry(IMAGE, server)
    usual = server.answer

    def answer(seen: Seen) -> Reply:
        needed = "Bearer t2" if "/blobs/" in seen.path else "Bearer t1"
        ok = seen.headers.get("authorization") == needed
        return usual(seen) if ok else Reply(401, b"", [("WWW-Authenticate", challenge)])

    server.answer = answer
    found(program.scan(reference, env=LOGIN), OPENSSL)
    assert len(issued) == 2
    issued.clear()
    never = guard(server, challenge, valid=())
    silent(refused(program.scan(never, env=LOGIN), "refuses the credentials of 'alice'"))
    assert len(issued) <= 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"token": 7}',
        b'{"token": "a b"}',
        b'{"token": "a\\r\\nX: y"}',
        b'{"token": "' + b"x" * (2 << 20) + b'"}',
    ],
    ids=len,
)
def test_tokens_that_are_none(program: Program, body: bytes, server: Server, other: Server) -> None:
    """auth-secret-logging: what the token service says is bounded and not repeated."""
    other.answer = lambda _: Reply(200, body)
    outcome = refused(program.scan(guard(server, f'Bearer realm="http://{other.address}/token"'), env=LOGIN))
    assert given(server) == []
    assert len(outcome.stderr) < 600


def test_secrets_are_not_told(program: Program, server: Server, other: Server) -> None:
    """auth-secret-logging: not even with a traceback"""
    signed = f"http://{other.address}/data?X-Amz-Signature=c0ffee"
    guard(server, 'Basic realm="x"', valid=(BASIC,))
    usual = server.answer
    server.answer = lambda seen: (
        Reply(307, b"", [("Location", signed)])
        if "/blobs/" in seen.path and "authorization" in seen.headers
        else usual(seen)
    )
    for reply in (
        Reply(500),
        Reply(403),
        Reply(200, b"x"),
        Reply(301, b"", [("Location", "file:///x?X-Amz-Signature=c0ffee")]),
    ):
        other.answer = lambda _, reply=reply: reply  # type: ignore[misc]
        outcome = program.scan(in_same(server), "--limit", "retry-seconds=1", env=LOGIN)
        assert outcome.code == 3
        assert "c0ffee" not in outcome.stderr
        silent(outcome)


def in_same(server: Server) -> str:
    return f"{server.address}/app:1"


@pytest.fixture
def helpers(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def _helper(folder: Path, script: str) -> dict[str, str]:
    """The environment in which `docker-credential-h` is this script."""
    program = folder / "docker-credential-h"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.defpath}"}


def _config(folder: Path, name: str, server: Server) -> dict[str, str]:
    (folder / "config.json").write_text(json.dumps({"credHelpers": {server.address: name}}))
    return {"DOCKER_CONFIG": str(folder)}


def test_names_of_helpers(program: Program, helpers: Path, server: Server) -> None:
    """auth-helper-hostile: no path, and no helper from anywhere but PATH"""
    reference = guard(server, 'Basic realm="x"', valid=(BASIC,))
    mark = helpers / "ran"
    env = _helper(helpers, f"touch {mark}")
    for name in ("../bin/docker-credential-h", str(helpers / "h"), "h;id", "", "h\n", "a b"):
        outcome = refused(program.scan(reference, env={**env, **_config(helpers, name, server)}))
        assert outcome.started == []
    assert not mark.exists()


def test_helpers_that_misbehave(program: Program, helpers: Path, server: Server) -> None:
    """auth-helper-hostile: endless output, a secret on stderr, an exit code; the server's name on stdin alone"""
    reference = guard(server, 'Basic realm="x"', valid=(BASIC,))
    config = _config(helpers, "h", server)
    for script in (
        "cat /dev/zero",
        f"echo {PASSWORD} >&2; echo {PASSWORD}; exit 7",
        "echo '[]'",
        "kill -9 $$",
    ):
        outcome = refused(program.scan(reference, env={**_helper(helpers, script), **config}))
        assert "docker-credential-h" in outcome.stderr
        assert outcome.wall < 5
        silent(outcome)
    told = helpers / "told"
    script = f'{{ echo "$@"; cat; }} > {told}; echo \'{{"Username": "alice", "Secret": "{PASSWORD}"}}\''
    outcome = program.scan(reference, env={**_helper(helpers, script), **config})
    silent(found(outcome, OPENSSL))
    assert told.read_text() == f"get\n{server.address}"
