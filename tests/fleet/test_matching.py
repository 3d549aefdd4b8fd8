"""What the matcher says of a package does not depend on what else is in the image: it may be remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.advisories.store import Store
from secpipe.fleet.matching import Matching
from secpipe.match.matcher import match
from secpipe.model.package import LayerRef, Package, Source
from tests.support.advisories import CRITICAL, RECORDS, build_database, record

RATED = [
    # Rated by the record of another ecosystem, which another package of the image may have brought up as well.
    record("DSA-1", "Debian:12", "python-yaml", "6.0-1", upstream=["CVE-2020-14343"]),
    record("GHSA-xxxx-xxxx-xxxx", "PyPI", "pyyaml", "5.4", cvss=CRITICAL, aliases=["CVE-2020-14343"]),
    record("PYSEC-9", "PyPI", "odd", "not a version"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    database = build_database(tmp_path_factory.mktemp("db"), [*RECORDS, *RATED])
    with Store.open(database, ["Debian", "PyPI", "Alpine"]) as found:
        yield found


def packages() -> st.SearchStrategy[Package]:
    """Packages with and without flaws, some the same but for their place."""
    kinds = [
        ("PyPI", "pypi", "requests"),
        ("PyPI", "pypi", "pyyaml"),
        ("PyPI", "pypi", "odd"),
        ("Debian:12", "deb", "python3-yaml"),
        ("Debian:12", "deb", "libssl3"),
        (None, "deb", "homeless"),
    ]

    def made(kind: tuple[str | None, str, str], version: str, path: str, layer: int) -> Package:
        ecosystem, type, name = kind
        source = {"python3-yaml": "python-yaml", "libssl3": "openssl"}.get(name)
        return Package(
            *(name, version, type, path),
            source=Source(source, version) if source else None,
            purl=f"pkg:{type}/{name}@{version}",
            ecosystem=ecosystem,
            layer=LayerRef(f"sha256:{layer}", layer),
        )

    versions = st.sampled_from(["1.0", "2.30.0", "5.3", "6.0-1", "no version!"])
    return st.builds(made, st.sampled_from(kinds), versions, st.sampled_from(["a", "b"]), st.integers(0, 2))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(images=st.lists(st.lists(packages(), max_size=8, unique=True), max_size=4))
def test_it_is_what_the_matcher_says(store: Store, images: list[list[Package]]) -> None:
    remembering = Matching()
    for image in images:
        assert remembering(image, store) == match(image, store)


def test_other_advisories_are_asked_again(store: Store, tmp_path: Path) -> None:
    package = Package(
        "requests", "2.30.0", "pypi", "METADATA", ecosystem="PyPI", purl="pkg:pypi/requests@2.30.0"
    )
    remembering = Matching()
    assert len(remembering([package], store).findings) == 1
    with Store.open(build_database(tmp_path, [record("PYSEC-8", "PyPI", "other", "1")])) as other:
        assert remembering([package], other).findings == ()
    assert remembering([replace(package, path="elsewhere")], store).findings[0].package.path == "elsewhere"
