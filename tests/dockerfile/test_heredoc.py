"""Here-documents, found where BuildKit finds them."""

from __future__ import annotations

import pytest

from tests.dockerfile.support import complaints, place, read


def found(text: str) -> list[tuple[str, str]]:
    return [(h.delimiter, h.body) for i in read(f"FROM a\n{text}").instructions for h in i.heredocs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN <<EOF\nx\n\n# y\nEOF\n", [("EOF", "x\n\n# y\n")]),
        ("RUN <<EOF\nEOF", [("EOF", "")]),
        ("run <<EOF cat > /x\nx\nEOF\n", [("EOF", "x\n")]),
        ("RUN cat <<A <<B\na\nA\nb\nB\n", [("A", "a\n"), ("B", "b\n")]),
        ("COPY <<a.txt <<b.txt /x/\n1\na.txt\n2\nb.txt\n", [("a.txt", "1\n"), ("b.txt", "2\n")]),
        ("ADD <<EOF /x\nx\nEOF\n", [("EOF", "x\n")]),
        ("RUN <<-EOF\n\tx\n\t\tEOF\n", [("EOF", "\tx\n")]),
        ("RUN <<'E F'\n$x\nE F\n", [("E F", "$x\n")]),
        ("RUN cat \\\n  <<EOF \\\n  > /x\nx\nEOF\n", [("EOF", "x\n")]),
        ("RUN << EOF\nx\nEOF\n", [("EOF", "x\n")]),
        ("ONBUILD RUN <<EOF\nx\nEOF\n", [("EOF", "x\n")]),
        ("RUN <<EOF\r\nx\r\nEOF\r\n", [("EOF", "x\n")]),
        ("RUN <<EOF\nRUN <<EOG\nEOF\n", [("EOF", "RUN <<EOG\n")]),
        # None of these is one.
        ("RUN echo '<<EOF'\n", []),
        ('RUN echo "<<EOF"\n', []),
        ("RUN cat<<EOF\n", []),
        ("RUN cat <<<EOF\n", []),
        ("RUN echo \\<<EOF\n", []),
        ("RUN echo it's <<EOF\n", []),
        ('RUN ["cat", "<<EOF"]\n', []),
        ("ENV A <<EOF\n", []),
        ("CMD cat <<EOF\n", []),
        ("# RUN <<EOF\n", []),
        ("RUN a # <<'\n", []),
    ],
)
def test_heredocs(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected
    assert complaints(f"FROM a\n{text}") == []


def test_what_follows_is_read() -> None:
    dockerfile = read("FROM a\nRUN <<EOF\nUSER root\nEOF\nUSER b\n")
    assert [i.keyword for i in dockerfile.instructions] == ["FROM", "RUN", "USER"]


def test_places_and_kinds() -> None:
    dockerfile = read('FROM a\nRUN x 3<<-"E"F\n\ty\n\tEF\nUSER b\n')
    run = dockerfile.instructions[1]
    (heredoc,) = run.heredocs
    assert place(dockerfile, run.start, run.end) == "2:1-4:4"
    assert place(dockerfile, heredoc.start, heredoc.end) == "3:1-4:1"
    assert place(dockerfile, heredoc.marker.start, heredoc.marker.end) == "2:7-2:15"
    assert (heredoc.fd, heredoc.strip_tabs, heredoc.expand) == (3, True, False)


def test_the_trigger_of_an_onbuild_has_them_too() -> None:
    onbuild = read("FROM a\nONBUILD RUN <<EOF\nx\nEOF\n").instructions[1]
    assert onbuild.trigger is not None
    assert onbuild.trigger.heredocs == onbuild.heredocs


@pytest.mark.parametrize(
    ("text", "problem", "keywords"),
    [
        (
            "FROM a\nRUN cat <<EOF\nx\nUSER b\n",
            "2:9-2:14 the heredoc 'EOF' is never closed: no line below is just that",
            ["FROM", "RUN", "USER"],
        ),
        (
            "FROM a\nRUN <<EOF\nx\n  EOF\nUSER b\n",
            "2:5-2:10 the heredoc 'EOF' is never closed: no line below is just that, and line 4 has blanks around it",
            ["FROM", "RUN", "USER"],
        ),
        (
            "FROM a\nRUN echo $((1 << 2))\n",
            "2:15-2:21 the heredoc '2))' is never closed: no line below is just that",
            ["FROM", "RUN"],
        ),
    ],
)
def test_unclosed(text: str, problem: str, keywords: list[str]) -> None:
    assert complaints(text) == [problem]
    assert [i.keyword for i in read(text).instructions] == keywords
