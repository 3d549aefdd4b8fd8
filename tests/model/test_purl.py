"""Package URLs as others write them, against the library that defines their canonical form."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.model.purl import Purl, package_name, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkg:npm/%40angular/core@12.0.0", Purl("npm", "@angular", "core", "12.0.0", {})),
        # Written without escapes, as many do.
        ("pkg:npm/@angular/core@12.0.0", Purl("npm", "@angular", "core", "12.0.0", {})),
        ("pkg:npm/@angular/core", Purl("npm", "@angular", "core", "", {})),
        ("pkg:npm/evil@file:../x", Purl("npm", "", "evil", "file:../x", {})),
        ("pkg:npm/@a/b@git+ssh://git@h/c.git", Purl("npm", "@a", "b", "git+ssh://git@h/c.git", {})),
        ("PKG://Deb/debian/curl@7", Purl("deb", "debian", "curl", "7", {})),
        # Go's modules keep their letters: advisories know them so.
        (
            "pkg:golang/github.com/Masterminds/goutils@v1.1.0#sub",
            Purl("golang", "github.com/Masterminds", "goutils", "v1.1.0", {}),
        ),
        (
            "pkg:deb/debian/bsdutils@1:2.38.1-5%2Bb1?Arch=amd64&upstream=util-linux%402.38.1-5&arch=x&epoch=",
            Purl(
                "deb",
                "debian",
                "bsdutils",
                "1:2.38.1-5+b1",
                {"arch": "amd64", "upstream": "util-linux@2.38.1-5"},
            ),
        ),
        ("pkg:generic/a%2Fb@1%2F2", Purl("generic", "", "a/b", "1/2", {})),
    ],
)
def test_parts(text: str, expected: Purl) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "curl@1", "http://a/b", "pkg:deb", "pkg:9x/a", "pkg:a/b%ff"])
def test_malformed(text: str) -> None:
    with pytest.raises(ValueError, match=r"begin|type|name|UTF-8"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("pkg:npm/%40angular/core@1", "@angular/core"),
        ("pkg:maven/org.apache.commons/commons-text@1.9", "org.apache.commons:commons-text"),
        ("pkg:golang/github.com/a/b@v1", "github.com/a/b"),
        ("pkg:golang/stdlib@1.22.1", "stdlib"),
        ("pkg:composer/symfony/http@1", "symfony/http"),
        ("pkg:deb/debian/curl@7", "curl"),
        ("pkg:pypi/flask@1", "flask"),
    ],
)
def test_the_name_that_advisories_use(text: str, name: str) -> None:
    assert package_name(parse(text)) == name


@given(
    st.text() | st.text().map(lambda text: "pkg:" + text) | st.from_regex(r"pkg:[a-z]+/[a-zA-Z%@/?&=#0-9]*")
)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert parse(text).name


_words = st.text(st.characters(categories=("L", "N", "P", "S"), exclude_characters="/"), min_size=1).filter(
    # The library strips these.
    lambda text: text not in (".", "..")
)


@given(
    st.sampled_from(["generic", "npm", "cargo"]),
    st.lists(_words, max_size=2),
    _words,
    st.just("") | _words,
    st.dictionaries(st.from_regex(r"[a-z]{2,5}", fullmatch=True), _words, max_size=2),
)
def test_what_the_library_writes_is_read_back(
    type: str, namespace: list[str], name: str, version: str, qualifiers: dict[str, str]
) -> None:
    from packageurl import PackageURL

    written = PackageURL(type, "/".join(namespace), name, version, qualifiers)
    found = parse(written.to_string())
    assert found.type == written.type
    assert found.namespace == (written.namespace or "")
    assert found.name == written.name
    assert found.version == (written.version or "")
    assert found.qualifiers == {key: value for key, value in written.qualifiers.items() if value}
