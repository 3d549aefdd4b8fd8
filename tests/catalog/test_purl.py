"""Package URLs against the library that defines their canonical form."""

from __future__ import annotations

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


_words = st.text(
    # The library's parser takes an encoded slash in a name for a separator.
    st.characters(max_codepoint=0x2FFF, categories=("L", "N", "P", "S"), exclude_characters="/"),
    min_size=1,
)


@given(
    st.sampled_from(["apk", "deb", "pypi"]), _words, _words, _words, st.sampled_from([None, DEBIAN, ALPINE])
)
def test_any_package_survives(
    type_: str, name: str, version: str, arch: str, distribution: Distribution | None
) -> None:
    from packageurl import PackageURL

    package = Package(name, version, type_, "path", arch=arch)
    parsed = PackageURL.from_string(purl(package, distribution))
    assert parsed.version == version
    if type_ != "pypi":
        assert parsed.name == name.lower()
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
