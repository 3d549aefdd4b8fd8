"""hadolint's formats: each valid against its schema, with real places, and whole whatever files are called."""

from __future__ import annotations

import functools
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from secpipe.model.lint import LintFinding, LintReport
from secpipe.model.location import Region
from secpipe.model.problem import Problem
from secpipe.model.severity import Level
from secpipe.report import formats, render
from tests.support.hadolint import HADOLINT, needs_hadolint
from tests.support.reports import LINT

SCHEMAS = Path(__file__).parents[1] / "schemas"
EMPTY = LintReport((), (), {}, (), Level.INFO, 0)
CLEAN = EMPTY._replace(files=("Dockerfile",))
UNREADABLE = Problem("unreadable-file", "gone", "gone: cannot be read", "look at it", coverage=False)
NAMES = [
    "C:\\app\\Dockerfile",
    "a,b:c=d%0A",
    "<&\"'>]]>",
    "new\nline\x1b[2J",
    "caf\udce9",
    "\ufffe\uffff\x00",
    "-",
    " ",
]


def items(name: str, text: str) -> list[Any]:
    """What a format in JSON tells: a list of objects."""
    if name == "codeclimate":
        assert text == "" or text.endswith("\0")
        return [json.loads(part) for part in text.split("\0")[:-1]]
    if name == "codacy":
        return [json.loads(line) for line in text.splitlines()]
    document = json.loads(text)
    return list(document["issues"]) if name == "sonarqube" else list(document)


@functools.cache
def xml_schema(file: str) -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMAS / file)


def validate(name: str, report: LintReport) -> str:
    text = render(name, report)
    if name in ("junit", "checkstyle"):
        xml_schema("junit-10.xsd" if name == "junit" else "checkstyle.xsd").validate(io.StringIO(text))
    elif name == "sonarqube":
        jsonschema.validate(json.loads(text), json.loads((SCHEMAS / "sonarqube.schema.json").read_text()))
    else:
        schema_name = "codacy" if name == "codacy" else "codeclimate"
        validator = jsonschema.Draft202012Validator(
            json.loads((SCHEMAS / f"{schema_name}.schema.json").read_text())
        )
        for item in items(name, text):
            validator.validate(item)
    return text


VALIDATED = ["checkstyle", "codacy", "codeclimate", "gitlab_codeclimate", "junit", "sonarqube"]


def named(file: str) -> LintReport:
    found = LINT.findings[0]._replace(file=file, message=f"about {file}")
    return LINT._replace(
        files=(file,), findings=(found,), problems=(UNREADABLE._replace(subject=file),), sources={}
    )


@pytest.mark.parametrize("name", VALIDATED)
@pytest.mark.parametrize("report", [LINT, EMPTY, CLEAN, *map(named, NAMES)])
def test_every_report_is_valid(name: str, report: LintReport) -> None:
    validate(name, report)


@settings(deadline=None, max_examples=40)
@given(st.text(min_size=1), st.text(min_size=1))
@pytest.mark.parametrize("name", [name for name in formats("lint") if name not in ("sarif", "json")])
def test_no_text_breaks_a_report(name: str, file: str, message: str) -> None:
    report = named(file.replace("\x00", "0") or "0")
    found = report.findings[0]._replace(message=message)
    report = report._replace(findings=(found,))
    text = validate(name, report) if name in VALIDATED else render(name, report)
    text.encode()
    if name in ("gnu", "github"):
        assert len(text.splitlines()) == 2
    if name in ("gnu", "github", "tty"):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", text)


def test_hadolints_formats_and_annotations_are_there() -> None:
    peers = "tty json sarif checkstyle codeclimate gitlab_codeclimate gnu codacy sonarqube junit"
    assert set(formats("lint")) >= {*peers.split(), "github"}


@pytest.mark.parametrize("name", formats("lint"))
def test_what_could_not_be_examined_is_told(name: str) -> None:
    text = render(name, EMPTY._replace(problems=(UNREADABLE,)))
    if name == "json":
        assert json.loads(text) == [], "hadolint's array has no place for it"
    else:
        assert "gone" in text


@pytest.mark.parametrize("name", formats("lint"))
def test_every_finding_is_told_with_its_code(name: str) -> None:
    text = render(name, LINT)
    assert all(finding.code in text for finding in LINT.findings)


def test_checkstyle_names_clean_files_and_places() -> None:
    root = ElementTree.fromstring(render("checkstyle", LINT))
    assert [file.get("name") for file in root] == [
        "Dockerfile",
        "ShellCheck",
        "clean/Dockerfile",
        "gone, away",
        "sub dir/Dockerfile.prod",
    ]
    assert root[0][1].attrib == {
        "line": "2",
        "column": "5",
        "severity": "info",
        "message": 'Remove the lists: <none> & "none" of 100%, please',
        "source": "DL3009",
    }
    assert root[3][0].get("source") == "unreadable-file"


def test_junit_counts_and_a_clean_file_passes() -> None:
    root = ElementTree.fromstring(render("junit", LINT))
    assert [root.get(key) for key in ("tests", "failures", "errors")] == ["9", "5", "1"]
    suites = {suite.get("name"): suite for suite in root}
    assert [len(case) for case in suites["Dockerfile"]] == [1, 1, 1]
    assert suites["gone, away"].get("errors") == "1"
    assert suites["ShellCheck"].get("skipped") == "1"
    passed = ElementTree.fromstring(render("junit", CLEAN))
    assert [(case.get("name"), len(case)) for case in passed.iter("testcase")] == [("Dockerfile", 0)]


def test_places_of_code_climate_are_exact() -> None:
    issue = items("codeclimate", render("codeclimate", LINT))[1]
    assert issue["location"] == {
        "path": "Dockerfile",
        "positions": {"begin": {"line": 2, "column": 5}, "end": {"line": 3, "column": 18}},
    }
    assert [i["severity"] for i in items("codeclimate", render("codeclimate", LINT))[:5]] == [
        "major",
        "info",
        "minor",
        "blocker",
        "info",
    ]


def test_gitlab_fingerprints_are_unique_and_outlive_other_lines() -> None:
    def fingerprints(report: LintReport) -> list[str]:
        return [
            issue["fingerprint"]
            for issue in items("gitlab_codeclimate", render("gitlab_codeclimate", report))
        ]

    def at(line: int) -> LintFinding:
        return LintFinding("Dockerfile", Region(line, 1, line, 5), "DL3059", Level.INFO, f"message {line}")

    before = CLEAN._replace(findings=(at(2), at(3)), sources={"Dockerfile": ("FROM a:1", "RUN a", "RUN  a")})
    after = CLEAN._replace(
        findings=(at(3), at(4)), sources={"Dockerfile": ("# new", "FROM a:1", "RUN a", "RUN  a")}
    )
    assert len(set(fingerprints(before))) == 2
    assert fingerprints(before) == fingerprints(after)
    assert len(set(fingerprints(LINT))) == len(fingerprints(LINT))


def test_paths_below_the_working_directory_are_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("./a/Dockerfile", "a/../a/Dockerfile", str(tmp_path / "a" / "Dockerfile")):
        (issue, *_) = items("gitlab_codeclimate", render("gitlab_codeclimate", named(file)))
        assert issue["location"]["path"] == "a/Dockerfile"
    (outside, *_) = items("codacy", render("codacy", named("/elsewhere/Dockerfile")))
    assert outside["filename"] == "/elsewhere/Dockerfile"


@pytest.mark.parametrize(
    ("region", "columns"),
    [
        (Region(3, 12, 3, 14), (12, 14)),  # behind a character of two UTF-16 units
        (Region(1, 6, 1, 12), (5, 11)),
        (Region(2, 5, 3, 18), (4, 18)),
        (Region(1, 1, 1, 1), None),
        (Region(1, 12, 1, 30), None),
        (Region(4, 1, 5, 1), None),
        (Region(1, 1, 9, 9), None),
    ],
)
def test_sonarqube_gets_only_ranges_that_it_takes(region: Region, columns: tuple[int, int] | None) -> None:
    report = LINT._replace(findings=(LINT.findings[0]._replace(region=region),))
    found = items("sonarqube", validate("sonarqube", report))[0]["primaryLocation"]["textRange"]
    assert found["startLine"] == region.line
    assert found["endLine"] <= 4, "the file's last"
    assert (found.get("startColumn"), found.get("endColumn")) == (columns or (None, None))


def test_github_escapes_and_leaves_out_columns_of_many_lines() -> None:
    lines = render("github", LINT).splitlines()
    assert lines[0] == (
        "::warning file=Dockerfile,line=1,endLine=1,col=6,endColumn=12,title=DL3006::"
        "Dockerfile:1:6 DL3006 Tag the version of the image `debian`"
    )
    assert lines[1].startswith("::notice file=Dockerfile,line=2,endLine=3,title=DL3009::")
    assert "100%25, please" in lines[1]
    assert lines[3].startswith("::error file=sub dir/Dockerfile.prod,")
    assert lines[-1].startswith("::error title=unreadable-file::gone, away: ")
    odd = render("github", named("a,b:c%\n::error::x")).splitlines()
    assert odd[0].startswith("::warning file=a%2Cb%3Ac%25\\n%3A%3Aerror%3A%3Ax,line=1,")


def test_gnu_is_one_line_a_finding_with_its_column() -> None:
    assert render("gnu", LINT).splitlines()[0] == (
        "secpipe:Dockerfile:1:6: DL3006 warning: Tag the version of the image `debian`"
    )


def test_sarif_carries_fixes() -> None:
    results = json.loads(render("sarif", LINT))["runs"][0]["results"]
    assert ["fixes" in result for result in results] == [False, True, True, False, False]
    (fix,) = results[1]["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"] == {"uri": "Dockerfile"}
    (replacement,) = change["replacements"]
    assert replacement["deletedRegion"] == {"startLine": 3, "startColumn": 18, "endLine": 3, "endColumn": 18}
    assert replacement["insertedContent"]["text"] == " && rm -rf /var/lib/apt/lists/*"
    assert fix["properties"]["safe"]
    assert not results[2]["fixes"][0]["properties"]["safe"]


@pytest.mark.parametrize("name", [name for name in formats("lint") if name != "sarif"])
def test_formats_import_nothing_heavy(name: str) -> None:
    program = (
        "import sys; from secpipe.model.lint import LintReport; from secpipe.model.severity import Level; "
        "from secpipe.report import render; "
        f"render({name!r}, LintReport(('a',), (), {{}}, (), Level.INFO, 0)); "
        "print(sorted({'rich', 'yaml', 'httpx', 'xml', 'urllib.request', 'ssl', 'email'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@needs_hadolint
def test_fields_are_hadolints(tmp_path: Path) -> None:
    """Each field that hadolint has, we have too: the kinds of JSON it writes for one finding."""
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    report = LINT._replace(findings=LINT.findings[:1], problems=())
    for name in ("json", "codeclimate", "gitlab_codeclimate", "codacy", "sonarqube"):
        theirs = subprocess.run(
            [str(HADOLINT), "--no-fail", "-f", name, "Dockerfile"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found, own = items(name, theirs)[0], items(name, render(name, report))[0]
        assert found.keys() <= own.keys()
        for field in found.keys() & {"severity", "type", "categories", "filename", "level", "file"}:
            assert own[field] == found[field], (name, field)
