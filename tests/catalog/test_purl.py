"""Package URLs against the library that defines their canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog._purl import purl
from secpipe.model.package import Distribution, Package

DEBIAN, ALPINE = Distribution("debian", "12"), Distribution("alpine", "3.18.4")


def test_examples() -> None:
    def of(type_: str, name: str, version: str, arch: str = "") -> Package:
        return Package(name, version, type_, "path", arch=arch)

    assert purl(of("apk", "busybox", "1.36.1-r5", "x86_64"), ALPINE) == (
        "pkg:apk/alpine/busybox@1.36.1-r5?arch=x86_64&distro=alpine-3.18.4"
    )
    assert purl(of("deb", "libssl3", "3.0.9-1", "amd64"), DEBIAN) == (
        "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12"
    )
    assert (
        purl(of("deb", "libstdc++6", "1:2~a+b", "amd64"), None)
        == "pkg:deb/libstdc%2B%2B6@1:2~a%2Bb?arch=amd64"
    )
    assert purl(of("pypi", "Foo_Bar.-baz", "2.0"), DEBIAN) == "pkg:pypi/foo-bar-baz@2.0"
    rolling = Distribution("arch", "")
    assert purl(of("apk", "a", "1"), rolling) == "pkg:apk/arch/a@1?distro=arch"
    assert (
        purl(of("alpm", "zlib", "1:1.3-2", "any"), rolling)
        == "pkg:alpm/arch/zlib@1:1.3-2?arch=any&distro=arch"
    )


@pytest.mark.parametrize(
    ("type_", "name", "version", "expected"),
    [
        ("npm", "@babel/core", "7.0.0-rc.1+b", "pkg:npm/%40babel/core@7.0.0-rc.1%2Bb"),
        ("npm", "JSONStream", "1.3.5", "pkg:npm/jsonstream@1.3.5"),
        ("composer", "Monolog/Monolog", "dev-main", "pkg:composer/monolog/monolog@dev-main"),
        ("gem", "RedCloth", "4.3.3", "pkg:gem/RedCloth@4.3.3"),
        ("nuget", "Newtonsoft.Json", "13.0.3", "pkg:nuget/Newtonsoft.Json@13.0.3"),
        ("cran", "R6", "2.5-1", "pkg:cran/R6@2.5-1"),
        ("bioconductor", "limma", "3.58.1", "pkg:bioconductor/limma@3.58.1"),
        ("conda", "_libgcc_mutex", "0.1", "pkg:conda/_libgcc_mutex@0.1"),
        ("hex", "Phoenix", "1.7.10", "pkg:hex/phoenix@1.7.10"),
        ("otp", "ssl", "11.0", "pkg:otp/ssl@11.0"),
    ],
)
def test_languages(type_: str, name: str, version: str, expected: str) -> None:
    from packageurl import PackageURL

    ours = purl(Package(name, version, type_, "path"), DEBIAN)
    assert ours == expected
    assert ours == PackageURL.from_string(expected).to_string()


def test_qualifiers_of_their_own() -> None:
    from packageurl import PackageURL

    qualifiers = (("build", "py36_0+x"), ("channel", "main"), ("subdir", "linux-64"))
    ours = purl(Package("absl-py", "0.4.1", "conda", "path", qualifiers=qualifiers), None)
    assert ours == "pkg:conda/absl-py@0.4.1?build=py36_0%2Bx&channel=main&subdir=linux-64"
    assert PackageURL.from_string(ours).qualifiers == dict(qualifiers)


_words = st.text(
    # The library's parser takes an encoded slash in a name for a separator.
    st.characters(max_codepoint=0x2FFF, categories=("L", "N", "P", "S"), exclude_characters="/"),
    min_size=1,
)


@given(
    st.sampled_from(["apk", "conda", "deb", "gem", "hex", "npm", "nuget", "pypi"]),
    _words,
    _words,
    _words,
    st.sampled_from([None, DEBIAN, ALPINE]),
)
def test_any_package_survives(
    type_: str, name: str, version: str, arch: str, distribution: Distribution | None
) -> None:
    from packageurl import PackageURL

    package = Package(name, version, type_, "path", arch=arch)
    parsed = PackageURL.from_string(purl(package, distribution))
    assert parsed.version == version
    if type_ in ("conda", "gem", "nuget"):
        assert parsed.name == name
    elif type_ != "pypi":
        assert parsed.name == name.lower()
    if type_ in ("apk", "deb"):
        assert parsed.qualifiers.get("arch") == arch


@given(
    st.sampled_from(["deb", "apk"]),
    st.from_regex(r"[a-z0-9][a-z0-9.-]*", fullmatch=True),
    st.from_regex(r"[0-9][A-Za-z0-9.+~:-]*", fullmatch=True),
    st.sampled_from([DEBIAN, ALPINE]),
)
def test_canonical(type_: str, name: str, version: str, distribution: Distribution) -> None:
    from packageurl import PackageURL

    ours = purl(Package(name, version, type_, "path", arch="amd64"), distribution)
    qualifiers = {"arch": "amd64", "distro": f"{distribution.id}-{distribution.version_id}"}
    assert ours == PackageURL(type_, distribution.id, name, version, qualifiers).to_string()
