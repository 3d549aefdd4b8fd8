"""The `--mount` of RUN."""

from __future__ import annotations

import pytest

from secpipe.dockerfile.mounts import mounts
from tests.dockerfile.support import complaints, only


@pytest.mark.parametrize(
    ("value", "kind", "options"),
    [
        ("target=/x", "bind", {"target": "/x"}),
        ("type=cache,dst=/x,sharing=Locked", "cache", {"target": "/x", "sharing": "Locked"}),
        ("TYPE=TMPFS,Destination=/x,size=1g", "tmpfs", {"target": "/x", "size": "1g"}),
        ("type=secret,id=k,required", "secret", {"id": "k", "required": "true"}),
        ('type=cache,"target=/a,b"', "cache", {"target": "/a,b"}),
        ("type=$T,target=/x,uid=$U", "$T", {"target": "/x", "uid": "$U"}),
        (
            "src=a,target=/x,rw=0,from=b",
            "bind",
            {"source": "a", "target": "/x", "readwrite": "0", "from": "b"},
        ),
    ],
)
def test_mounts(value: str, kind: str, options: dict[str, str]) -> None:
    run = only(f"RUN --mount='{value}' a" if "," in value and '"' in value else f"RUN --mount={value} a")
    (mount,) = mounts(run)
    assert (mount.type, mount.options, mount.flag) == (kind, options, run.flags[0])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("type=cash,target=/x", "'cash' is no type of mount; there are bind, cache, tmpfs, secret, ssh"),
        ("target", "the option target of --mount needs a value"),
        ("targt=/x", "--mount has no option 'targt=/x'"),
        ("type=cache,", "--mount has an empty option"),
        ('type=cache,\\"x', "--mount has a quote in the wrong place"),
        ("type=cache,sharing=all", "the option sharing of --mount is shared, private or locked, not 'all'"),
        ("type=cache,mode=0999", "the option mode of --mount is an octal number, not '0999'"),
        ("target=/x,ro=maybe", "the option readonly of --mount is true or false, not 'maybe'"),
        ("target=/x,uid=0", "the option uid is not for a mount of type bind"),
        ("type=cache,target=/x,required", "the option required is not for a mount of type cache"),
        (
            "from=$X,target=/x",
            "the option from of --mount takes no variables; name a stage that is based on it",
        ),
        ("type=secret", "a mount of type secret needs an id, a source or a target"),
        ("type=secret,id=a,src=b", "a mount of type secret takes either an id or a source"),
        ("type=secret,id=a,from=b", "a mount of type secret has no option from"),
    ],
)
def test_refused(value: str, message: str) -> None:
    (complaint,) = complaints(f"FROM a\nRUN --mount={value} b\n")
    where, _, said = complaint.partition(" ")
    assert said == message
    assert where == f"2:5-2:{13 + len(value)}"
