"""What registries send and users type: manifests, challenges and references, spoiled.

A manifest that is accepted means to us what it means to a reader in Go, who takes the last of the keys that fold alike.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.errors import ImageError, InvalidReference
from secpipe.model.limits import Limits
from secpipe.oci import challenge, manifest, reference, urls
from secpipe.oci.manifest import Index, Manifest
from tests.support import images

EXAMPLES = int(os.environ.get("SECPIPE_FUZZ_EXAMPLES", "100"))
LONGER = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

# ---------------------------------------------------------------- manifests

_IMAGE = images.image(
    [images.BuiltLayer(images.files({"a": "a"})), images.BuiltLayer(images.files({"b": "b"}), "", "none")]
)
_INDEX = images.index([_IMAGE, images.image([], architecture="arm64")])
_KEYS = (
    *("schemaVersion", "mediaType", "config", "layers", "manifests", "digest", "size", "urls", "platform"),
    *("artifactType", "subject", "annotations", "os", "architecture", "fsLayers"),
)
_SPELLINGS = tuple(
    spelling
    for key in _KEYS
    for spelling in (
        key,
        key,
        key.upper(),
        key.title(),
        key.replace("s", "\u017f"),
        key + " ",
        key.replace("k", "\u212a"),
    )
)
_DIGESTS = (
    *("sha256:" + "0" * 64, "sha256:" + "a" * 64),
    *("sha512:" + "b" * 128, "sha256:../..", "md5:" + "0" * 32),
)
_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 2, -1, 1 << 63, 1.5]),
    st.sampled_from(_DIGESTS),
    st.sampled_from(
        [
            images.OCI_MANIFEST,
            images.OCI_INDEX,
            images.OCI_CONFIG,
            images.OCI_LAYER + "+gzip",
            images.DOCKER_MANIFEST,
        ]
    ),
    st.sampled_from(["linux", "amd64", "", "unknown"]),
)


class Pairs(list[tuple[str, Any]]):
    """An object as it stands in the text: keys may occur again."""


_values: st.SearchStrategy[Any] = st.deferred(
    lambda: st.one_of(
        _leaves,
        st.lists(_values, max_size=2),
        st.lists(st.tuples(st.sampled_from(_SPELLINGS), _values), max_size=3).map(Pairs),
    )
)


def _written(value: Any) -> str:
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {_written(member)}" for key, member in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value)


def _pairs(text: bytes) -> Any:
    return json.loads(text, object_pairs_hook=Pairs)


@st.composite
def _manifests(draw: st.DrawFn) -> str:
    """A sound document with members put in, taken out or spoiled, anywhere."""
    document = _pairs(draw(st.sampled_from([_IMAGE.manifest, _INDEX.manifest])))
    for _ in range(draw(st.integers(0, 3))):
        place = document
        while True:
            nested = [member for _, member in place if isinstance(member, Pairs)]
            nested += [
                item
                for _, member in place
                if isinstance(member, list) and not isinstance(member, Pairs)
                for item in member
                if isinstance(item, Pairs)
            ]
            if not nested or draw(st.booleans()):
                break
            place = draw(st.sampled_from(nested))
        at = draw(st.integers(0, len(place)))
        key = draw(st.sampled_from(_SPELLINGS))
        match draw(st.integers(0, 3)):
            case 0:
                place.insert(at, (key, draw(_values)))
            case 1 if at < len(place):
                place.insert(draw(st.integers(0, len(place))), (place[at][0].upper(), draw(_values)))
            case 2 if at < len(place):
                place[at] = (place[at][0], draw(_values))
            case _:
                del place[at : at + 1]
    return _written(document)


def _go(pairs: Any, key: str) -> Any:
    """What Go's decoder leaves in the field of that name: the last of the keys that fold to it, but for null."""
    found = None
    for name, member in pairs:
        folded = name.replace("\u017f", "s").replace("\u212a", "k").lower()
        if folded == key.lower() and member is not None:
            found = member
    return found


def _named(listed: Any) -> list[tuple[Any, Any]]:
    return [(_go(each, "digest"), _go(each, "size")) for each in listed or []]


@LONGER
@given(_manifests(), st.sampled_from(["", images.OCI_MANIFEST, images.OCI_INDEX]))
def test_manifests_mean_the_same_to_everybody(text: str, declared: str) -> None:
    parsed: Manifest | Index | None
    try:
        parsed = manifest.parse(text.encode(), [declared] if declared else [], "the image", Limits())
    except ImageError as error:
        parsed, refusal = None, error.message
    if parsed is None:
        assert refusal.startswith("the image")
        return
    seen = _pairs(text.encode())
    if isinstance(parsed, Manifest):
        assert _go(seen, "manifests") is None
        assert [(each.digest, each.size) for each in parsed.layers] == _named(_go(seen, "layers"))
        assert [(parsed.config.digest, parsed.config.size)] == _named([_go(seen, "config")])
    else:
        assert isinstance(parsed, Index)
        assert _go(seen, "layers") is _go(seen, "config") is None
        there = _named(_go(seen, "manifests"))
        assert [
            (each.digest, each.size) for each in parsed.manifests if (each.digest, each.size) not in there
        ] == []


@LONGER
@given(
    st.sampled_from([_IMAGE.manifest, _INDEX.manifest]),
    st.integers(0, 600),
    st.binary(max_size=3),
    st.integers(0, 3),
)
def test_spoiled_manifests(data: bytes, at: int, put: bytes, cut: int) -> None:
    refusal = ""
    try:
        manifest.parse(data[:at] + put + data[at + cut :], [], "the image", Limits())
    except ImageError as error:
        refusal = error.message
    assert len(refusal) < 1000


# ---------------------------------------------------------------- challenges

_pieces = st.sampled_from(
    [
        "Bearer",
        "basic",
        "Negotiate",
        "realm",
        "scope",
        "=",
        '"',
        "\\",
        ",",
        " ",
        "\t",
        "a==",
        "https://a/b?c=d",
        ";",
        "\xe9",
        "(",
        "x" * 300,
    ]
)
_headers = st.lists(_pieces, max_size=25).map("".join)


@LONGER
@given(st.lists(_headers, max_size=4))
def test_challenges(headers: list[str]) -> None:
    """Each header is read by itself, and nothing is made up."""
    found = challenge.parse(headers)
    if sum(map(len, headers)) <= challenge.MAX_LENGTH:
        assert found == tuple(each for header in headers for each in challenge.parse([header]))
    text = "".join(headers).lower()
    for each in found:
        assert each.scheme in text
        for name, value in each.parameters.items():
            assert name in text
            assert value.lower() in text.replace("\\", "") or "\\" in text
    preferred = challenge.preferred(found)
    assert preferred is None or preferred in found
    assert preferred is None or preferred.scheme in ("bearer", "basic")


@LONGER
@given(_headers, st.sampled_from([40, 80]))
def test_long_challenges_take_no_longer_than_they_are(piece: str, times: int) -> None:
    started = time.process_time()
    challenge.parse([piece * times])
    assert time.process_time() - started < 0.25


# ---------------------------------------------------------------- references

_words = st.sampled_from(
    [
        "a",
        "A",
        "0",
        "lib",
        ".",
        "..",
        "_",
        "__",
        "___",
        "-",
        "--",
        "/",
        "//",
        ":",
        "@",
        "%2e",
        "?",
        "#",
        "\\",
        " ",
        "\n",
        "é",
        "[::1]",
        "localhost",
        "docker.io",
        "127.0.0.1",
        ":5000",
        ":99999",
        "sha256:" + "0" * 64,
        "sha256:" + "0" * 63,
        "http://",
        "user:pass@",
    ]
)
_texts = st.lists(_words, max_size=10).map("".join)
# The grammar of distribution/reference, written down apart from the parser.
_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_PART}(?:\.{_PART})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
_DIGEST = r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})"
_CANONICAL = re.compile(rf"{_DOMAIN}/{_NAME}(?::\w[\w.-]{{0,127}})?(?:@{_DIGEST})?", re.ASCII)


@LONGER
@given(_texts)
def test_references(text: str) -> None:
    """What is accepted is of the grammar, comes apart again, and stays at its host in a URL."""
    try:
        found = reference.parse(text)
    except InvalidReference:
        return
    assert _CANONICAL.fullmatch(str(found))
    assert reference.parse(str(found)) == found
    assert found.tag or found.digest
    path = f"/v2/{found.repository}/manifests/{found.identifier}"
    url = urls.parse(f"https://{found.endpoint}").at(path)
    again = urls.parse(url.absolute)
    assert (again.host, again.port, again.target) == (url.host, url.port, path)
    assert ".." not in path.split("/")
