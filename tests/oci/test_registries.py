"""registries.conf: which places an image may be had from, and what is wrong with a file."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import UsageError
from secpipe.oci import registries
from secpipe.oci.reference import parse
from secpipe.oci.registries import Place, places

DIGEST = "sha256:" + "0123456789abcdef" * 4
HEAD = "[[registry]]\n"


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and a folder in the place of /etc/containers, both empty."""
    (tmp_path / "etc").mkdir()
    monkeypatch.setattr(registries, "_SYSTEM", tmp_path / "etc")
    return tmp_path


def asked(folder: Path, text: str, image: str) -> list[str]:
    """The places for an image by what a file says; an insecure one ends with `!`, a blocked one with `#`."""
    file = folder / "registries.conf"
    file.write_text(text)
    found = places(parse(image), {"CONTAINERS_REGISTRIES_CONF": str(file)})
    return [f"{place.reference}{'!' * place.insecure}{'#' * bool(place.blocked)}" for place in found]


def test_no_file_at_all(nobody: Path) -> None:
    assert places(parse("alpine"), {"HOME": str(nobody)}) == (Place(parse("alpine")),)
    assert places(parse("alpine"), {}) == (Place(parse("alpine")),)


MANUAL = """
unqualified-search-registries = ["example.com"]
short-name-mode = "enforcing"
credential-helpers = ["containers-auth.json"]
something-of-the-future = {x = 1}

[[registry]]
prefix = "example.com/foo"
insecure = false
blocked = false
location = "internal-registry-for-example.com/bar"

[[registry.mirror]]
location = "example-mirror-0.local/mirror-for-foo"

[[registry.mirror]]
location = "example-mirror-1.local/mirrors/foo/"
insecure = true

[[registry]]
location = "registry.com"

[[registry.mirror]]
location = "mirror.registry.com"

[aliases]
foo = "example.com/foo/foo"
"""


def test_the_example_of_the_manual(nobody: Path) -> None:
    assert asked(nobody, MANUAL, "example.com/foo/image:latest") == [
        "example-mirror-0.local/mirror-for-foo/image:latest",
        "example-mirror-1.local/mirrors/foo/image:latest!",
        "internal-registry-for-example.com/bar/image:latest",
    ]
    assert asked(nobody, MANUAL, f"registry.com/image:1@{DIGEST}") == [
        f"mirror.registry.com/image:1@{DIGEST}",
        f"registry.com/image:1@{DIGEST}",
    ]
    assert asked(nobody, MANUAL, "foo") == ["docker.io/library/foo:latest"]


@pytest.mark.parametrize(
    ("prefix", "image", "fits"),
    [
        ("example.com", "example.com/a/b:1", True),
        ("example.com/", "example.com/a/b:1", True),
        ("example.com/a", "example.com/a/b:1", True),
        ("example.com/a/b", "example.com/a/b:1", True),
        ("example.com/a/b/c", "example.com/a/b:1", False),
        ("example.com/a", "example.com/ab:1", False),
        ("example.com", "example.com:5000/a:1", False),
        ("example.com:5000", "example.com:5000/a:1", True),
        ("example.com", "example.comx/a:1", False),
        ("example.com", "sub.example.com/a:1", False),
        ("Example.COM", "example.com/a:1", True),
        ("example.com", "EXAMPLE.com/a:1", True),
        ("*.example.com", "sub.example.com/a:1", True),
        ("*.example.com", "sub.sub.example.com:5000/a:1", True),
        ("*.example.com", "example.com/a:1", False),
        ("*.example.com", "subexample.com/a:1", False),
        ("*.example.com", "sub.example.com.net/a:1", False),
        ("*.example.com", "elsewhere.net/sub.example.com/a:1", False),
        ("*.com", "a.b.c.com/a:1", True),
        ("docker.io", "alpine", True),
        ("docker.io/library", "alpine", True),
        ("docker.io/alpine", "alpine", False),
        ("[::1]:5000", "[::1]:5000/a:1", True),
        # Tags and digests are no part of what is compared.
        ("example.com/a:1", "example.com/a:1", False),
    ],
)
def test_prefixes(nobody: Path, prefix: str, image: str, fits: bool) -> None:
    text = f'{HEAD}prefix = "{prefix}"\nlocation = "{prefix}"\ninsecure = true\n'
    if prefix.startswith("*"):
        text = text.replace(f"location = {prefix!r}".replace("'", '"'), "")
    assert asked(nobody, text, image) == [f"{parse(image)}{'!' * fits}"]


def test_the_longest_prefix_counts(nobody: Path) -> None:
    wild = "".join(
        f'{HEAD}prefix = "{prefix}"\nlocation = "{location}"\n'
        for prefix, location in {
            "*.example.com": "wide.test",
            "a.example.com/x": "exact.test/y",
            "*.b.example.com": "narrow.test",
            "a.example.com": "host.test:1/z",
        }.items()
    )
    assert asked(nobody, wild, "a.example.com/x/i:1") == ["exact.test/y/i:1"]
    assert asked(nobody, wild, "a.example.com/x:1") == ["exact.test/y:1"]
    assert asked(nobody, wild, "a.example.com/xx:1") == ["host.test:1/z/xx:1"]
    assert asked(nobody, wild, "c.example.com:5000/i:1") == ["wide.test:5000/i:1"]
    assert asked(nobody, wild, "c.b.example.com/i:1") == ["narrow.test/i:1"]


USE = """
[[registry]]
location = "b.com"
mirror-by-digest-only = true
mirror = [{location = "m1.com"}, {location = "m2.com"}]

[[registry]]
location = "g.com"
mirror = [
  {location = "m1.com", pull-from-mirror = "digest-only"},
  {location = "m2.com", pull-from-mirror = "tag-only"},
  {location = "m3.com"},
  {location = "m4.com", pull-from-mirror = "all"},
]
"""


def test_mirrors_for_digests_and_for_tags(nobody: Path) -> None:
    hosts = {
        image: [place.partition("/")[0] for place in asked(nobody, USE, image)]
        for image in ("b.com/i:1", f"b.com/i@{DIGEST}", "g.com/i:1", f"g.com/i:1@{DIGEST}")
    }
    assert hosts == {
        "b.com/i:1": ["b.com"],
        f"b.com/i@{DIGEST}": ["m1.com", "m2.com", "b.com"],
        "g.com/i:1": ["m2.com", "m3.com", "m4.com", "g.com"],
        f"g.com/i:1@{DIGEST}": ["m1.com", "m3.com", "m4.com", "g.com"],
    }
    environ = {"CONTAINERS_REGISTRIES_CONF": str(nobody / "registries.conf")}
    found = places(parse(f"g.com/i@{DIGEST}"), environ, tagged=True)
    assert [place.reference.registry for place in found] == ["m1.com", "m2.com", "m3.com", "m4.com", "g.com"]


def test_what_is_blocked(nobody: Path) -> None:
    """The location is, whoever leads there; a mirror stays open, as where a cluster never asks the source itself."""
    text = f"""
{HEAD}location = "docker.io"
blocked = true
mirror = [{{location = "m.test/hub"}}, {{location = "bad.test/hub"}}]
{HEAD}location = "bad.test"
blocked = true
{HEAD}prefix = "alias.test"
location = "bad.test/x"
{HEAD}prefix = "*.wild.test"
blocked = true
"""
    assert asked(nobody, text, "alpine:3") == [
        "m.test/hub/library/alpine:3",
        "bad.test/hub/library/alpine:3#",
        "docker.io/library/alpine:3#",
    ]
    assert asked(nobody, text, "alias.test/i:1") == ["bad.test/x/i:1#"]
    assert asked(nobody, text, "a.wild.test:1/i:1") == ["a.wild.test:1/i:1#"]
    (place,) = places(parse("bad.test/i"), {"CONTAINERS_REGISTRIES_CONF": str(nobody / "registries.conf")})
    assert place.blocked == f"{nobody / 'registries.conf'}:6 blocks bad.test"


def test_a_whole_name_moves(nobody: Path) -> None:
    text = f'{HEAD}prefix = "docker.io/library/app"\nlocation = "here.test/our/app"\n'
    assert asked(nobody, text, "app:1") == ["here.test/our/app:1"]
    assert asked(nobody, text, "apps:1") == ["docker.io/library/apps:1"]


def test_keys_are_read_as_go_reads_them(nobody: Path) -> None:
    text = '[[Registry]]\nLocation = "a.test"\nBLOCKED = true\n'
    assert asked(nobody, text, "a.test/i:1") == ["a.test/i:1#"]


def test_files(nobody: Path) -> None:
    """The variable's, else the user's, else the system's; drop-ins override by prefix, and the user's own file ends it."""

    def write(file: Path, **locations: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            "".join(
                f'{HEAD}prefix = "{prefix}.test"\nlocation = "{to}"\n' for prefix, to in locations.items()
            )
        )

    def found(**environ: str) -> list[str]:
        environ = {"HOME": str(nobody), **environ}
        return [places(parse(f"{name}.test/i"), environ)[0].reference.registry for name in "abcd"]

    system, own = nobody / "etc", nobody / ".config" / "containers"
    write(system / "registries.conf", a="system.test", b="system.test", c="system.test", d="system.test")
    write(
        system / "registries.conf.d" / "20.conf", b="system-20.test", c="system-20.test", d="system-20.test"
    )
    write(system / "registries.conf.d" / "10.conf", b="system-10.test")
    write(system / "registries.conf.d" / "30.conf.off", a="off.test")
    (system / "registries.conf.d" / "40.conf").mkdir()
    (system / "registries.conf.d" / "50.conf").symlink_to("nowhere")
    write(own / "registries.conf.d" / "1.conf", c="own-1.test")
    assert found() == ["system.test", "system-20.test", "own-1.test", "system-20.test"]
    assert found(HOME="") == ["system.test", "system-20.test", "system-20.test", "system-20.test"]
    write(nobody / "named.conf", a="named.test", b="named.test")
    named = str(nobody / "named.conf")
    assert found(CONTAINERS_REGISTRIES_CONF=named) == [
        "named.test",
        "system-20.test",
        "own-1.test",
        "system-20.test",
    ]
    write(own / "registries.conf", d="own.test")
    assert found() == ["a.test", "b.test", "own-1.test", "own.test"]
    assert found(CONTAINERS_REGISTRIES_CONF="") == found()


def test_of_one_prefix_the_first_counts(nobody: Path) -> None:
    text = f'{HEAD}prefix = "a.test"\nlocation = "b.test"\n{HEAD}prefix = "a.test"\nlocation = "c.test"\n'
    assert asked(nobody, text, "a.test/i:1") == ["b.test/i:1"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[[registry]\n", ":1:", "no valid TOML: "),
        (f'{HEAD}location = "a\n', ":2:", "no valid TOML: "),
        ("x = [\n1,\n", ":", "no valid TOML: "),
        ("x = " + "[" * 100_000, ":1:", "no valid TOML: "),
        ("\n[registries.search]\nregistries = ['docker.io']\n", ":2:", "is version 1 of the format"),
        ("[registries]\nblock = {registries = ['x']}\n", ":1:", "is version 1 of the format"),
        ("registries.insecure.registries = ['x']\n", ":1:", "is version 1 of the format"),
        ("registry = 1\n", ":", "registry is no array of tables"),
        ('[registry]\nlocation = "a.test"\n', ":", "registry is no array of tables"),
        ('registry = ["a.test"]\n', ":", "registry is no table"),
        (f"\n{HEAD}", ":2:", "registry has neither prefix nor location"),
        (f'{HEAD}location = "a.test"\n{HEAD}prefix = "b.test"\n', ":3:", "registry has no location"),
        (f'{HEAD}prefix = "*.test/x"\n', ":1:", "behind a * only a host"),
        (f'{HEAD}prefix = "*.test:5000"\nlocation = "a"\n', ":1:", "behind a * only a host"),
        (f'{HEAD}location = "https://a.test"\n', ":1:", "a URL as location, 'https://a.test'"),
        (f"{HEAD}location = 1\n", ":1:", "has no text as location"),
        (f'{HEAD}location = "a.test"\ninsecure = "true"\n', ":1:", "neither true nor false as insecure"),
        (f'{HEAD}location = "a.test"\nblocked = 1\n', ":1:", "neither true nor false as blocked"),
        (f'{HEAD}location = "a.test"\npull-from-mirror = "all"\n', ":1:", "which is for its mirrors"),
        (f'{HEAD}location = "a.test"\nmirror = "m.test"\n', ":1:", "has no array of tables as mirror"),
        (f'{HEAD}location = "a.test"\n[[registry.mirror]]\n', ":1:", "mirror 1 has no location"),
        (
            f'{HEAD}location = "a.test"\nmirror = [{{location = "m.test", pull-from-mirror = "never"}}]\n',
            ":1:",
            "mirror 1 has pull-from-mirror 'never', which is none of",
        ),
        (
            f'{HEAD}location = "a.test"\nmirror-by-digest-only = true\n'
            '[[registry.mirror]]\nlocation = "m.test"\npull-from-mirror = "all"\n',
            ":1:",
            "mirror 1 has pull-from-mirror, though",
        ),
        # Of the image that is asked for:
        (f'{HEAD}prefix = "docker.io"\nlocation = "mirror"\n', ":1:", "'mirror' leads to no image"),
        (f'{HEAD}prefix = "docker.io"\nlocation = "a.test/UP"\n', ":1:", "upper-case letters"),
        (f'{HEAD}prefix = "docker.io"\nlocation = "a.test/../x"\n', ":1:", "is no image reference"),
        (f'{HEAD}prefix = "docker.io/library/app"\nlocation = "docker.io/app"\n', ":1:", "write library/"),
        (f'{HEAD}prefix = "docker.io/library/app"\nlocation = "a.test/app:2"\n', ":1:", "is no image"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(nobody: Path, text: str, line: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        asked(nobody, text, "app:1")
    assert raised.value.message.startswith(f"{nobody / 'registries.conf'}{line}"), raised.value.message
    assert raised.value.hint
    assert says in f"{raised.value.message} {raised.value.hint}"


def test_files_that_cannot_be_read(nobody: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.conf: the configuration cannot be read"):
        places(parse("app"), {"CONTAINERS_REGISTRIES_CONF": str(nobody / "none.conf")})
    with pytest.raises(UsageError, match="cannot be read"):
        places(parse("app"), {"CONTAINERS_REGISTRIES_CONF": str(nobody)})
    file = nobody / "etc" / "registries.conf"
    file.write_bytes(b"# caf\xe9\n")
    with pytest.raises(UsageError, match=r"registries\.conf:1: the configuration is no UTF-8"):
        places(parse("app"), {})
    file.write_bytes(b"#" * (2 << 20))
    with pytest.raises(UsageError, match="more than"):
        places(parse("app"), {})


def test_folders_that_may_not_be_read(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(UsageError, match=r"registries\.conf\.d cannot be read: Permission denied"):
        places(parse("app"), {})


_KEYS = ["location", "prefix", "insecure", "blocked", "mirror", "pull-from-mirror", "mirror-by-digest-only"]
_VALUES = ["'docker.io'", "'*.io'", "'a.test/x'", "'*'", "''", "'/'", "true", "1", "{}", "[]", "[{}]"]
_VALUES += ["[{location = 'm.test'}]", "'all'", "'digest-only'", "'docker.io/library'"]
_TABLES = st.tuples(
    st.sampled_from([HEAD, "[[registry.mirror]]\n", "[registry]\n", "[registries]\n", ""]),
    st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_VALUES), max_size=4),
).map(lambda table: table[0] + "".join(f"{key} = {value}\n" for key, value in table[1].items()))


@given(st.binary(max_size=200) | st.lists(_TABLES, max_size=4).map(lambda tables: "".join(tables).encode()))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.conf"
    file.write_bytes(data)
    with contextlib.suppress(UsageError):
        assert places(parse("alpine"), {"CONTAINERS_REGISTRIES_CONF": str(file)})
