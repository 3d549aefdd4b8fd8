"""Streams of documents: each for itself, bounded, whatever they hold."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.documents.stream import Bounds, Document, NoJsonError, documents, json_documents

BOUNDS = Bounds(20, 1000)
ANY = re.compile(b"")


def values(data: bytes | str, bounds: Bounds = BOUNDS, wanted: bytes = b"") -> list[Any]:
    data = data.encode() if isinstance(data, str) else data
    return [each.flaw or each.value for each in documents(data, re.compile(wanted), bounds)]


def test_documents_of_yaml_are_read_each_for_itself() -> None:
    text = "a: 1\n---\nb: [\n--- # two\nc: ~\nd: ''\ne: null\nf: 1.20\n...\n---\n- |\n  --- text\n"
    one, two, three, four = documents(text.encode(), ANY, BOUNDS)
    assert (one.value, three.value) == ({"a": "1"}, {"c": None, "d": "", "e": None, "f": "1.20"})
    assert four == Document(10, ["--- text\n"])
    assert two.line == 4
    assert two.flaw.startswith("no valid YAML: ")


def test_where_documents_begin() -> None:
    """Directives belong to the document behind them, and what ends with dots needs no other mark."""
    text = "%TAG !e! tag:x,2000:\n# one\n---\na: !e!x 1\n...\n# two\n%YAML 1.1\n---\nb: 2\n...\nc: 3\n... # end\n\n"
    assert values(text) == values(text.replace("\n", "\r\n")) == [{"a": "1"}, {"b": "2"}, {"c": "3"}]
    assert [each.line for each in documents(text.encode(), re.compile(b"[abc]:"), BOUNDS)] == [1, 6, 11]
    assert values("a: ...x\n....: 1\n") == [{"a": "...x", "....": "1"}]


def test_files_that_were_put_one_behind_the_other() -> None:
    mark = b"\xef\xbb\xbf"
    assert values(mark + b"a: 1\n---\n" + mark + b"b: 2\n") == [{"a": "1"}, {"b": "2"}]
    assert values(mark + b'{"a": 1}\n' + mark + b'{"b": 2}\n') == [{"a": 1}, {"b": 2}]


def test_what_is_not_wanted_is_not_read() -> None:
    assert values("a: [\n---\nimage: x\n---\nb: [", wanted=b"image") == [{"image": "x"}]
    assert values('{"kind": "List", "items": [{"a": 1}, {"image": 1}]}', wanted=b"image") == [{"image": 1}]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(encoding: str, newline: str) -> None:
    text = "a: é\n---\nb: 2\n".replace("\n", newline)
    assert values(text.encode(encoding)) == [{"a": "é"}, {"b": "2"}]
    assert values('{"a": "é"}'.encode(encoding)) == [{"a": "é"}]
    assert values("a: é".encode("latin-1")) == [{"a": "�"}]


def test_aliases_are_what_they_stand_for() -> None:
    (value,) = values("a: &a {x: 1}\nb: *a\nc: &c [*c, *a]\n")
    assert value["a"] is value["b"] is value["c"][1]
    assert value["c"][0] is value["c"]
    assert values("a: *b") == ["no valid YAML: the alias *b stands for nothing"]
    assert values("a: &a 1\n---\na: *a") == [{"a": "1"}, "no valid YAML: the alias *a stands for nothing"]


def test_merge_keys() -> None:
    import yaml

    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: *a, y: 5}\nd: {y: 6, <<: [*a, *b]}\n"
    (value,) = values(text)
    assert (
        value["c"]
        == {"x": "1", "y": "5"}
        == {key: str(each) for key, each in yaml.safe_load(text)["c"].items()}
    )
    assert value["d"] == {"y": "6", "x": "1", "z": "4"}


def test_bombs_stay_small() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 60))
    (value,) = values(laughs)
    assert len(value) == 60
    merges = "a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(100)) + "}\n"
    merges += "".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, 60))
    assert values(merges) == ["more than 1000 values (limit fleet-values)"]
    assert values("a: " + "[" * 100_000) == ["nested more than 20 deep"]
    assert values("- " * 21 + "x") == ["nested more than 20 deep"]
    assert values("- " * 20 + "x") != ["nested more than 20 deep"]
    assert values(json.dumps([[1] * 1001])) == ["more than 1000 values (limit fleet-values)"]
    assert values(json.dumps([1] * 8001)) == ["more than 8000 values (limit fleet-values)"]


def test_texts_without_an_end() -> None:
    """Each takes no longer than its length."""
    for text in (
        '{"a" "' + '\\"' * 300_000,
        '{"a" "' + '\\"' * 300_000 + "\\",
        '{"a" ' + '"' * 300_001,
        "{" * 7000 + '"',
    ):
        with pytest.raises(NoJsonError):
            list(json_documents(text.encode(), ANY, BOUNDS))


def test_json_deeper_than_python_goes() -> None:
    (flaw,) = values("[" * 100_000 + "]" * 100_000, Bounds(20, 1_000_000))
    assert "deep" in flaw


def test_lists_of_kubernetes_and_arrays() -> None:
    assert values('{"kind": "PodList", "items": [{"a": 1}, {"kind": "Job"}, 2]}') == [
        {"a": 1, "kind": "Pod"},
        {"kind": "Job"},
        2,
    ]
    assert values('{"kind": "List", "items": 3}') == [3]
    assert values('{"kind": "ConfigMap", "items": [1]}') == [{"kind": "ConfigMap", "items": [1]}]
    assert values('{"kind": ["List"], "items": [1]}') == [{"kind": ["List"], "items": [1]}]
    assert values('["a", "b"]') == ["a", "b"]


def test_json_one_after_the_other() -> None:
    text = '{"a": "}{"}\n{"b": [1]}\n\n[{"c": "\\"{"}]\n'
    found = list(json_documents(text.encode(), ANY, BOUNDS))
    assert [(each.line, each.value) for each in found] == [
        (1, {"a": "}{"}),
        (2, {"b": [1]}),
        (4, {"c": '"{'}),
    ]
    for wrong in ("{} x", "x", "", "{}}", "{", '{"a": }', "{} 1"):
        with pytest.raises(NoJsonError):
            list(json_documents(wrong.encode(), ANY, BOUNDS))
    assert values('{"a": }\n{"b": 1}')[0].startswith("no valid")


def test_yaml_that_begins_as_json_does() -> None:
    assert values("{a: 1}") == [{"a": "1"}]
    assert values("{a: 1}\n---\n[b]") == [{"a": "1"}, ["b"]]
    (document,) = documents(b"{{- if .Values.x }}\nimage: y\n{{- end }}\n", ANY, BOUNDS)
    assert document.flaw
    assert document.template


@given(st.binary(max_size=300) | st.text("{}[]:,-&*<!|>'\"#?% \nab", max_size=60).map(str.encode))
def test_any_bytes(data: bytes) -> None:
    for each in documents(data, ANY, BOUNDS):
        assert isinstance(each, Document)


PLAIN = st.recursive(
    st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=5).filter(bool),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text("abc", min_size=1), PLAIN, max_size=3), min_size=1, max_size=3))
def test_what_is_written_is_read(given_: list[Any]) -> None:
    import yaml

    assert values(yaml.safe_dump_all(given_, explicit_start=True)) == given_
    assert values("\n".join(map(json.dumps, given_))) == given_
