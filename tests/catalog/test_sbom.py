"""Lists of packages, ours and others': what is read of them, and what cannot be is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.catalog import read_sbom
from secpipe.catalog._purl import purl
from secpipe.catalog._sbom import Listed
from secpipe.errors import LimitExceeded, SecpipeError, UndecidedError
from secpipe.model.limits import Limits
from secpipe.model.package import Distribution, LayerRef, Package, Source
from secpipe.model.problem import Problem
from secpipe.model.sbom import Bom
from secpipe.model.scan import Target
from secpipe.report import render

PEERS = Path(__file__).parent / "sboms"
DEBIAN = Distribution("debian", "12")


def read(document: Any, limits: Limits | None = None) -> Listed:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_sbom(data, "the list", limits or Limits())


def cyclonedx(*components: Any, **more: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": list(components), **more}


def spdx(*packages: Any, **more: Any) -> dict[str, Any]:
    return {"spdxVersion": "SPDX-2.3", "packages": list(packages), **more}


def component(purl: str, **more: Any) -> dict[str, Any]:
    return {"type": "library", "name": "x", "purl": purl, **more}


def located(purl: str, **more: Any) -> dict[str, Any]:
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
    return {"SPDXID": "SPDXRef-1", "name": "x", "externalRefs": [reference], **more}


def package_of(*purls: str, **more: Any) -> dict[str, Any]:
    references = [reference for purl in purls for reference in located(purl)["externalRefs"]]
    return {"SPDXID": "SPDXRef-2", "name": "x", "externalRefs": references, **more}


def told(found: Listed) -> set[str]:
    return {problem.code for problem in found.problems}


# ---------------------------------------------------------------- of other programs


@pytest.mark.parametrize("file", sorted(PEERS.glob("*.json")), ids=lambda file: file.name)
def test_what_syft_and_trivy_write(file: Path) -> None:
    found = read(file.read_bytes())
    assert found.problems == ()
    assert found.distribution is not None
    assert (found.distribution.id, found.distribution.version_id[:2]) == ("debian", "12")
    assert found.is_image
    known = {
        ("bsdutils", "1:2.38.1-5+b1", Source("util-linux", "2.38.1-5"), "amd64"),
        ("libssl3", "3.0.11-1~deb12u2", Source("openssl", "3.0.11-1~deb12u2"), "amd64"),
        ("zlib1g", "1:1.2.13.dfsg-1", Source("zlib", "1:1.2.13.dfsg-1"), "amd64"),
        ("flask", "2.2.2", None, ""),
    }
    assert {(p.name.lower(), p.version, p.source, p.arch) for p in found.packages} == known


def test_the_bytes_of_an_image_are_known_by_what_lists_say_of_it() -> None:
    assert read((PEERS / "syft.cdx.json").read_bytes()).digest.startswith("sha256:")
    container = {"type": "container", "name": "a", "purl": f"pkg:oci/a@sha256%3A{'a' * 64}?arch=arm64"}
    found = read(cyclonedx(metadata={"component": container}))
    assert found.digest == "sha256:" + "a" * 64
    assert str(found.platform) == "linux/arm64"


@pytest.mark.parametrize(
    ("purl", "distribution"),
    [
        ("pkg:deb/debian/a@1?distro=debian-12", "debian 12"),
        ("pkg:deb/debian/a@1?distro=debian-trixie/sid", "debian trixie/sid"),
        ("pkg:apk/alpine/a@1?distro=3.18.3", "alpine 3.18.3"),
        ("pkg:apk/alpine/a@1?distro=alpine-3.20.0_alpha20231219", "alpine 3.20.0_alpha20231219"),
        ("pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5", "opensuse-leap 15.5"),
        ("pkg:rpm/opensuse/a@1?distro=opensuse-tumbleweed", "opensuse-tumbleweed"),
        ("pkg:rpm/redhat/a@1?distro=redhat-9.2", "rhel 9.2"),
        ("pkg:rpm/alma/a@1?distro=alma-9.2", "almalinux 9.2"),
        ("pkg:apk/wolfi/a@1?distro=wolfi", "wolfi"),
        ("pkg:pypi/a@1?distro=debian-12", "None"),
        # Codenames: the specification's own example, and what else the names of releases are written with.
        ("pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", "debian 8"),
        ("pkg:deb/debian/a@1?distro=bookworm", "debian 12"),
        ("pkg:deb/debian/a@1?distro=Bookworm", "debian 12"),
        ("pkg:deb/debian/a@1?distro=debian-bookworm", "debian 12"),
        ("pkg:deb/a@1?distro=debian-bookworm", "debian 12"),
        ("pkg:deb/ubuntu/a@1?distro=jammy", "ubuntu 22.04"),
        ("pkg:deb/ubuntu/a@1?distro=ubuntu-jammy", "ubuntu 22.04"),
        ("pkg:deb/ubuntu/a@1?distro=ubuntu-24.04", "ubuntu 24.04"),
        # Whose it is, or which, is not certain.
        ("pkg:deb/raspbian/a@1?distro=bookworm", "raspbian bookworm"),
        ("pkg:deb/raspbian/a@1?distro=raspbian-bookworm", "raspbian bookworm"),
        ("pkg:deb/ubuntu/a@1?distro=bookworm", "ubuntu bookworm"),
        ("pkg:deb/a@1?distro=bookworm", "bookworm"),
        ("pkg:deb/debian/a@1?distro=sid", "sid"),
        ("pkg:deb/debian/a@1?distro=debian-sid", "debian sid"),
        ("pkg:deb/debian/a@1?distro=bookworm-backports", "bookworm-backports"),
        ("pkg:rpm/a@1?distro=bookworm", "bookworm"),
    ],
)
def test_the_distribution_that_only_packages_name(purl: str, distribution: str) -> None:
    assert str(read(spdx(located(purl))).distribution) == distribution


def test_a_codename_and_its_number_are_one_release() -> None:
    system = {"type": "operating-system", "name": "debian", "version": "bookworm"}
    of = [
        component(f"pkg:deb/debian/{n}@1?distro={n}&upstream=b")
        for n in ("bookworm", "debian-12.5", "debian-bookworm")
    ]
    found = read(cyclonedx(system, *of))
    assert (str(found.distribution), len(found.packages), told(found)) == ("debian 12", 3, set())
    other = component("pkg:deb/debian/x@1?distro=bullseye&upstream=b")
    assert told(read(cyclonedx(system, *of, other))) == {"mixed-distributions"}


def test_packages_of_another_distribution_are_told_and_left_out() -> None:
    system = {"type": "operating-system", "name": "debian", "version": "12"}
    found = read(
        cyclonedx(
            system,
            component("pkg:deb/debian/a@1?distro=debian-12.5&upstream=b"),
            component("pkg:deb/debian/old@1?distro=debian-11"),
            component("pkg:deb/ubuntu/b@1?distro=ubuntu-22.04"),
        )
    )
    assert [package.name for package in found.packages] == ["a"]
    assert told(found) == {"mixed-distributions"}
    assert "ubuntu 22.04" in found.problems[0].message
    other = {"type": "operating-system", "name": "alpine", "version": "3.18"}
    assert told(read(cyclonedx(system, other))) == {"mixed-distributions"}


def test_epochs_sources_and_modules() -> None:
    found = read(
        cyclonedx(
            component("pkg:rpm/redhat/bash@5.1-6.el9?epoch=1&upstream=bash-5.1-6.el9.src.rpm&rpmmod=a:1"),
            component("pkg:deb/debian/b@2:1.0?epoch=1&upstream=c%401.0"),
        )
    )
    deb, rpm = found.packages
    assert (rpm.version, rpm.source, rpm.module) == ("1:5.1-6.el9", Source("bash", "5.1-6.el9"), "a:1")
    assert (deb.version, deb.source) == ("2:1.0", Source("c", "1.0"))


def test_a_list_without_source_packages_is_told() -> None:
    bare = component("pkg:deb/debian/libssl3@3?distro=debian-12")
    assert told(read(cyclonedx(bare))) == {"unknown-source"}
    assert told(read(spdx(located(bare["purl"])))) == {"unknown-source"}
    # Syft leaves it out where it is the package's own name.
    for tools in ([{"name": "Syft"}], {"components": [{"name": "syft"}]}):
        assert told(read(cyclonedx(bare, metadata={"tools": tools}))) == set()
    created = {"creators": ["Organization: x", "Tool: buildkit-v0.16.0", "Tool: syft-v0.105.0"]}
    assert told(read(spdx(located(bare["purl"]), creationInfo=created))) == set()
    assert told(read(cyclonedx(component("pkg:rpm/fedora/a@1")))) == set()


def test_spelling_and_groups() -> None:
    found = read(
        cyclonedx(
            component("pkg:pypi/pyyaml@5", name="PyYAML"),
            component("pkg:npm/%40a/b@1", name="b", group="@a"),
            component("pkg:maven/org.a/b@1", name="b", group="org.a"),
            component("pkg:golang/github.com/A/B@v1", name="github.com/A/B"),
            component("pkg:cargo/c", name="other", version="3"),
        )
    )
    assert {(p.name, p.version) for p in found.packages} == {
        ("PyYAML", "5"),
        ("@a/b", "1"),
        ("org.a:b", "1"),
        ("github.com/A/B", "v1"),
        ("c", "3"),
    }


def test_components_within_components() -> None:
    nested: dict[str, Any] = component("pkg:npm/deep@1")
    for _ in range(5):
        nested = {"type": "application", "name": "lock", "purl": "pkg:npm/a@1", "components": [nested]}
    main = {"type": "application", "name": "me", "components": [component("pkg:npm/within@1")]}
    document = cyclonedx(nested, metadata={"component": main})
    assert {p.name for p in read(document).packages} == {"a", "deep", "within"}
    shallow = read(document, Limits(sbom_depth=3))
    assert {p.name for p in shallow.packages} == {"a", "within"}
    assert "limit sbom-depth" in shallow.problems[0].message


# ---------------------------------------------------------------- what cannot be understood


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (cyclonedx({"type": "library", "name": "left"}), "unidentified-package"),
        (cyclonedx(component("npm/a@1")), "unidentified-package"),
        (cyclonedx(component("pkg:npm/%ff@1")), "unidentified-package"),
        (cyclonedx(component("pkg:pypi/%0A%20pyyaml@5.3")), "unidentified-package"),
        (cyclonedx(component("pkg:pypi/%20pyyaml@5.3")), "unidentified-package"),
        (cyclonedx("text"), "malformed-sbom"),
        (cyclonedx({"type": "library", "name": 1, "purl": ["pkg:npm/a@1"]}), "malformed-sbom"),
        (cyclonedx(components={"a": 1}), "malformed-sbom"),
        (cyclonedx(component("pkg:npm/a@1", properties=[{"name": 1}])), "malformed-sbom"),
        (cyclonedx(compositions=[{"aggregate": "incomplete_first_party_only"}]), "incomplete-sbom"),
        (spdx({"name": "left", "SPDXID": "SPDXRef-a"}), "unidentified-package"),
        (spdx({"name": "left", "externalRefs": [{"referenceType": "cpe23Type"}]}), "unidentified-package"),
        (spdx(packages=7), "malformed-sbom"),
        (spdx(None), "malformed-sbom"),
    ],
)
def test_problems(document: Any, code: str) -> None:
    found = read({key: value for key, value in document.items() if value != []})
    assert code in told(found)
    assert all(problem.hint and problem.coverage for problem in found.problems)


def test_what_is_no_package_is_no_problem() -> None:
    kinds = ("file", "container", "data", "machine-learning-model", "cryptographic-asset")
    lock = {
        "type": "application",
        "name": "package-lock.json",
        "properties": [{"name": "aquasecurity:trivy:Class", "value": "lang-pkgs"}],
    }
    assert read(cyclonedx(lock, *({"type": kind, "name": "a"} for kind in kinds))).problems == ()
    root = {"SPDXID": "SPDXRef-root", "name": "app"}
    describes = {
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": "SPDXRef-root",
    }
    assert read(spdx(root, relationships=[describes])).problems == ()
    assert read(spdx(root, documentDescribes=["SPDXRef-root"])).problems == ()
    unresolved = {"type": "dependencies", "aggregate": "incomplete", "dependencies": ["a"]}
    assert read(cyclonedx(compositions=[unresolved])).problems == ()


def test_every_package_url_of_an_spdx_package_counts() -> None:
    """As Red Hat's lists have them, the same package in several repositories; or one thing as several ecosystems call it."""
    rhel = "pkg:rpm/redhat/openssl@3.0.7-18.el9_2?arch=x86_64&repository_id="
    repositories = package_of(*(f"{rhel}rhel-9-for-x86_64-{one}-rpms" for one in ("aus", "e4s", "eus")))
    assert [package.purl for package in read(spdx(repositories)).packages] == [
        f"{rhel}rhel-9-for-x86_64-aus-rpms"
    ]
    several = package_of(
        *("pkg:pypi/pyyaml@5.3", "pkg:npm/left-pad@1.0.0", "pkg:npm/left-pad", "pkg:npm/left-pad@1.1.0"),
        *("pkg:pypi/PyYAML@5.3#src", "pkg:deb/debian/a@1?arch=all&distro=debian-12&upstream=b"),
        *("pkg:deb/debian/a@1?arch=arm64&distro=debian-12&upstream=b",),
        versionInfo="1.0.0",
    )
    found = read(spdx(several))
    assert [(package.type, package.name, package.version, package.arch) for package in found.packages] == [
        ("deb", "a", "1", "all"),
        ("deb", "a", "1", "arm64"),
        ("npm", "left-pad", "1.0.0", ""),
        ("npm", "left-pad", "1.1.0", ""),
        ("pypi", "PyYAML", "5.3", ""),
        ("pypi", "pyyaml", "5.3", ""),
    ]
    assert found.problems == ()


def test_package_urls_that_cannot_be_read_are_told_beside_one_that_can() -> None:
    found = read(spdx(package_of("pkg:npm/a@1", "npm/b", "", "pkg:npm/%zz@1")))
    assert [package.name for package in found.packages] == ["%zz", "a"]
    assert told(found) == {"unidentified-package"}


def test_an_image_may_have_several_addresses() -> None:
    image = package_of("pkg:generic/app@1", "pkg:oci/app@sha256%3A00?tag=1", "pkg:oci/app@sha256%3A00?tag=2")
    found = read(spdx({**image, "SPDXID": "SPDXRef-image"}, documentDescribes=["SPDXRef-image"]))
    assert (found.packages, found.is_image, found.problems) == ((), True, ())


def test_package_urls_count_against_the_limit_of_packages() -> None:
    many = package_of(*(f"pkg:npm/a{n}@1" for n in range(20)))
    found = read(spdx(many), Limits(packages=5))
    assert (len(found.packages), told(found)) == (5, {"too-many-packages"})


def test_the_package_that_an_spdx_list_is_about_is_one() -> None:
    found = read(spdx(located("pkg:npm/a@1"), documentDescribes=["SPDXRef-1"]))
    assert [package.name for package in found.packages] == ["a"]
    assert not found.is_image


def test_more_packages_than_the_limit() -> None:
    limits = Limits(packages=2)
    for document in (
        cyclonedx(*(component(f"pkg:npm/a{n}@1") for n in range(3))),
        spdx(*(located(f"pkg:npm/a{n}@1") for n in range(3))),
    ):
        found = read(document, limits)
        assert len(found.packages) == 2
        assert told(found) == {"too-many-packages"}
    assert told(read(cyclonedx(*(component(f"pkg:npm/a{n}@1") for n in range(2))), limits)) == set()


def test_more_objects_than_the_limit() -> None:
    """A few bytes of each would be many in memory, whether or not it is a package."""
    document = cyclonedx(*([{}] * 9))
    assert told(read(document, Limits(sbom_objects=11))) == {"unidentified-package"}
    with pytest.raises(LimitExceeded, match="limit sbom-objects"):
        read(document, Limits(sbom_objects=10))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"{", "not valid JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "neither CycloneDX nor SPDX"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b'<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>', "XML"),
        (b"SPDXVersion: SPDX-2.3\n", "tag-value"),
        (b'{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}', "SPDX 3"),
        (b'{"artifacts": [], "descriptor": {"name": "syft"}}', "Syft"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "2.0"}', "'2.0'"),
        (b'{"bomFormat": "CycloneDX"}', "version 'None'"),
        (b'{"spdxVersion": ["SPDX-2.3"]}', "SPDX of the version"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_what_is_no_list(data: bytes, said: str) -> None:
    with pytest.raises(UndecidedError, match=said) as raised:
        read(data)
    assert raised.value.hint


def test_marks_and_wrappings() -> None:
    document = cyclonedx(component("pkg:npm/a@1"))
    text = json.dumps(document)
    for data in (text.encode("utf-8-sig"), text.encode("utf-16")):
        assert read(data).packages
    assert read({"_type": "https://in-toto.io/Statement/v0.1", "predicate": document}).packages
    for key in ("sbom", "SPDX"):
        assert read({key: spdx(located("pkg:npm/a@1"))}).packages


# ---------------------------------------------------------------- ours

_texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
_names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
_versions = st.from_regex(r"([0-9]:)?[0-9][A-Za-z0-9.+~-]{0,8}", fullmatch=True)
_layers = st.builds(
    lambda index, digest: LayerRef(f"sha256:{digest:064x}", index, f"RUN {index}"),
    st.integers(0, 9),
    st.just(7),
)
_packages = st.builds(
    Package,
    name=_names,
    version=_versions,
    type=st.sampled_from(["apk", "deb", "rpm", "pypi", "npm", "golang", "cargo"]),
    path=_texts.map(lambda text: text.lstrip("/")),
    arch=st.sampled_from(["", "amd64"]),
    layer=st.none() | _layers,
    vendor=st.just("") | _texts,
    module=st.just("") | _texts,
    owner=st.just("") | _names,
    qualifiers=st.dictionaries(st.sampled_from(["channel", "platform", "type"]), _texts, max_size=2).map(
        lambda found: tuple(sorted(found.items()))
    ),
    origin=st.sampled_from(["base", "app", ""]),
    evidence=_texts,
)


@st.composite
def _lists(draw: st.DrawFn) -> Bom:
    distribution = draw(st.sampled_from([None, DEBIAN, Distribution("alpine", "3.18.4", "Alpine Linux")]))
    packages = set()
    for package in draw(st.lists(_packages, max_size=4)):
        if package.type in ("apk", "deb", "rpm"):
            # Without any, nobody would know whether they are the packages' own names.
            package = replace(package, source=Source(draw(_names), draw(_versions)))
        packages.add(replace(package, purl=purl(package, distribution)))
    problems = draw(st.sets(st.builds(Problem, _names, _texts, _texts, _texts, st.booleans()), max_size=2))
    target = Target("app:1", "sha256:" + "a" * 64, "linux/arm/v7", distribution)
    ordered = sorted(packages, key=lambda p: (p.type, p.name, p.version, p.arch, p.path, p.purl))
    return Bom(target, tuple(ordered), tuple(sorted(problems)))


@pytest.mark.parametrize("format", ["cyclonedx", "spdx"])
@settings(deadline=None, max_examples=150)
@given(bom=_lists())
def test_nothing_of_ours_is_lost(format: str, bom: Bom) -> None:
    found = read(render(format, bom).encode())
    assert set(found.packages) == set(bom.packages)
    assert (found.distribution, found.problems) == (bom.target.distribution, bom.problems)
    assert (found.digest, str(found.platform), found.is_image) == (
        bom.target.digest,
        bom.target.platform,
        True,
    )


def test_every_field_of_a_package_is_kept_or_made_anew() -> None:
    """A new field of packages needs a place in the lists, or a reason to have none."""
    kept = {"name", "version", "type", "path", "source", "arch", "purl", "layer", "owner", "vendor", "module"}
    kept |= {"qualifiers", "origin", "evidence"}
    made_anew = {"ecosystem", "platform"}
    assert set(Package.__struct_fields__) == kept | made_anew


def test_a_problem_that_is_not_in_our_form_is_told_as_it_stands() -> None:
    for text in ("gone", "[]", '{"code": 1}', '{"code": "a", "subject": "", "message": 7}', "[" * 100_000):
        properties = [{"name": "secpipe:problem", "value": text}]
        (problem,) = read(cyclonedx(metadata={"component": {"properties": properties}})).problems
        assert (problem.code, problem.message) == ("incomplete-sbom", text)


def test_layers_that_are_none_are_not_believed() -> None:
    for digest, index in (("sha256:0", "1"), ("sha256:" + "0" * 64, "-1"), ("sha256:" + "0" * 64, "9" * 50)):
        properties = [
            {"name": "secpipe:layer:digest", "value": digest},
            {"name": "secpipe:layer:index", "value": index},
        ]
        (package,) = read(cyclonedx(component("pkg:npm/a@1", properties=properties))).packages
        assert package.layer is None


# ---------------------------------------------------------------- anything

# fmt: off
_keys = st.sampled_from([
    "components", "purl", "name", "type", "properties", "value", "metadata", "component", "tools", "version", "evidence",
    "compositions", "aggregate", "packages", "externalRefs", "referenceType", "referenceLocator", "SPDXID", "annotations",
    "relationships", "relationshipType", "creationInfo", "creators", "comment",
])
_values = st.sampled_from([
    "library", "operating-system", "container", "pkg:deb/debian/a@1?distro=debian-12", "pkg:npm/%zz", "purl", "",
    "DESCRIBES", "SPDXRef-1", "secpipe:problem", '[["secpipe:path", 1]]', "Tool: x-1", "incomplete",
])
# fmt: on
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | _values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=30,
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([{"bomFormat": "CycloneDX", "specVersion": "1.5"}, {"spdxVersion": "SPDX-2.2"}, {}]),
    st.dictionaries(_keys, _json, max_size=6),
)
def test_any_shape_is_read_or_refused(head: dict[str, Any], body: dict[str, Any]) -> None:
    try:
        found = read({**body, **head})
    except UndecidedError:
        assert not head
        return
    assert all(package.name and package.purl.startswith("pkg:") for package in found.packages)


@settings(deadline=None, max_examples=100)
@given(st.binary() | st.binary().map(lambda data: b'{"bomFormat": "CycloneDX"' + data))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(SecpipeError):
        read(data)
