"""Programs that no package manager installed: known by their texts, wherever these fall among the pieces."""

from __future__ import annotations

import re
import tarfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import Inventory, _recognise, binaries, file_view, inventory
from secpipe.catalog._programs import distil
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.oci.target import open_image
from secpipe.unpack.view import File
from tests.support.images import Entry, files, tar
from tests.support.layers import image
from tests.support.packages import apk, dpkg

TEXTS: list[tuple[str, bytes, str, str]] = [
    ("python3.12", b"\0" + b"3.12.1\0", "python", "3.12.1"),
    ("python3.11", b"3.2.0\0003.11.2\0003.11.2.\0", "python", "3.11.2"),
    ("libpython3.13.so.1.0", b"/opt/3.13.0rc2\0", "python", "3.13.0rc2"),
    ("libpython3.7m.so.1.0", b"\0" + b"3.7.16\0", "python", "3.7.16"),
    ("libpypy3.9-c.so", b"\n[PyPy 7.3.11 with GCC", "pypy", "7.3.11"),
    ("node", b"node v10.12.0\0node.js/v24.19.0P", "node", "24.19.0"),
    ("libnode.so.108", b"node.js/v18.20.4\0", "node", "18.20.4"),
    ("nginx", b"nginx version: nginx/1.22.1\r", "nginx", "1.22.1"),
    ("httpd", b"Apache/2\0Apache/2.4\0Apache/2.4.71 (Unix)", "apache", "2.4.71"),
    ("haproxy", b"version 2.6.12-1+deb12u4, released 2026/", "haproxy", "2.6.12"),
    ("haproxy", b" version 3.0-dev5, released 2024/02", "haproxy", "3.0-dev5"),
    ("lighttpd", b"lighttpd/1.4.69)", "lighttpd", "1.4.69"),
    ("varnishd", b"(varnish-7.1.1 revision 7cee1c", "varnish", "7.1.1"),
    ("squid", b"squid/5.7\0", "squid", "5.7"),
    ("memcached", b"memcached 1.6.18\n", "memcached", "1.6.18"),
    ("redis-server", b"\0007.2.4buildkitsandbox-1702957741000000000", "redis", "7.2.4"),
    ("redis-server", b"2.1.0\0invalid\0008.2.3\00014.2.1\0c11-builtin\0", "redis", "8.2.3"),
    ("redis-server", b"Server started, Redis version 2.8.23\0", "redis", "2.8.23"),
    ("valkey-server", b"7.2.4\0c11-builtin\0valkey9.1.22036e910ab2c-1792600138453", "valkey", "9.1.2"),
    ("valkey-server", b"valkey9.0.0buildkitsandbox-1764887574000000000", "valkey", "9.0.0"),
    ("postgres", b"PostgreSQL 9.1. Please\0PostgreSQL 16.2 on x86_64-pc", "postgresql", "16.2"),
    ("postgres", b"PostgreSQL 15.20 (Debian 15.20-0+deb12u1) on aarch64-", "postgresql", "15.20"),
    ("mariadbd", b"since 10.1.1-MariaDB\0\00010.11.19-MariaDB\0", "mariadb", "10.11.19"),
    ("mysqld", b"/build/release/mysql-8.0.37/sql/mysqld.cc\0", "mysql", "8.0.37"),
    ("libsqlite3.so.0.8.6", b"\0003.40.1\0", "sqlite", "3.40.1"),
    ("slapd", b"@(#) $OpenLDAP: slapd 2.5.13+dfsg", "openldap", "2.5.13"),
    ("php-fpm", b"X-Powered-By: PHP/8.2.36\0", "php", "8.2.36"),
    ("php8.4", b"PHP/8.4.0RC1\0", "php", "8.4.0RC1"),
    ("libruby.so.3.3", b"ruby 3.3.5 (2024-09-03 revision", "ruby", "3.3.5"),
    ("ruby", b"ruby 2.7.7p221 (2022-11-24 revision", "ruby", "2.7.7"),
    ("perl", b"/usr/local/lib/perl5/5.40.0/x86_64", "perl", "5.40.0"),
    ("lua5.4", b"Lua 5.4\0Lua 5.4.4 ", "lua", "5.4.4"),
    ("libjvm.so", b" JRE (25.0.2+10-LTS), built", "java", "25.0.2"),
    ("libjvm.so", b" JRE (17.0.21.1+2-1-deb12u1-Debian), built", "java", "17.0.21"),
    ("libjvm.so", b" JRE (Temurin-21.0.2+13) (21.0.2+13-LTS), built", "java", "21.0.2"),
    ("libjvm.so", b" JRE (1.8.0_412-b08), built", "java", "8.0.412"),
    ("openssl", b"OpenSSL 1.1.1w  11 Sep 2023\0", "openssl", "1.1.1w"),
    ("libcrypto.so.3", b"OpenSSL 3.0.22 25 Aug 2026\0", "openssl", "3.0.22"),
    ("libcrypto-d8d1bb5e.so.1.1", b"OpenSSL 1.1.1k  25 Mar 2021\0", "openssl", "1.1.1k"),
    ("libcurl.so.4.8.0", b"libcurl/7.88.1\0", "curl", "7.88.1"),
    ("git", b"git/.\0git/2.39.5\0", "git", "2.39.5"),
    ("bash", b"@(#)Bash version 5.2.15(1) release GNU", "bash", "5.2.15"),
    ("[", b"BusyBox v1.36.1 (2023-11", "busybox", "1.36.1"),
    ("sshd", b"OpenSSH_7.6\0OpenSSH_9.2p1 D", "openssh", "9.2p1"),
    ("libz.so.1.2.13", b" deflate 1.2.13 Copyright 1995", "zlib", "1.2.13"),
    ("unbound", b"unbound 1.17.1\0", "unbound", "1.17.1"),
    ("proftpd", b"ProFTPD 1.3.8b standalone", "proftpd", "1.3.8b"),
]


def program(text: bytes, before: int = 5000) -> bytes:
    """An ELF file that has the text somewhere; without headers that anybody could read."""
    return b"\x7fELF".ljust(before, b"x") + text + b"y" * 999


def known(path: str, kept: bytes) -> list[tuple[str, str]]:
    found = [item for item in binaries.parse(File(path, kept)) if isinstance(item, Package)]
    assert all(package.evidence and package.evidence.isprintable() for package in found)
    return [(package.name, package.version) for package in found]


@pytest.mark.parametrize(("file", "text", "name", "version"), TEXTS)
def test_what_programs_say_of_themselves(file: str, text: bytes, name: str, version: str) -> None:
    assert known(file, distil([program(text)], b"opt/" + file.encode())) == [(name, version)]
    # Another name, and the text of another program, are nothing.
    assert distil([program(text)], b"usr/bin/something-else") == b""
    others = b"".join(other for other_file, other, *_ in TEXTS if other_file != file)
    assert (name, version) not in known(file, distil([program(others.replace(text, b""))], file.encode()))


@given(st.sampled_from(TEXTS), st.integers(97, 4000), st.integers(4096, 5000))
def test_in_pieces_of_any_size(case: tuple[str, bytes, str, str], size: int, before: int) -> None:
    file, text, name, version = case
    data = program(text, before)
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    assert known(file, distil(pieces, file.encode())) == [(name, version)]


@given(st.sampled_from(TEXTS), st.binary(max_size=300), st.integers(50, 300))
def test_arbitrary_bytes(case: tuple[str, bytes, str, str], noise: bytes, size: int) -> None:
    data = b"\x7fELF" + b"x" * 4096 + noise + case[1] + noise
    kept = distil((data[at : at + size] for at in range(0, len(data), size)), case[0].encode())
    known(case[0], kept)
    known("x", noise + kept[: size % max(1, len(kept))])


def test_every_pattern_has_an_example_and_begins_so_that_it_is_found_fast() -> None:
    entries = tomllib.loads(Path(_recognise.__file__).with_name("binaries.toml").read_text("utf-8"))[
        "program"
    ]
    assert {entry["name"] for entry in entries} == {name for *_, name, _ in TEXTS}
    for entry in entries:
        literal = re.match(r"(?:\\x00|\\0|\\[(.]|[\w /.:@#-]|\\\[)+", entry["text"])
        assert "anchor" in entry or (literal and len(literal[0]) > 2), entry


def test_a_program_full_of_what_it_is_looked_for_by() -> None:
    for file, anchor in (
        ("redis-server", b"-builtin"),
        ("python3.12", b"3.12."),
        ("nginx", b"nginx/1.1.1.1"),
    ):
        chunks = [b"\x7fELF" + b"x" * 4096] + [anchor * 20_000] * 8
        assert known(file, distil(chunks, file.encode())) == []


# ---------------------------------------------------------------- in an image


NODE = program(b"node.js/v20.1.0\0")


def inventoried(*layers: bytes) -> Inventory:
    built = image(layers)
    found = inventory(file_view(built, Limits()), built)
    assert found.problems == ()
    return found


def programs(*entries: tuple[str, bytes, int]) -> bytes:
    return tar([Entry(name, data, mode=mode) for name, data, mode in entries])


def generic(found: Inventory) -> list[tuple[str, str]]:
    return [(package.purl, package.path) for package in found.packages if package.evidence]


def test_evidence_and_place() -> None:
    found = inventoried(programs(("usr/local/bin/node", NODE, 0o755)))
    (package,) = found.packages
    assert (package.purl, package.path) == ("pkg:generic/node@20.1.0", "usr/local/bin/node")
    assert (package.evidence, package.layer and package.layer.index) == ("node.js/v20.1.0", 0)


def test_of_a_layer_each_version_is_told_once() -> None:
    library = program(b"OpenSSL 3.0.22 25 Aug 2026\0")
    layer = programs(("usr/bin/openssl", library, 0o755), ("usr/lib/libcrypto.so.3", library, 0o644))
    assert generic(inventoried(layer)) == [("pkg:generic/openssl@3.0.22", "usr/bin/openssl")]
    other = programs(("opt/libcrypto.so.3", library, 0o755))
    assert [path for _, path in generic(inventoried(layer, other))] == [
        "opt/libcrypto.so.3",
        "usr/bin/openssl",
    ]


def test_libraries_need_not_be_executable_and_links_are_no_second_program() -> None:
    box = program(b"BusyBox v1.36.1 (2023-11\0")
    layer = tar(
        [
            Entry("bin/[", box, mode=0o755),
            Entry("bin/busybox", type=tarfile.LNKTYPE, link="bin/["),
            Entry("lib/libz.so.1", program(b" deflate 1.2.13 Copyright 1995"), mode=0o644),
            Entry("bin/nginx", program(b"nginx/1.22.1\r"), mode=0o644),
            Entry("doc/nginx", b"nginx/1.22.2\r" * 999, mode=0o644),
        ]
    )
    assert generic(inventoried(layer)) == [
        ("pkg:generic/busybox@1.36.1", "bin/["),
        ("pkg:generic/nginx@1.22.1", "bin/nginx"),
        ("pkg:generic/zlib@1.2.13", "lib/libz.so.1"),
    ]


def test_what_the_distribution_brought_is_not_told_twice() -> None:
    base = {"var/lib/dpkg/status": dpkg([("nodejs", "20.1.0-1")])}
    listed = {"var/lib/dpkg/info/nodejs.list": "/usr/bin/node\n", **base}
    node = programs(("usr/bin/node", NODE, 0o755))
    assert len(generic(inventoried(files(base), node))) == 1
    assert generic(inventoried(node, files(listed))) == []
    entry = apk([("nodejs", "20.1.0-r0", "nodejs")]).rstrip("\n") + "\nF:usr/bin\nR:node\nZ:Q1AAAA\n\n"
    assert generic(inventoried(node, files({"lib/apk/db/installed": entry}))) == []


def test_what_replaced_a_file_of_the_distribution_is_told() -> None:
    listed = {
        "var/lib/dpkg/status": dpkg([("nodejs", "20.1.0-1")]),
        "var/lib/dpkg/info/nodejs.list": "/usr/bin/node\n",
    }
    base = (files(listed), programs(("usr/bin/node", NODE, 0o755)))
    squashed = tar(
        [Entry(name, text.encode()) for name, text in listed.items()]
        + [Entry("usr/bin/node", NODE, mode=0o755)]
    )
    copied = programs(("usr/bin/node", NODE, 0o700))
    other = programs(("usr/bin/node", program(b"node.js/v22.2.0\0"), 0o755))
    assert generic(inventoried(squashed)) == []
    assert generic(inventoried(squashed, copied)) == []
    assert generic(inventoried(squashed, other)) == [("pkg:generic/node@22.2.0", "usr/bin/node")]
    # An upgrade of the package in the same layer brings another program as well.
    upgraded = {**listed, "var/lib/dpkg/status": dpkg([("nodejs", "22.2.0-1")])}
    layer = tar(
        [Entry(name, text.encode()) for name, text in upgraded.items()]
        + [Entry("usr/bin/node", program(b"node.js/v22.2.0\0"), mode=0o755)]
    )
    assert generic(inventoried(squashed, layer)) == []
    assert generic(inventoried(*base)) == [("pkg:generic/node@20.1.0", "usr/bin/node")]


@pytest.mark.parametrize(
    ("listed", "stands"),
    [("bin/node", "usr/bin/node"), ("usr/sbin/node", "usr/bin/node"), ("sbin/node", "usr/sbin/node")],
)
def test_merged_directories(listed: str, stands: str) -> None:
    layer = tar(
        [
            Entry("var/lib/dpkg/status", dpkg([("nodejs", "20.1.0-1")]).encode()),
            Entry("var/lib/dpkg/info/nodejs.list", f"/{listed}\n".encode()),
            Entry(stands, NODE, mode=0o755),
        ]
    )
    assert generic(inventoried(layer)) == []


def test_arch() -> None:
    folder = "var/lib/pacman/local/nodejs-20.1.0-1"
    layer = tar(
        [
            Entry(f"{folder}/desc", b"%NAME%\nnodejs\n\n%VERSION%\n20.1.0-1\n\n"),
            Entry(f"{folder}/files", b"%FILES%\nusr/\nusr/bin/\nusr/bin/node\n\n"),
            Entry("usr/bin/node", NODE, mode=0o755),
        ]
    )
    assert generic(inventoried(layer)) == []


def test_erlang() -> None:
    found = inventoried(
        files({"usr/local/lib/erlang/releases/26/OTP_VERSION": "26.2.5.1\n", "OTP_VERSION": "1"})
    )
    assert [(package.purl, package.evidence) for package in found.packages] == [
        ("pkg:generic/erlang@26.2.5.1", "26.2.5.1")
    ]
    assert inventoried(files({"releases/26/OTP_VERSION": "who knows"})).packages == ()


def test_of_a_root_filesystem(tmp_path: Path) -> None:
    for name, mode in (("bin/node", 0o755), ("lib/libnode.so.115", 0o644), ("share/node.txt", 0o644)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(NODE)
        (tmp_path / name).chmod(mode)
    with open_image(f"dir:{tmp_path}") as built:
        found = inventory(file_view(built, Limits()), built)
    assert generic(found) == [("pkg:generic/node@20.1.0", "bin/node")]
