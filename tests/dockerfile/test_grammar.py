"""What a build refuses, each at its place, and what it does not."""

from __future__ import annotations

import pytest

from tests.dockerfile.support import complaints, read

REFUSED = [
    ("", "1:1-1:1 a file with no instructions"),
    ("# only this\n", "1:1-1:1 a file with no instructions"),
    ("ARG A\n", "1:1-1:4 there is no FROM, so nothing to build"),
    ("RUN a\nRUN b\n", "1:1-1:4 there is no FROM, so nothing to build"),
    ("FROM a\nRNU b\n", "2:1-2:4 unknown instruction 'RNU'; is it RUN?"),
    ("FROM a\nWorkdri /b\n", "2:1-2:8 unknown instruction 'Workdri'; is it WORKDIR?"),
    (
        "FROM a\nRUN b && \\\n  c &&\n  wget d\n",
        "4:3-4:7 unknown instruction 'wget'; if it belongs to the RUN above, a continuation is missing there",
    ),
    (
        "FROM a\nRUN\u00a0b\n",
        "2:1-2:6 unknown instruction 'RUN\\xa0b'; it has the invisible character U+00A0 in it",
    ),
    ("FROM\n", "1:1-1:5 FROM takes an image, or an image, AS and a name"),
    ("FROM a b\n", "1:6-1:9 FROM takes an image, or an image, AS and a name"),
    ("FROM a AS b c\n", "1:6-1:14 FROM takes an image, or an image, AS and a name"),
    ("FROM a IS b\n", "1:8-1:10 'IS' stands where FROM has AS"),
    (
        "FROM a AS 1b\n",
        "1:11-1:13 '1b' cannot be the name of a stage: it begins with a letter and has only letters, digits, - _ and .",
    ),
    (
        'FROM a AS "b"\n',
        "1:11-1:14 '\"b\"' cannot be the name of a stage: it begins with a letter and has only letters, digits, - _ and .",
    ),
    ("FROM --platfrom=x a\n", "1:6-1:18 FROM has no flag --platfrom; is it --platform?"),
    ("FROM --platform a\n", "1:6-1:16 the flag --platform needs a value"),
    ("FROM a\nCMD --xyz b\n", "2:5-2:10 CMD has no flag --xyz"),
    ("FROM a\nCOPY --from=a --from=b c d\n", "2:15-2:23 the flag --from is given a second time"),
    ("FROM a\nCOPY --link=yes b c\n", "2:6-2:16 --link is either true or false, not 'yes'"),
    ("FROM a\nCOPY --exclude b c\n", "2:6-2:15 the flag --exclude needs a value"),
    ("FROM a\nRUN --network=x b\n", "2:5-2:16 --network is default, none or host, not 'x'"),
    ("FROM a\nRUN --security=x b\n", "2:5-2:17 --security is sandbox or insecure, not 'x'"),
    ("FROM a\nCOPY b\n", "2:6-2:7 COPY needs a source and a destination; there is only one"),
    ("FROM a\nADD\n", "2:1-2:4 ADD needs a source and a destination; there is nothing"),
    ("FROM a\nCOPY b <<c\nc\n", "2:8-2:11 a heredoc cannot be the destination"),
    ("FROM a\nENV\n", "2:1-2:4 ENV needs an argument"),
    ("FROM a\nENV b\n", "2:5-2:6 ENV needs a value: b=value"),
    (
        "FROM a\nENV b=1 c\n",
        "2:9-2:10 'c' has no =; ENV takes name=value pairs, values with blanks quoted",
    ),
    ("FROM a\nLABEL =c\n", "2:7-2:9 LABEL without a name before the ="),
    ("FROM a\nARG =c\n", "2:5-2:7 ARG without a name before the ="),
    ('FROM a\nENV b="c\n', '2:7-2:9 a double quote is never closed: b="c'),
    ("FROM a\nENV b=c'd\n", "2:8-2:10 a single quote is never closed: b=c'd"),
    ("FROM a\nENV b=${c\n", "2:7-2:10 missing }: b=${c"),
    ("FROM a\nENV b=${c:-${d\n", "2:12-2:15 missing }: b=${c:-${d"),
    ("FROM a\nENV b=${c:-d\n", "2:7-2:13 missing }: b=${c:-d"),
    (
        "FROM a\nRUN b\ncd c\n",
        "3:1-3:3 unknown instruction 'cd'; if it belongs to the RUN above, a continuation is missing there",
    ),
    ("FROM a\nENV b=${}\n", "2:7-2:10 a bad substitution: b=${}"),
    ("FROM a\nENV b=${c,,}\n", "2:7-2:13 an unsupported modifier ,: b=${c,,}"),
    ("FROM a\nUSER\n", "2:1-2:5 USER needs an argument"),
    ("FROM a\nWORKDIR \n", "2:1-2:8 WORKDIR needs an argument"),
    ("FROM a\nEXPOSE\n", "2:1-2:7 EXPOSE needs an argument"),
    ("FROM a\nEXPOSE 80 abc\n", "2:11-2:14 'abc' is no port; EXPOSE takes 80, 80/udp or 8000-8010"),
    ("FROM a\nEXPOSE 80-79/tcp 8000-8000\n", "2:8-2:17 the range 80-79 ends before it begins"),
    (
        "FROM a\nSTOPSIGNAL SIGNOPE\n",
        "2:12-2:19 'SIGNOPE' is no signal; STOPSIGNAL takes SIGTERM, TERM or 15",
    ),
    ("FROM a\nSTOPSIGNAL 0\n", "2:12-2:13 '0' is no signal; STOPSIGNAL takes SIGTERM, TERM or 15"),
    ("FROM a\nEXPOSE 80/quic\n", "2:8-2:15 '80/quic' is no port; EXPOSE takes 80, 80/udp or 8000-8010"),
    ("FROM a:\n", "1:6-1:8 'a:' is no image: nothing stands behind its last character"),
    ("FROM a@ AS b\n", "1:6-1:8 'a@' is no image: nothing stands behind its last character"),
    ('FROM a\nVOLUME ["/b", " "]\n', "2:15-2:18 the name of a volume is empty"),
    ("FROM a\nSHELL\n", "2:1-2:6 SHELL needs an argument"),
    ("FROM a\nSHELL /bin/sh -c\n", '2:7-2:17 SHELL needs the JSON form, ["program", "argument"]'),
    ("FROM a\nSHELL []\n", "2:1-2:6 SHELL needs an argument"),
    ('FROM a\nCMD ["b", 1]\n', "2:5-2:13 the JSON array may hold nothing but strings"),
    ("FROM a\nHEALTHCHECK\n", "2:1-2:12 HEALTHCHECK needs an argument"),
    ("FROM a\nHEALTHCHECK curl\n", "2:13-2:17 HEALTHCHECK 'curl': it is either CMD or NONE"),
    ("FROM a\nHEALTHCHECK CMD\n", "2:13-2:16 HEALTHCHECK CMD needs a command"),
    ("FROM a\nHEALTHCHECK NONE x\n", "2:18-2:19 HEALTHCHECK NONE takes no arguments"),
    (
        "FROM a\nHEALTHCHECK --interval=5 CMD x\n",
        "2:13-2:25 --interval=5 is no duration, such as 30s or 1m30s",
    ),
    ("FROM a\nHEALTHCHECK --retries=x CMD x\n", "2:13-2:24 --retries=x is no number"),
    ("FROM a\nONBUILD\n", "2:1-2:8 ONBUILD needs an argument"),
    ("FROM a\nONBUILD FROM b\n", "2:9-2:13 ONBUILD cannot trigger FROM"),
    ("FROM a\nONBUILD ONBUILD RUN b\n", "2:9-2:16 ONBUILD cannot trigger ONBUILD"),
    ("FROM a\nONBUILD RUM b\n", "2:9-2:12 unknown instruction 'RUM'; is it RUN?"),
    ("FROM a\nONBUILD COPY b\n", "2:14-2:15 COPY needs a source and a destination; there is only one"),
]


@pytest.mark.parametrize(("text", "expected"), REFUSED)
def test_refused(text: str, expected: str) -> None:
    assert complaints(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "RUN",
        "CMD",
        "ENTRYPOINT []",
        "RUN --mount=type=cache,target=/x --device=nvidia.com/gpu=all --security=insecure a",
        "ADD --checksum=sha256:x --keep-git-dir --unpack=FALSE --link=True a /b",
        "COPY --parents --exclude=a --exclude=b c /d",
        "HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=0 --start-interval=.5h --retries=3 CMD a",
        "HEALTHCHECK --interval= CMD a",
        "HEALTHCHECK none",
        "HEALTHCHECK --bogus NONE",
        "ARG --bogus a",
        "STOPSIGNAL sigquit",
        "STOPSIGNAL SIGRTMIN+15",
        "STOPSIGNAL ${SIGNAL:-15}",
        "STOPSIGNAL '37'",
        "STOPSIGNAL --bogus 9",
        "ENV a='${' b=\\${ c=$",
        "LABEL a.b=c",
        "MAINTAINER it's me",
        "EXPOSE 80/sctp",
        'EXPOSE 80/TCP 8000-8010/udp 127.0.0.1:80:80 $PORT/tcp ${FROM}-${TO} "90"',
        "ONBUILD ARG x",
        "FROM b aS C.d-e_1",
        "FROM scratch",
    ],
)
def test_accepted(text: str) -> None:
    assert complaints(f"FROM a\n{text}\n") == []


def test_the_rest_is_read_after_a_fault() -> None:
    dockerfile = read("FROM a b\nSHELL x\nFRO y\nENV\nUSER z\n")
    assert len(dockerfile.problems) == 4
    assert [(i.keyword, i.stage) for i in dockerfile.instructions] == [
        ("FROM", 0),
        ("SHELL", 0),
        ("FRO", 0),
        ("ENV", 0),
        ("USER", 0),
    ]


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ("Alpine:3", "no capitals"),
        ("docker.io/Library/alpine", "no capitals"),
        ("alpine:3:4", "'3:4' is no tag"),
        ("alpine:-x", "'-x' is no tag"),
        ("a//b", "no name of a repository"),
        ("a-", "no name of a repository"),
        ("alpine:" + "x" * 129, "is no tag"),
        ("alpine@sha256:abc", "'sha256:abc' is no digest"),
        ("alpine:3@sha256:" + "A" * 64, "is no digest"),
        ("alpine@md5:" + "0" * 32, "is no digest"),
        ("alpine@<digest>", "is no digest"),
        ("@sha256:" + "0" * 64, "'' is no name of a repository"),
        ("reg.example:x/app:1", "'reg.example:x' is no name of a registry"),
        (".reg.example/app:1", "'.reg.example' is no name of a registry"),
    ],
)
def test_what_no_registry_can_have(image: str, fault: str) -> None:
    (message,) = complaints(f"FROM {image}\n")
    assert fault in message


@pytest.mark.parametrize(
    "image",
    [
        *(
            "alpine",
            "a/b/c:1",
            "localhost:5000/x",
            "localhost/x:y",
            "Registry/x",
            "my-host:5000/a__b/c---d:1_X.y-z",
        ),
        *(
            "$x:A",
            "a@sha256:" + "0" * 64,
            "a:1@sha256:" + "0" * 64,
            "[::1]:5000/x",
            "a_b.example/x",
            "scratch",
            "SCRATCH",
            "0",
        ),
    ],
)
def test_what_a_registry_can_have(image: str) -> None:
    assert complaints(f"FROM {image}\n") == []


@pytest.mark.parametrize(
    ("platform", "fault"),
    [
        *(
            (name, False)
            for name in ("linux", "arm64", "linux/amd64", "linux/arm/v7", "$P", "linux/$A/b/c", "")
        ),
        *((name, False) for name in ("windows(10.0.17763)/amd64", "windows(10.0)+win32k/amd64")),
        *((name, True) for name in ("a/b/c/d", "linux/", "/amd64", "linux/amd64,linux/arm64", "linux/*")),
    ],
)
def test_platforms(platform: str, fault: bool) -> None:
    expected = [f"1:6-1:{17 + len(platform)} {platform!r} is no platform, such as linux/arm64"]
    assert complaints(f"FROM --platform={platform} a\n") == (expected if fault else [])


@pytest.mark.parametrize(
    ("duration", "fault"),
    [
        *(
            (text, False)
            for text in ("0", "0s", "-0s", "+1ms", "1ms", "0.001s", "999us1us", "1000µs", "1.5h", "0ns")
        ),
        *((text, True) for text in ("-1s", "500us", "999999ns", "0.0009s", "-1ms")),
    ],
)
def test_what_no_health_check_waits(duration: str, fault: bool) -> None:
    found = complaints(f"FROM a\nHEALTHCHECK --interval={duration} CMD b\n")
    expected = [f"2:13-2:{24 + len(duration)} --interval={duration} is shorter than 1ms"]
    assert found == (expected if fault else [])


def test_a_stage_is_no_image() -> None:
    assert complaints("FROM a AS B-\nFROM b-\nFROM B-\n") == []
