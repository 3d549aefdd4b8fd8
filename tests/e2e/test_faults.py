"""Pulling from the real registry when something between spoils it: what arrives is what was pushed, or an error."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.errors import AuthenticationError, DigestMismatch, NotFoundError, RegistryError, SecpipeError
from secpipe.model.limits import MIB, Limits
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.image import resolve
from secpipe.oci.link import Link
from secpipe.oci.reference import parse
from tests.oci.server import Time
from tests.support import images
from tests.support.faults import SOUND, Fault, Proxy, faulty
from tests.support.images import BuiltLayer
from tests.support.registry import PASSWORD, USERNAME, Registries, push

LAYERS = [
    BuiltLayer(images.files({f"data{number}": random.Random(number).randbytes(3 * MIB)}), "", "none")
    for number in range(2)
]
IMAGE = images.image(LAYERS)
CONFIG = json.loads(IMAGE.manifest)["config"]["digest"]
FIRST, SECOND = (f"/blobs/{images.digest(layer.tar)}" for layer in LAYERS)
MANIFEST = "/manifests/1"
SIZE = len(LAYERS[0].tar)
HASTY = Limits(idle_seconds=1, request_seconds=1)
ALICE = Credentials(USERNAME, PASSWORD)


@pytest.fixture(scope="module")
def pushed(registries: Registries) -> Registries:
    push(registries.anonymous, "faults/app", "1", IMAGE)
    return registries


@pytest.fixture
def proxy(pushed: Registries) -> Iterator[Proxy]:
    with faulty(pushed.anonymous) as running:
        yield running


@pytest.fixture
def guarded(pushed: Registries) -> Iterator[Proxy]:
    """Before the registry that wants tokens."""
    with faulty(pushed.token) as running:
        yield running


def pulled(proxy: Proxy, credentials: Credentials | None = None, limits: Limits = HASTY) -> list[bytes]:
    """The layers as they arrive; nobody waits between tries."""
    reference = parse(f"{proxy.address}/faults/app:1")
    link = Link(reference, limits=limits, clock=Time().clock())
    client = Registry(reference, lambda: Found(credentials), limits=limits, link=link)
    with closing(client):
        image = resolve(client, "1", reference="app", wanted=None, limits=limits)
        return [b"".join(layer.open()) for layer in image.layers]


TARS = [layer.tar for layer in LAYERS]
AGAIN = (408, 429, 500, 502, 503, 504)


@pytest.mark.parametrize("part", ["/v2/", MANIFEST, CONFIG, FIRST])
@pytest.mark.parametrize(
    "fault",
    [*(Fault(status=status, body=b"<html>") for status in AGAIN), Fault(drop=True), Fault(delay=0.2)],
    ids=[*map(str, AGAIN), "dropped", "delayed"],
)
def test_what_passes(proxy: Proxy, part: str, fault: Fault) -> None:
    proxy.plan(part, fault, SOUND)
    assert pulled(proxy) == TARS


@pytest.mark.parametrize("at", [1, MIB - 1, 2 * MIB, SIZE - 1])
def test_cuts_are_taken_up_where_they_were(proxy: Proxy, at: int) -> None:
    proxy.plan(FIRST, Fault(cut=at), SOUND)
    assert pulled(proxy) == TARS
    assert proxy.ranges(FIRST) == ["", f"bytes={at}-"]


def test_a_manifest_that_is_cut_is_asked_for_again(proxy: Proxy) -> None:
    proxy.plan(MANIFEST, Fault(cut=10), SOUND)
    assert pulled(proxy) == TARS
    assert len(proxy.ranges(MANIFEST)) == 2


def test_several_cuts(proxy: Proxy) -> None:
    proxy.plan(FIRST, Fault(cut=MIB), Fault(cut=MIB), SOUND)
    assert pulled(proxy) == TARS
    assert proxy.ranges(FIRST) == ["", f"bytes={MIB}-", f"bytes={2 * MIB}-"]


def test_a_cut_and_a_range_that_is_not_known(proxy: Proxy) -> None:
    proxy.plan(FIRST, Fault(cut=MIB), Fault(whole=True))
    assert pulled(proxy) == TARS


def test_a_cut_and_another_fault(proxy: Proxy) -> None:
    """The part that is fetched again is held to the digest like the rest."""
    proxy.plan(FIRST, Fault(cut=MIB), Fault(corrupt=100))
    with pytest.raises(DigestMismatch):
        pulled(proxy)
    proxy.sound()
    proxy.plan(FIRST, Fault(cut=MIB), Fault(status=503), Fault(drop=True), SOUND)
    assert pulled(proxy) == TARS


def test_a_length_that_promises_more(proxy: Proxy) -> None:
    """All that the digest names has come when the connection ends."""
    proxy.plan(FIRST, Fault(length=5))
    assert pulled(proxy) == TARS


def test_a_stall(proxy: Proxy) -> None:
    proxy.plan(FIRST, Fault(cut=2 * MIB, stall=20), SOUND)
    started = time.monotonic()
    assert pulled(proxy) == TARS
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("part", "fault", "kind"),
    [
        (FIRST, Fault(corrupt=0), DigestMismatch),
        (FIRST, Fault(corrupt=SIZE - 1), DigestMismatch),
        (CONFIG, Fault(corrupt=5), DigestMismatch),
        (FIRST, Fault(length=-1), DigestMismatch),
        (FIRST, Fault(length=1, extra=b"x"), DigestMismatch),
        (FIRST, Fault(cut=0), RegistryError),
        (FIRST, Fault(cut=1), RegistryError),
        (CONFIG, Fault(cut=10), RegistryError),
        (MANIFEST, Fault(cut=10), RegistryError),
        (MANIFEST, Fault(length=-10), SecpipeError),
        (MANIFEST, Fault(drip=0.05), RegistryError),
        (FIRST, Fault(drip=0.05), RegistryError),
        (FIRST, Fault(drop=True), RegistryError),
        (FIRST, Fault(status=401), AuthenticationError),
        (FIRST, Fault(status=403), AuthenticationError),
        (FIRST, Fault(status=404), NotFoundError),
        (MANIFEST, Fault(status=403), AuthenticationError),
        (MANIFEST, Fault(status=404), NotFoundError),
        (MANIFEST, Fault(status=200, body=b"<html>"), SecpipeError),
        (FIRST, Fault(status=200, body=b"<html>"), DigestMismatch),
        (FIRST, Fault(status=206, body=b"x"), RegistryError),
        *((part, Fault(status=status), RegistryError) for status in AGAIN for part in (MANIFEST, FIRST)),
    ],
    ids=lambda value: str(value).removeprefix("Fault")[:40] if isinstance(value, Fault) else "",
)
def test_what_stays(proxy: Proxy, part: str, fault: Fault, kind: type[SecpipeError]) -> None:
    proxy.plan(part, fault)
    started = time.monotonic()
    with pytest.raises(kind) as raised:
        pulled(proxy)
    assert raised.value.exit_code == 3
    assert raised.value.hint
    assert "\n" not in raised.value.message
    assert time.monotonic() - started < 8
    assert len(proxy.ranges(part)) <= 12


@pytest.mark.parametrize("part", [CONFIG, FIRST, SECOND])
def test_a_token_that_is_refused_once(guarded: Proxy, pushed: Registries, part: str) -> None:
    """It is renewed, and the pull goes on; refused for ever, it ends."""
    challenge = (
        f'Bearer realm="{pushed.issuer.url}",service="registry.test",'
        'scope="repository:faults/app:pull",error="invalid_token"'
    )
    refusal = Fault(status=401, headers=(("WWW-Authenticate", challenge),))
    pushed.issuer.requests.clear()
    guarded.plan(part, refusal, SOUND)
    assert pulled(guarded, ALICE) == TARS
    assert len(pushed.issuer.requests) == 2
    guarded.sound()
    guarded.plan(part, refusal)
    with pytest.raises(AuthenticationError, match="refuses the credentials of 'alice'"):
        pulled(guarded, ALICE)


_FAULTS = st.one_of(
    st.just(SOUND),
    st.just(Fault(drop=True)),
    st.just(Fault(whole=True)),
    st.builds(lambda at: Fault(corrupt=at), st.integers(0, SIZE)),
    st.builds(lambda at: Fault(cut=at), st.integers(0, SIZE)),
    st.builds(lambda count: Fault(length=count), st.integers(-5, 5)),
    st.builds(lambda status: Fault(status=status), st.sampled_from([200, 204, 206, 302, 401, 403, 404, 416, 429, 500, 503])),
    st.builds(lambda extra: Fault(extra=extra, length=len(extra)), st.binary(max_size=3)),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from([MANIFEST, CONFIG, FIRST, SECOND]), st.lists(_FAULTS, min_size=1, max_size=4)
        ),
        max_size=3,
    )
)
def test_any_faults(proxy: Proxy, plans: list[tuple[str, list[Fault]]]) -> None:
    """What was pushed, or an error of ours: nothing else ever arrives."""
    proxy.sound()
    for part, faults in plans:
        proxy.plan(part, *faults)
    try:
        assert pulled(proxy) == TARS
    except SecpipeError as error:
        assert error.exit_code == 3  # noqa: PT017
    assert len(proxy.asked) < 60
