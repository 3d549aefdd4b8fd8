"""Dockerfiles put together from what instructions and shells take, so that every rule has something to look at."""

from __future__ import annotations

from hypothesis import strategies as st

_IMAGES = (
    "debian:12",
    "alpine",
    "scratch",
    "a/b@sha256:" + "0" * 64,
    "$base",
    "localhost:5000/x:latest",
    "b",
)
_WORDS = (
    "a",
    "$x",
    "${x:-y}",
    "'a b'",
    '"$(b c)"',
    "/a/b.tar.gz",
    "-y",
    "--no-cache",
    "x=1.2",
    "é",
    "https://u:p@h/x",
)
_PROGRAMS = (
    *(
        "apt-get update",
        "apt-get install",
        "apk add",
        "pip install",
        "npm install",
        "gem install",
        "yum install",
    ),
    *(
        "wget",
        "curl",
        "cd",
        "sudo",
        "rm -rf /var/lib/apt/lists/*",
        "chown -R",
        "tar xf",
        "useradd",
        "ln -s",
        "set -e",
    ),
    *("dnf install", "zypper in", "yarn add", "go install", "sh -c", "bash -o pipefail -c", "echo", "export"),
)
_BETWEEN = (" && ", "; ", " | ", " || ", " \\\n  && ", " \\\n# a comment\n  ; ", " & ")
_COMMENTS = (
    "# hadolint ignore=DL3008,SC2086",
    "# hadolint global ignore=DL3059",
    "# secpipe stage ignore=SP1001",
    "# hadolint shell=powershell",
    "# escape=`",
    "",
)


def _joined(pieces: tuple[str, ...], between: str, most: int) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), min_size=1, max_size=most).map(between.join)


def _each(keywords: tuple[str, ...], rest: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda keyword, text: f"{keyword} {text}", st.sampled_from(keywords), rest)


def _commands() -> st.SearchStrategy[str]:
    command = st.builds(
        lambda name, words: f"{name} {words}", st.sampled_from(_PROGRAMS), _joined(_WORDS, " ", 3)
    )
    wrapped = st.one_of(
        command,
        command.map(lambda text: f"({text})"),
        command.map(lambda text: f"if a; then {text}; fi"),
        command.map(lambda text: f"for i in 1 2; do {text}; done"),
        command.map(lambda text: f"x=$({text})"),
    )
    following = st.builds(lambda sign, text: sign + text, st.sampled_from(_BETWEEN), wrapped)
    return st.builds(lambda first, rest: first + "".join(rest), wrapped, st.lists(following, max_size=4))


def _instructions() -> st.SearchStrategy[str]:
    words = _joined(_WORDS, " ", 3)
    pairs = st.builds(
        lambda name, value: f"{name}={value}", st.sampled_from(("x", "PATH", "password", "a.b")), words
    )
    heredoc = st.builds(
        lambda program, body: f"RUN {program}<<EOF\n{body}\nEOF",
        st.sampled_from(("", "bash ", "python3 ", "cat ")),
        st.lists(_commands(), max_size=3).map("\n".join),
    )
    run = _commands().map(lambda text: f"RUN {text}")
    mounted = _commands().map(lambda text: f"RUN --mount=type=cache,target=/var/lib/apt {text}")
    other = st.one_of(
        _each(("COPY", "ADD", "CMD", "ENTRYPOINT", "USER", "WORKDIR", "EXPOSE"), words),
        _each(("ENV", "ARG", "LABEL"), pairs),
        words.map(lambda text: f"COPY --from=b {text} /x"),
        words.map(lambda text: f"COPY <<EOF /x\n{text}\nEOF"),
        st.sampled_from(
            (
                'CMD ["a", "b"]',
                'SHELL ["/bin/bash", "-c"]',
                "HEALTHCHECK CMD curl a",
                "MAINTAINER a",
                "VOLUME /a",
            )
        ),
        st.builds(
            lambda image, name: f"FROM {image}{name}",
            st.sampled_from(_IMAGES),
            st.sampled_from(("", " AS b", " as C")),
        ),
    )
    return st.one_of(run, heredoc, mounted, other, _commands().map(lambda text: f"ONBUILD RUN {text}"))


def dockerfiles() -> st.SearchStrategy[str]:
    """Texts of one stage or several, most of which a build would take."""
    line = st.builds(
        lambda comment, text: f"{comment}\n{text}\n", st.sampled_from(_COMMENTS), _instructions()
    )
    return st.builds(
        lambda image, lines: f"ARG base=alpine:3\nFROM {image}\n{''.join(lines)}",
        st.sampled_from(_IMAGES),
        st.lists(line, max_size=8),
    )
