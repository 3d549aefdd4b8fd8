"""Templates: what they see, what they cannot reach, and that a mistake in one is an error with its line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from secpipe.errors import UsageError
from secpipe.model.scan import ScanReport
from secpipe.report import _template, check, render
from tests.report.test_sbom_formats import BOM
from tests.report.test_scan_formats import MARKED
from tests.support.cli import secpipe
from tests.support.reports import LINT, SCAN, finding, package, scan_report
from tests.support.scans import SHAPES, hostile, scans

pytest.importorskip("jinja2", reason="Jinja2 is not installed: templates were not tried (make venv)")
ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(
    r"<!-- template -->\n```jinja\n(.*?)```", (ROOT / "docs/templates.md").read_text(), re.DOTALL
)
SCHEMA = json.loads((ROOT / "docs" / "schema" / "scan.schema.json").read_text())

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str, name: str = "t.txt") -> str:
        path = tmp_path / name
        path.write_text(text)
        _template.load.cache_clear()
        return f"template:{path}"

    return written


def test_what_the_json_leaves_out_is_there() -> None:
    """All that the schemas have, in every object: a template need not ask whether there is a key."""
    defs = SCHEMA["$defs"]
    seen = _template.context(SHAPES["full"])
    assert set(SCHEMA["properties"]) <= set(seen)
    for found in seen["findings"]:
        assert set(found) == set(defs["finding"]["properties"])
        assert set(found["evidence"]) == set(defs["finding"]["properties"]["evidence"]["properties"])
        assert set(found["layer"]) == set(defs["layer"]["oneOf"][1]["properties"])
    for one in seen["packages"]:
        assert set(one) == set(defs["package"]["properties"])
    assert (seen["warnings"], seen["target"]["images"], seen["findings"][0]["suppression"]) == ([], [], None)
    assert _template.context(MARKED)["findings"][0]["suppression"]["status"] is None
    assert _template.context(BOM)["packages"][0].keys() >= {"origin", "owner"}


def within(told: Any, seen: Any) -> bool:
    """Whether all that is told is seen; what is left out may be seen besides."""
    if isinstance(told, dict):
        return all(key in seen and within(value, seen[key]) for key, value in told.items())
    if isinstance(told, list):
        return len(told) == len(seen) and all(map(within, told, seen))
    return bool(told == seen)


@pytest.mark.parametrize("report", SHAPES.values(), ids=SHAPES)
def test_a_template_sees_what_the_json_says(write: Write, report: ScanReport) -> None:
    seen = json.loads(render(write("{{ report | tojson }}"), report))
    told = json.loads(render("json", report))
    assert seen == _template._texts(seen)
    assert within(_template._texts(told), seen)
    assert render(write("{{ verdict }} {{ target.reference }} {{ kind }}"), report) == (
        f"{report.verdict} {report.target.reference} scan"
    )


def test_lists_and_lints_are_seen_as_well(write: Write) -> None:
    text = "{% for f in findings %}\n{{ f.file }}:{{ f.line }} {{ f.code }}\n{% endfor %}\n"
    text += "{{ problems | length }} {{ exitCode }}"
    assert render(write(text), LINT).splitlines()[0] == "Dockerfile:1 DL3006"
    assert render(write(text), LINT).splitlines()[-1] == f"{len(LINT.problems)} {LINT.exit_code}"
    text = "{% for p in packages %}{{ p.name }} {% endfor %}{{ kind }}"
    assert render(write(text), BOM) == " ".join([*(p.name for p in BOM.packages), "sbom"])


def test_keys_that_may_be_missing_are_none_and_nothing_is_written_for_them(write: Write) -> None:
    text = "{% for f in findings %}[{{ f.suppression.reason if f.suppression }}|{{ f.score }}|{{ f.kev }}]{% endfor %}"
    assert render(write(text), MARKED) == "[behind the proxy||][|9.1|True][||]"
    assert render(write("{{ target.images | length }}{{ warnings }}"), SCAN) == "0[]"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("{{ findngs }}", 1, "'findngs' is undefined"),
        ("{% for f in findings %}\n{{ f.severty }}\n{% endfor %}", 2, "no attribute 'severty'"),
        ("x\n{{ findings | nothing }}", 2, "No filter named 'nothing'"),
        ("x\n{% for f in %}", 2, "Expected an expression"),
        ("\n\n{{ 1 / 0 }}", 3, "division by zero"),
        ("{{ ''.__class__.__mro__ }}", 1, "unsafe"),
        ("{{ findings.append(1) }}", 1, "'append' of 'list' object is unsafe"),
        ("{% include '../secret' %}", 1, "../secret"),
        ("{% include '/etc/passwd' %}", 1, "/etc/passwd"),
        ("{{ self.__init__.__globals__ }}", 1, "unsafe"),
        ("{{ cycler.__init__.__globals__.os }}", 1, "unsafe"),
        ("{% for i in range(10 ** 9) %}{% endfor %}", 1, "Range too big"),
    ],
)
def test_a_mistake_is_an_error_with_its_line(write: Write, text: str, line: int, told: str) -> None:
    name = write(text)
    with pytest.raises(UsageError) as error:
        render(name, SCAN)
    assert f"{name.partition(':')[2]}:{line}: " in error.value.message
    assert told in error.value.message
    assert "docs/templates.md" in error.value.hint


def test_a_mistake_in_an_included_file_is_told_of_that_file(write: Write) -> None:
    write("a\n{{ nothing }}", "part.txt")
    with pytest.raises(UsageError, match=r"part\.txt:2: 'nothing' is undefined"):
        render(write("{% include 'part.txt' %}"), SCAN)


@pytest.mark.parametrize("name", ["page.html", "page.html.j2", "PAGE.HTM", "x.svg.jinja", "x.xml"])
def test_markup_is_escaped(write: Write, name: str) -> None:
    evil = "<script>alert(1)</script>"
    text = render(write("{{ findings[0].id }} {{ findings | tojson }}", name), hostile(evil))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_other_texts_are_not_escaped_and_have_no_controls(write: Write) -> None:
    report = scan_report(finding("CVE-1-1", package("a<b>\x1b[2J", "1")))
    text = render(write("{{ findings[0].package }}", "t.txt"), replace(report, reason="x"))
    assert text == "pkg:deb/debian/a<b>\\x1b[2J@1?arch=amd64&distro=debian-12"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(scans())
def test_any_report_can_be_shown(write: Write, report: ScanReport) -> None:
    for text in EXAMPLES:
        shown = render(write(text), report)
        shown.encode("utf-8", "strict")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    json.loads(render(write(EXAMPLES[0]), report))


def test_the_examples_of_the_documentation_say_what_they_are_for(write: Write) -> None:
    chat, table = (render(write(text), SCAN) for text in EXAMPLES)
    assert json.loads(chat)["findings"] == ["CVE-2023-38545", "CVE-2023-5363", "DSA-0000-1"]
    assert table.count("\n| pkg&#58;deb") == 3
    assert "Not examined: no advisories for PyPI" in table


@pytest.mark.parametrize("kind", ["lint", "scan", "sbom"])
def test_a_template_is_checked_before_the_work_begins(write: Write, kind: Any) -> None:
    for name in (
        write("{% for", "broken.txt"),
        "template",
        "template:",
        "template:/nowhere/x.j2",
        write("\x00").replace("t.txt", ""),
    ):
        with pytest.raises(UsageError):
            check(name, kind)
    assert check(write("x"), kind).startswith("template:")


def test_without_jinja_the_error_says_what_to_install(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write("x")
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UsageError) as error:
        check(name, "scan")
    assert "Jinja2" in error.value.message
    assert error.value.hint == "pip install 'secpipe[template]'"


def test_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(render("json", SCAN))
    (tmp_path / "a=b.j2").write_text("{{ verdict }}\n")
    done = secpipe("convert", "r.json", "-f", "template:a=b.j2", cwd=tmp_path)
    assert (done.code, done.stdout) == (0, "failed\n")
    (tmp_path / "t.j2").write_text("{{ verdict }} 2\n")
    done = secpipe("convert", "r.json", "-o", "template:t.j2=out/x=y", "-o", "template:t.j2=z", cwd=tmp_path)
    assert (done.code, done.stderr) == (
        2,
        "error: cannot write out/x=y: No such file or directory\nhint: name a file in an existing, writable folder\n",
    )
    done = secpipe("convert", "r.json", "-o", "template:t.j2=z", cwd=tmp_path)
    assert (done.code, (tmp_path / "z").read_text()) == (0, "failed 2\n")
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    (tmp_path / "l.j2").write_text("{{ findings[0].code }}\n")
    assert secpipe("lint", "Dockerfile", "-f", "template:l.j2", cwd=tmp_path).stdout == "DL3006\n"
