"""URLs and addresses that a registry may send us to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import RegistryError
from secpipe.oci.gate import Gate
from secpipe.oci.urls import literal, parse, related, zone


@pytest.mark.parametrize(
    ("text", "absolute"),
    [
        ("https://r.example/v2/", "https://r.example/v2/"),
        ("HTTPS://R.Example:443", "https://r.example/"),
        ("http://r.example:5000/a?b=c#d", "http://r.example:5000/a?b=c"),
        ("https://[2001:DB8::1]:5000/x", "https://[2001:db8::1]:5000/x"),
        ("https://r.example./x", "https://r.example/x"),
    ],
)
def test_urls(text: str, absolute: str) -> None:
    assert parse(text).absolute == absolute


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/relative",
        "//host/x",
        "file:///etc/passwd",
        "gopher://host/x",
        "ftp://host/x",
        "https://",
        "https:///x",
        "https://user:secret@host/",
        "https://user@host/",
        "https://host:0/",
        "https://host:99999/",
        "https://host:x/",
        "https://ho st/",
        "https://host/\r\nX: y",
        "https://host\\@evil/",
        "https://hóst/",
        "https://[fe80::1%25eth0]/",
        "https://[::1",
        "https://host/" + "a" * 20_000,
    ],
)
def test_no_urls(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        parse(text)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("location", "result"),
    [
        ("/x?y", "https://r.example:5000/x?y"),
        ("x", "https://r.example:5000/v2/x"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("https://cdn.example/x", "https://cdn.example/x"),
        ("http://cdn.example/x", "http://cdn.example/x"),
    ],
)
def test_join(location: str, result: str) -> None:
    assert parse("https://r.example:5000/v2/a").join(location).absolute == result


@pytest.mark.parametrize(
    "location", ["", "file:///etc/passwd", "https://a@b/", "a b", "a\r\nb", "javascript:x"]
)
def test_locations_that_lead_nowhere(location: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse("https://r.example/").join(location)


def test_queries_are_not_shown() -> None:
    assert str(parse("https://s.example/blob?X-Amz-Signature=secret")) == "https://s.example/blob"


@given(st.text(), st.text(alphabet="htps:/@[]?#%.\\1a", max_size=30))
def test_any_text_is_a_url_or_not(text: str, other: str) -> None:
    for candidate in (text, other, "https://" + other, "http://" + text):
        try:
            url = parse(candidate)
        except ValueError:
            continue
        assert parse(url.absolute) == url


ZONES = {
    "forbidden": [
        "169.254.169.254",
        "169.254.0.1",
        "0.0.0.0",
        "0.1.2.3",
        "255.255.255.255",
        "240.0.0.1",
        "224.0.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "fe80::1",
        "fd00:ec2::254",
        "::",
        "ff02::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
    "local": [
        "127.0.0.1",
        "127.255.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "::1",
        "fd12::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
    ],
    "public": ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"],
}


@pytest.mark.parametrize(("address", "where"), [(a, where) for where, all_ in ZONES.items() for a in all_])
def test_zones(address: str, where: str) -> None:
    assert zone(ipaddress.ip_address(address)) == where


@given(st.ip_addresses())
def test_every_address_has_a_zone(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert zone(address) in ZONES


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("registry-1.docker.io", "auth.docker.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("r.example.co.uk", "auth.example.co.uk", True),
        ("r.example.co.uk", "attacker.co.uk", False),
        ("ghcr.io", "attacker.example", False),
        ("registry", "auth", False),
        ("registry", "registry", True),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "11.0.0.1", False),
        ("r.0.0.1", "10.0.0.1", False),
        ("fd00::1", "fd00::2", False),
    ],
)
def test_related(one: str, other: str, same: bool) -> None:
    assert related(one, other) is same
    assert related(other, one) is same


def addresses(*texts: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return [found for text in texts if (found := literal(text))]


def test_a_public_registry_may_not_refer_into_the_network() -> None:
    gate = Gate("r.example", ["trusted.example"])
    gate("r.example", addresses("93.184.216.34"))
    gate("cdn.example", addresses("8.8.8.8"))
    for inside in ("127.0.0.1", "10.0.0.1", "::1", "fd00::1"):
        with pytest.raises(RegistryError, match="private network") as raised:
            gate("inside.example", addresses("8.8.8.8", inside))
        assert "SECPIPE_TRUSTED_HOSTS=inside.example" in raised.value.hint
    gate("trusted.example", addresses("10.0.0.1"))


def test_a_private_registry_may_refer_to_its_network() -> None:
    gate = Gate("r.example", ["trusted.example"])
    gate("r.example", addresses("10.0.0.7"))
    gate("auth.example", addresses("10.0.0.8"))
    for never in ("169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0"):
        for host in ("auth.example", "trusted.example"):
            with pytest.raises(RegistryError, match="link-local"):
                gate(host, addresses(never))


def test_the_registry_itself_is_the_users_choice() -> None:
    Gate("r.example")("r.example", addresses("169.254.1.1"))


def test_whether_the_registry_is_local_is_looked_up() -> None:
    Gate("127.0.0.1")("auth.example", addresses("10.0.0.1"))
    with pytest.raises(RegistryError):
        Gate("8.8.8.8")("auth.example", addresses("10.0.0.1"))
    assert not Gate("x").is_local("does-not-exist.invalid")
